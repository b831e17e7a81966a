"""What will be billed as things stand: the invoices to come, every charge taken as paid (R48, R50)."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from domain import events as e
from domain.calendar import Instant, begins_at, date_of, twelve_months_after
from domain.catalog import Catalogues
from domain.coming import settled_as_paid, still_billed, with_method_accepted
from domain.invoices import invoice_changes
from domain.settle import next_due
from domain.state import Account
from domain.views import Entitlement, entitlements

ENDING = ("ending", "ended")


class Forecast(msgspec.Struct, frozen=True):
    """What will be billed. `invoices`: those of the next twelve months, in order. `next_charges`: the
    first charge of each item that goes on, in order of purchase, however far away (R32, R36).
    `next_invoice`: the first one, also where it is further away."""

    next_charges: tuple[e.Upcoming, ...]
    next_invoice: e.Invoice | None
    invoices: tuple[e.Invoice, ...]


def forecast(state: Account, at: Instant, catalogues: Catalogues) -> Forecast:
    """What is billed after the instant as things stand."""
    now, _ = settled_as_paid(state, at, catalogues)
    end = begins_at(twelve_months_after(date_of(at, state.time_zone)), state.time_zone)
    then, happened = settled_as_paid(with_method_accepted(now), end, catalogues)
    invoices = _issued(happened)
    first = invoices[0] if invoices else _next_invoice(then, catalogues)
    return Forecast(still_billed(now, catalogues), first, invoices)


def next_invoice(state: Account, at: Instant, catalogues: Catalogues) -> e.Invoice | None:
    """The first invoice after the instant as things stand; None: nothing will be billed."""
    now, _ = settled_as_paid(state, at, catalogues)
    return _next_invoice(now, catalogues)


def ends_with(
    before: Account, after: Account, catalogues: Catalogues, listed: Collection[str] = ()
) -> tuple[Entitlement, ...]:
    """What ends, or will end, by what lies between the two states of one account: the product itself, and
    the add-ons that lose their prerequisite. Those that the command's answer has `listed` are among them,
    also where they were to end before (R28)."""
    was = {product: shown.status in ENDING for product, shown in entitlements(before, catalogues).items()}
    return tuple(
        shown
        for product, shown in entitlements(after, catalogues).items()
        if product in listed or (shown.status in ENDING and not was.get(product, False))
    )


def _next_invoice(state: Account, catalogues: Catalogues) -> e.Invoice | None:
    """The first invoice that is still to come; None: nothing will be billed."""
    while due := next_due(state):
        state, happened = settled_as_paid(state, due[1], catalogues)
        if issued := _issued(happened):
            return issued[0]
    return None


def _issued(events: tuple[e.Event, ...]) -> tuple[e.Invoice, ...]:
    """The invoices that the events issue, in order."""
    return tuple(invoice for event in events if (invoice := invoice_changes(event)[0]) is not None)
