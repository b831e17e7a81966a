"""What will be billed as things stand: the invoices to come, every charge taken as paid (R48, R50)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain import events as e
from domain.calendar import Instant, begins_at, date_of, twelve_months_after
from domain.catalog import Catalogues
from domain.conclude import conclude
from domain.invoices import invoice_changes
from domain.money import zero
from domain.process import Rehearsal, settle_due
from domain.settle import next_due
from domain.state import Account
from domain.views import Entitlement, entitlements

ENDING = ("ending", "ended")


class Forecast(msgspec.Struct, frozen=True):
    """What will be billed. `invoices`: those of the next twelve months, in order. `next_charges`: the first
    charge of each product in them, a renewal (R32) or a scheduled resume (R36), by date. `next_invoice`: the
    first one, also where it is further away."""

    next_charges: tuple[e.Upcoming, ...]
    next_invoice: e.Invoice | None
    invoices: tuple[e.Invoice, ...]


def forecast(state: Account, at: Instant, catalogues: Catalogues) -> Forecast:
    """What is billed after the instant as things stand."""
    now, _ = settled_as_paid(state, at, catalogues)
    end = begins_at(twelve_months_after(date_of(at, state.time_zone)), state.time_zone)
    then, happened = settled_as_paid(now, end, catalogues)
    invoices = _issued(happened)
    first = invoices[0] if invoices else _next_invoice(then, catalogues)
    return Forecast(_next_charges(invoices), first, invoices)


def ends_with(before: Account, after: Account) -> tuple[Entitlement, ...]:
    """What ends, or will end, by what lies between the two states of one account: the product itself, and
    the add-ons that lose their prerequisite (R28)."""
    was = {product: shown.status in ENDING for product, shown in entitlements(before).items()}
    return tuple(
        shown
        for product, shown in entitlements(after).items()
        if shown.status in ENDING and not was.get(product, False)
    )


def settled_as_paid(
    state: Account, until: Instant, catalogues: Catalogues
) -> tuple[Account, tuple[e.Event, ...]]:
    """The state with everything due up to the instant settled, every charge paid and every invoice issued on
    its own date, and the events of it."""
    rehearsal = Rehearsal(state)
    if state.payment is not None:
        state = rehearsal.append(conclude(state, "paid"))
    settled = rehearsal.run(settle_due(state, until, catalogues, on_time=True))
    return settled, tuple(rehearsal.events)


def _next_invoice(state: Account, catalogues: Catalogues) -> e.Invoice | None:
    """The first invoice that is still to come; None: nothing will be billed."""
    while due := next_due(state):
        state, happened = settled_as_paid(state, due[1], catalogues)
        if issued := _issued(happened):
            return issued[0]
    return None


def _next_charges(invoices: tuple[e.Invoice, ...]) -> tuple[e.Upcoming, ...]:
    charges: dict[str, e.Upcoming] = {}
    for invoice in invoices:
        sums: dict[str, Decimal] = {}
        for line in invoice.lines:
            sums[line.product] = sums.get(line.product, zero(invoice.currency)) + line.amount
        for product, amount in sums.items():
            charges.setdefault(product, e.Upcoming(product, invoice.date, amount))
    return tuple(charges.values())


def _issued(events: tuple[e.Event, ...]) -> tuple[e.Invoice, ...]:
    """The invoices that the events issue, in order."""
    return tuple(invoice for event in events if (invoice := invoice_changes(event)[0]) is not None)
