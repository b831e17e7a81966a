"""What will be billed as things stand: the invoices to come, every charge taken as paid (R48, R50)."""

from __future__ import annotations

from domain import events as e
from domain.calendar import Instant, begins_at, date_of, twelve_months_after
from domain.catalog import Catalogues
from domain.conclude import conclude
from domain.evolve import evolve
from domain.invoices import invoice_changes
from domain.settle import next_due, settle
from domain.state import Account


def settled_as_paid(
    state: Account, until: Instant, catalogues: Catalogues
) -> tuple[Account, tuple[e.Event, ...]]:
    """The state with everything due up to the instant settled, every charge paid, and the events of it."""
    happened: list[e.Event] = []
    if state.payment is not None:
        state = _after(state, conclude(state, "paid"), happened)
    while step := settle(state, until, catalogues):
        state = _after(state, step, happened)
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


def invoices_issued(events: tuple[e.Event, ...]) -> tuple[e.Invoice, ...]:
    """The invoices that the events issue, in order."""
    return tuple(invoice for event in events if (invoice := invoice_changes(event)[0]) is not None)


def _after(state: Account, events: tuple[e.Event, ...], happened: list[e.Event]) -> Account:
    for event in events:
        state = evolve(state, event)
    happened.extend(events)
    return state
