"""What is due of an account, invoice by invoice, and which discounts it has: as the billing page shows them
(R50, R51, R52, R58, R79)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain import events as e
from domain.booking_facts import terms_of
from domain.calendar import NEVER, CivilDate
from domain.collection import lapses, next_reminder
from domain.discounts import expiry, name_of, over
from domain.facts import Facts
from domain.state import Account, InvoiceRecord


class OpenInvoice(msgspec.Struct, frozen=True):
    """An invoice of which something is due. `next_try`: the date on which the saved method is tried again
    (R52). `next_reminder`: when the customer is told that its items lapse soon (R55). `lapses`: the suspended
    items, and when each ends unpaid. `late`: its payment is under way, and its answer expected by `answer_by`
    (R98)."""

    invoice: int
    date: CivilDate
    total: Decimal
    due: Decimal
    next_try: CivilDate | None
    next_reminder: CivilDate | None
    lapses: tuple[e.Ending, ...]
    late: bool
    charged_back: bool
    answer_by: CivilDate | None = None


class HeldDiscount(msgspec.Struct, frozen=True):
    """A discount that can still take something. `left`: of a carried one. `last_day`: the last one that it
    reaches, inclusive; None: it has no end."""

    discount: str
    terms: Facts
    left: Decimal | None
    last_day: CivilDate | None


def open_invoices(state: Account) -> tuple[OpenInvoice, ...]:
    """Those of which something is due, the oldest first."""
    return tuple([_open(state, record) for record in state.open_invoices])


def held_discounts(state: Account, today: CivilDate) -> tuple[HeldDiscount, ...]:
    """The account's discounts that are not over, in order of grant."""
    return tuple(
        [
            HeldDiscount(name_of(one.terms), terms_of(one.terms), one.left, _last_day(one.terms))
            for one in state.standing.discounts
            if not over(one, today)
        ]
    )


def disputed_invoices(state: Account) -> tuple[int, ...]:
    """The invoices about which a dispute is open (R58)."""
    return tuple([r.number for r in state.records.values() if r.disputed_at is not None])


def _open(state: Account, record: InvoiceRecord) -> OpenInvoice:
    invoice = state.invoices[record.number]
    tried = () if state.standing.method_refused or state.disputed else record.tries
    reminded = next_reminder(state, record)
    return OpenInvoice(
        record.number,
        invoice.date,
        invoice.total,
        record.due,
        min([one.date for one in tried if one.at > state.last_at], default=None),
        None if reminded is None or reminded[1] <= state.last_at else reminded[0],
        lapses(state, record),
        record.late,
        record.charged_back,
        record.answer_by if record.late else None,
    )


def _last_day(terms: e.DiscountGranted) -> CivilDate | None:
    last = expiry(terms)
    return None if last == NEVER else last
