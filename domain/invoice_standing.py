"""How each issued invoice stands after an event, for those who fold events without the account's state: what
is due of it, what account credit paid, whether it was charged back (R51). `domain.evolve` keeps the same in
an account's records.

    for number, standing in changed_standings(event, standings.get):
        standings[number] = standing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, TypeAlias, get_args

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.events import Invoice, InvoiceStatus


class InvoiceStanding(msgspec.Struct, frozen=True, gc=False):
    """An invoice as issued, and how it stands. `due`: what is still to be paid of it, 0.00 unless it is open;
    `applied`: the account credit that paid it after its issue (R63); `charged_back`: a dispute of it was
    lost; `disputed`: one is open (R58)."""

    invoice: Invoice
    status: InvoiceStatus
    due: Decimal
    applied: Decimal
    charged_back: bool = False
    disputed: bool = False

    @property
    def credit(self) -> Decimal:
        """All account credit that it took, at its issue and after."""
        at_issue = self.invoice.credit
        return self.applied if at_issue is msgspec.UNSET else at_issue + self.applied


Standings: TypeAlias = Callable[[int], InvoiceStanding | None]
"""How the invoice of a number stood before the event; None: it is not known."""

Changed: TypeAlias = tuple[int, InvoiceStanding]


def changed_standings(event: e.Event, before: Standings) -> Iterable[Changed]:
    """The invoices that the event issues or changes, each as it stands after it. One that `before` does not
    know is left out."""
    change = CHANGES.get(type(event))
    return () if change is None else change(event, before)


_Charging: TypeAlias = (
    e.PlanPurchased | e.PlanChanged | e.PlanResumed | e.AddonPurchased | e.BlocksToppedUp | e.CreditsPurchased
)


def _charged(event: _Charging, _: Standings) -> Iterable[Changed]:
    invoice = event.invoice
    if invoice is None:
        return ()
    nothing = invoice.total - invoice.total
    return ((invoice.number, InvoiceStanding(invoice, "paid", nothing, nothing)),)


def _renewed(event: e.CyclesRenewed, _: Standings) -> Iterable[Changed]:
    invoice = event.invoice
    charge = invoice.charge
    standing = InvoiceStanding(invoice, "open" if charge else "paid", charge, invoice.total - invoice.total)
    return ((invoice.number, standing),)


# ---- what later events do -------------------------------------------------------


def _with(number: int, before: Standings, **changes: Any) -> tuple[Changed, ...]:
    """The invoice with what is named changed; nothing is due of one that is not open."""
    standing = before(number)
    if standing is None:
        return ()
    after = replace(standing, **changes)
    return ((number, after if after.status == "open" else replace(after, due=after.due - after.due)),)


def _invoice_paid(event: e.InvoicePaid, before: Standings) -> Iterable[Changed]:
    was = before(event.number)
    if was is None:
        return ()
    paid = InvoiceStanding(
        was.invoice, "paid", was.due - was.due, was.applied, was.charged_back, was.disputed
    )
    return ((event.number, paid),)


def _items_lapsed(event: e.ItemsLapsed, before: Standings) -> Iterable[Changed]:
    return _with(event.number, before, status="uncollectible") if event.written_off else ()


def _written_off(event: e.InvoiceWrittenOff, before: Standings) -> Iterable[Changed]:
    return _with(event.number, before, status="uncollectible")


def _credit_note(event: e.CreditNoteIssued, before: Standings) -> Iterable[Changed]:
    standing = before(event.invoice)
    if standing is None or (event.reason == "upgrade" and not event.lowered):
        return ()
    status = standing.status if event.reason == "upgrade" else event.invoice_status
    after = _with(event.invoice, before, status=status, due=standing.due - event.lowered)
    return () if after == ((event.invoice, standing),) else after


def _reissued(event: e.InvoiceReissued, before: Standings) -> Iterable[Changed]:
    """What was paid of the old invoice pays the new one (R67)."""
    old = before(event.note.invoice)
    if old is None:
        return ()
    new = event.invoice
    return (*_credit_note(event.note, before), (new.number, replace(old, invoice=new)))


def _credit_applied(event: e.CreditApplied, before: Standings) -> Iterable[Changed]:
    return _shares_paid(event.shares, event.paid, before, by_credit=True)


def _payment_recorded(event: e.PaymentRecorded, before: Standings) -> Iterable[Changed]:
    return _shares_paid(event.shares, event.paid, before, by_credit=False)


def _shares_paid(
    shares: Iterable[e.Share], paid: Iterable[int], before: Standings, *, by_credit: bool
) -> Iterable[Changed]:
    for share in shares:
        standing = before(share.invoice)
        if standing is not None:
            applied = standing.applied + share.amount if by_credit else standing.applied
            status = "paid" if share.invoice in paid else standing.status
            changes = {"status": status, "due": standing.due - share.amount, "applied": applied}
            yield from _with(share.invoice, before, **changes)


def _dispute_opened(event: e.DisputeOpened, before: Standings) -> Iterable[Changed]:
    return _with(event.number, before, disputed=True)


def _dispute_won(event: e.DisputeWon, before: Standings) -> Iterable[Changed]:
    return _with(event.number, before, disputed=False)


def _dispute_lost(event: e.DisputeLost, before: Standings) -> Iterable[Changed]:
    standing = before(event.number)
    due = event.amount if standing is None else standing.due + event.amount
    return _with(event.number, before, status="open", due=due, charged_back=True, disputed=False)


def _late_payment_failed(event: e.LatePaymentFailed, before: Standings) -> Iterable[Changed]:
    return _with(event.number, before, charged_back=True)


CHANGES: Final[dict[type[Any], Callable[[Any, Standings], Iterable[Changed]]]] = {
    e.CyclesRenewed: _renewed,
    **dict.fromkeys(get_args(_Charging), _charged),
    e.InvoicePaid: _invoice_paid,
    e.ItemsLapsed: _items_lapsed,
    e.InvoiceWrittenOff: _written_off,
    e.CreditNoteIssued: _credit_note,
    e.InvoiceReissued: _reissued,
    e.CreditApplied: _credit_applied,
    e.PaymentRecorded: _payment_recorded,
    e.DisputeOpened: _dispute_opened,
    e.DisputeWon: _dispute_won,
    e.DisputeLost: _dispute_lost,
    e.LatePaymentFailed: _late_payment_failed,
}
"""What each event that issues or changes an invoice does; `changed_standings` of any other one is empty."""
