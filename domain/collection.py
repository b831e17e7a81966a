"""Collecting what is due after a declined renewal (R52-R57, R63): the dates of the tries, reminders, and
which invoices an amount pays."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from domain import events as e
from domain.calendar import CivilDate, Instant, begins_at, days_after
from domain.catalog import Catalogues, Collection
from domain.event_parts import ReminderStage
from domain.evolve import evolve_all
from domain.money import zero
from domain.notes import restorable, status_after
from domain.state import Account, InvoiceRecord, PendingPayment

# ---- tries and reminders -----------------------------------------------------


def tries_of(state: Account, record: InvoiceRecord, policy: Collection) -> tuple[e.Try, ...]:
    """The dates on which a declined renewal is tried again (R52): before the last cycle end of its items,
    none that had begun when the invoice was issued (R53)."""
    invoice = state.invoices[record.number]
    ends = [item.cycle.end for item in state.items if item.product in record.items and item.cycle is not None]
    found = []
    for days in sorted(policy.retry_days):
        date = days_after(invoice.date, days)
        if ends and date < max(ends):
            at = begins_at(date, state.time_zone)
            if at > due_since(state, record):
                found.append(e.Try(date, at))
    return tuple(found)


def due_since(state: Account, record: InvoiceRecord) -> Instant:
    """When the invoice was issued, or became due again; a test clock passes every instant, so there it was
    on its own date (R53)."""
    if record.due_again_at is not None:
        return record.due_again_at
    return record.at if state.clock == "test" else state.invoices[record.number].issued_at


def open_tries(state: Account) -> list[e.Try]:
    """The tries still to be made (R54)."""
    return [t for record in state.past_due_invoices for t in record.tries]


def asks_nobody(state: Account, payment: PendingPayment, catalogues: Catalogues) -> bool:
    """The method was refused for good, so it is not asked for renewals, scheduled resumes and tries: they
    count as declined (R54)."""
    return (
        state.standing.method_refused
        and payment.purpose in ("renewal", "scheduled_resume", "balance_retry")
        and catalogues.at(payment.at).policies.collection is not None
    )


def next_reminder(state: Account, record: InvoiceRecord) -> tuple[CivilDate, Instant] | None:
    """When the customer is told that an item of the invoice lapses soon (R55); None: was told, or never
    is."""
    if record.remind_before is None or record.reminded or not record.declined:
        return None
    ends = [ending.on for ending in lapses(state, record)]
    if not ends:
        return None
    date = days_after(min(ends), -record.remind_before)
    at = begins_at(date, state.time_zone)
    return None if at <= due_since(state, record) else (date, at)


def lapses(state: Account, record: InvoiceRecord) -> tuple[e.Ending, ...]:
    """The suspended items of the invoice, and when each lapses."""
    ends = {
        item.product: item.cycle.end
        for item in state.items
        if item.unpaid_since is not None and item.cycle is not None
    }
    return tuple([e.Ending(product, ends[product]) for product in record.suspended if product in ends])


def reminder(
    state: Account,
    record: InvoiceRecord,
    stage: ReminderStage,
    at: Instant,
    *,
    authentication_required: bool = False,
) -> e.PaymentReminder:
    """What the customer is told of an open invoice (R55)."""
    ahead = () if state.standing.method_refused or state.disputed else record.tries
    return e.PaymentReminder(
        at=at,
        invoice=record.number,
        stage=stage,
        due=record.due,
        next_try=min([t.date for t in ahead if t.at > at], default=None),
        lapses=lapses(state, record),
        authentication_required=True if authentication_required else msgspec.UNSET,
    )


# ---- what pays what -----------------------------------------------------------


def shares_of(state: Account, amount: Decimal) -> tuple[tuple[e.Share, ...], Decimal]:
    """The amount laid on what is due, the oldest open invoice first, and what is left over. Not on what a
    payment is under way for already: a late one (R98), or one without an answer (R16)."""
    shares = []
    paying = under_payment(state)
    for record in state.open_invoices:
        part = min(amount, record.due)
        if part and not record.late and record.number not in paying:
            shares.append(e.Share(record.number, part))
            amount -= part
    return tuple(shares), amount


def under_payment(state: Account) -> frozenset[int]:
    """The open invoices that the payment without an answer is for."""
    payment = state.payment
    if payment is None or payment.invoice_number is None:
        return frozenset()
    return frozenset([payment.invoice_number, *[share.invoice for share in payment.invoices]])


def available_credit(state: Account) -> Decimal:
    """Account credit less what the purchase takes whose payment has no answer yet."""
    held = state.standing.credit + zero(state.currency)
    activation = None if state.payment is None else state.payment.if_paid
    invoice = getattr(activation, "invoice", None)
    return held if invoice is None else held - min(held, invoice.credit_taken)


def paid_by(state: Account, shares: Sequence[e.Share]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The invoices of which nothing is due after these shares, and the items that can be used again then
    (R40)."""
    paid: list[int] = []
    restored: list[str] = []
    for share in shares:
        record = state.record(share.invoice)
        if record.due == share.amount and status_after(state, record, zero(state.currency)) == "paid":
            paid.append(record.number)
            restored += restorable(state, record, paid)
    return tuple(paid), tuple(restored)


def credit_follows(state: Account, at: Instant) -> tuple[e.Event, ...]:
    """Account credit pays what is open, whenever there are both (R63)."""
    if not state.standing.credit:
        return ()
    shares, _ = shares_of(state, available_credit(state))
    if not shares:
        return ()
    paid, restored = paid_by(state, shares)
    return (e.CreditApplied(at=at, shares=shares, paid=paid, restored=restored),)


_CAUSES_CREDIT = (
    e.CreditNoteIssued,
    e.InvoiceReissued,
    e.RefundConcluded,
    e.PaymentRecorded,
    e.DisputeLost,
    e.LatePaymentFailed,
)


def with_credit_applied(state: Account, events: tuple[e.Event, ...]) -> tuple[e.Event, ...]:
    """The events, and where account credit stands beside an amount due after them, its payment of that (R63):
    it arose by them, or a payment under way, which it was kept for or had to wait for, came to nothing."""
    if not state.standing.credit and not any(isinstance(event, _CAUSES_CREDIT) for event in events):
        return events
    after = evolve_all(state, events)
    assert after is not None
    return (*events, *credit_follows(after, max(events[-1].at, state.last_at)))
