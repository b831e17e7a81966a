"""What will be billed as things stand: the invoices to come, every charge taken as paid (R48, R50)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain import events as e
from domain.calendar import Instant, begins_at, date_of, twelve_months_after
from domain.catalog import Catalogues
from domain.conclude import conclude
from domain.evolve import evolve
from domain.invoices import invoice_changes
from domain.money import zero
from domain.settle import next_due, settle
from domain.state import Account
from domain.views import Entitlement, entitlements

ENDING = ("ending", "ended")


class Outlook(msgspec.Struct, frozen=True):
    """What an account has before it. `still_billed`: the next charge of each item that goes on (R32);
    `invoices`: those of the next twelve months."""

    still_billed: tuple[e.Upcoming, ...]
    next_invoice: e.Invoice | None
    invoices: tuple[e.Invoice, ...]


def outlook(state: Account, at: Instant, catalogues: Catalogues) -> Outlook:
    """What is billed after the instant as things stand."""
    now, _ = settled_as_paid(state, at, catalogues)
    return Outlook(
        next_charges(now, at, catalogues), next_invoice(now, at, catalogues), forecast(now, at, catalogues)
    )


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
    """The state with everything due up to the instant settled, every charge paid, and the events of it."""
    happened: list[e.Event] = []
    if state.payment is not None:
        state = _after(state, conclude(state, "paid"), happened)
    while (due := next_due(state)) is not None and due[1] <= until:
        state = _after(state, settle(state, due[1], catalogues), happened)  # issued on its own date
        if state.payment is not None:
            state = _after(state, conclude(state, "paid"), happened)
    return state, tuple(happened)


def forecast(state: Account, at: Instant, catalogues: Catalogues) -> tuple[e.Invoice, ...]:
    """The invoices of the next twelve months after the instant, in order, as things stand."""
    now, _ = settled_as_paid(state, at, catalogues)
    end = begins_at(twelve_months_after(date_of(at, state.time_zone)), state.time_zone)
    return invoices_issued(settled_as_paid(now, end, catalogues)[1])


def next_invoice(state: Account, at: Instant, catalogues: Catalogues) -> e.Invoice | None:
    """The first invoice after the instant as things stand; None: nothing will be billed."""
    now, _ = settled_as_paid(state, at, catalogues)
    while due := next_due(now):
        now, happened = settled_as_paid(now, due[1], catalogues)
        if issued := invoices_issued(happened):
            return issued[0]
    return None


def next_charges(state: Account, at: Instant, catalogues: Catalogues) -> tuple[e.Upcoming, ...]:
    """The next charge of each product within twelve months, by date, as things stand: its renewal, or its
    scheduled resume (R36)."""
    charges: dict[str, e.Upcoming] = {}
    for invoice in forecast(state, at, catalogues):
        sums: dict[str, Decimal] = {}
        for line in invoice.lines:
            sums[line.product] = sums.get(line.product, zero(invoice.currency)) + line.amount
        for product, amount in sums.items():
            charges.setdefault(product, e.Upcoming(product, invoice.date, amount))
    return tuple(charges.values())


def invoices_issued(events: tuple[e.Event, ...]) -> tuple[e.Invoice, ...]:
    """The invoices that the events issue, in order."""
    return tuple(invoice for event in events if (invoice := invoice_changes(event)[0]) is not None)


def _after(state: Account, events: tuple[e.Event, ...], happened: list[e.Event]) -> Account:
    for event in events:
        state = evolve(state, event)
    happened.extend(events)
    return state
