"""What an answer says of money beside the charge: of credit notes and refunds, account credit, discounts,
disputes, and another payment method (sections 14 to 18a of the rules).

    booking_facts(main, events, state)["credit_note"]   # "C1"
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from domain import events as e
from domain.calendar import local_text
from domain.discounts import name_of
from domain.facts import Facts
from domain.free_months import free_until
from domain.state import Account


def booking_facts(main: e.Event, events: Sequence[e.Event], state: Account) -> Facts:
    """What is said of `main`, which the command was given for, and of what was recorded with it; nothing for
    what the first part of the rules records. `state` is the account after the events."""
    facts = _of_main(main, events, state)
    if not isinstance(main, e.CreditNoteIssued):
        notes = [event for event in events if isinstance(event, e.CreditNoteIssued)]
        if notes:
            facts["credit_notes"] = [_note_said(note) for note in notes]
    return facts | {"currency": state.currency} if facts else facts


def _of_main(main: e.Event, events: Sequence[e.Event], state: Account) -> Facts:
    if isinstance(main, e.Activation):
        return _bought(main, state)
    match main:
        case e.CreditNoteIssued():
            ended = [one.product for one in events if isinstance(one, _ENDS)]
            return _note(main) | ({"ended": ended} if ended else {})
        case e.InvoiceReissued():
            return _reissued(main)
        case e.PaymentRecorded():
            return _recorded(main)
        case e.DiscountGranted():
            return {"discount": name_of(main), "terms": terms_of(main)}
        case e.DiscountWithdrawn():
            return {"discount": f"D{main.number}"}
        case e.TaxProfileSet():
            return {"country": main.country}
        case e.PaymentMethodSet():
            return _tried(events, state)
        case e.InvoicePaid():
            paid = [event.number for event in events if isinstance(event, e.InvoicePaid)]
            return {"invoices": paid} if len(paid) > 1 else {}
        case e.AccountClosed():
            left = state.standing.credit
            return {"credit": str(left)} if left else {}
        case _:
            return _of_invoice(main)


def _of_invoice(main: e.Event) -> Facts:
    """What is said of the invoice that finance or the provider named."""
    match main:
        case e.CreditPaidOut():
            return {"amount": str(main.amount)}
        case e.TriesStopped() | e.DisputeWon():
            return {"invoice": main.number}
        case e.DisputeOpened() | e.DisputeLost():
            return {"invoice": main.number, "amount": str(main.amount)}
        case e.InvoiceWrittenOff():
            ended = {"ended": list(main.items)} if main.items else {}
            return {"invoice": main.number, "amount": str(main.amount)} | ended
        case _:
            return {}


def _reissued(event: e.InvoiceReissued) -> Facts:
    new = {"invoice": event.invoice.number, "total": str(event.invoice.total)}
    return _note(event.note) | {"instead_of": event.note.invoice} | new


_ENDS = e.PlanEnded | e.AddonEnded | e.CreditsReturned


def _bought(main: e.Activation, state: Account) -> Facts:
    """What account credit paid of it (R63), and until when it is free (R87)."""
    invoice = main.invoice
    if invoice is None:
        return {}
    facts: Facts = {} if not invoice.credit_taken else {"credit_taken": str(invoice.credit_taken)}
    until = free_until(state, main.product)
    return facts if until is None else facts | {"free_until": until.isoformat()}


def _note(note: e.CreditNoteIssued) -> Facts:
    """The credit note, and where its money goes (R62)."""
    parts = {"lowered": note.lowered, "refunding": note.refund, "to_account": note.to_account}
    gone = {name: str(amount) for name, amount in parts.items() if amount}
    return {"credit_note": f"C{note.number}", "invoice": note.invoice, "total": str(note.total)} | gone


def _note_said(note: e.CreditNoteIssued) -> Facts:
    return {"credit_note": f"C{note.number}", "invoice": note.invoice, "total": str(note.total)}


def _recorded(event: e.PaymentRecorded) -> Facts:
    facts: Facts = {"amount": str(event.amount)}
    if event.recovered is not None:
        return facts | {"recovered": event.recovered}
    if event.paid:
        facts["paid"] = list(event.paid)
    return facts | {"to_account": str(event.to_account)} if event.to_account else facts


def _tried(events: Sequence[e.Event], state: Account) -> Facts:
    """What came of the balance, which was tried with the new method (R56)."""
    paid = [event.amount for event in events if isinstance(event, e.InvoicePaid)]
    if paid:
        return {"tried": str(sum(paid, Decimal(0)))}
    for event in events:
        if isinstance(event, e.PaymentDeclined):
            return {"declined": str(event.amount)}
        if isinstance(event, e.PaymentActionRequired):
            return {"until": local_text(event.until, state.time_zone)}
    return {}


def terms_of(grant: e.DiscountGranted) -> Facts:
    """The terms of a discount (R79); what does not hold is left out."""
    found = {
        "percent": None if grant.percent is None else str(grant.percent),
        "fixed": None if grant.fixed is None else str(grant.fixed),
        "once": grant.once or None,
        "months": grant.months,
        "carried": grant.carried or None,
        "nonprofit": grant.nonprofit or None,
        "products": None if grant.products is None else list(grant.products),
        "last_day": None if grant.last_day is None else grant.last_day.isoformat(),
        "code": grant.code,
    }
    return {name: value for name, value in found.items() if value is not None}
