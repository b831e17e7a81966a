"""Items that end unpaid (R41), and the credit notes that take back what of them was billed and could not be
used (R41a).

    events = lapse(state, ["custom_domain"], at, day)
"""

from __future__ import annotations

from collections.abc import Collection

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.notes import Issue, credit_note, lines_left
from domain.state import Account


def unpaid_items(state: Account) -> tuple[str, ...]:
    """What is held and suspended for want of payment (R38)."""
    return tuple([item.product for item in state.items if item.unpaid_since is not None])


def lapse(
    state: Account,
    products: Collection[str],
    at: Instant,
    day: CivilDate,
    command: e.CommandRef | None = None,
) -> tuple[e.Event, ...]:
    """The end of what is unpaid among the products, an event for each open invoice, with its credit note;
    empty: nothing among them is unpaid. A charged-back invoice has none, and stays open (R58); of others
    at most one is open, since nothing renews while one is."""
    events: list[e.Event] = []
    lapsing = [product for product in unpaid_items(state) if product in products]
    anchor = state.anchor_without(lapsing)
    for record in state.past_due_invoices:
        mine = [product for product in lapsing if product in record.suspended]
        if not mine:
            continue
        left = [item.product for item in state.items if item.product in record.suspended]
        last = len(mine) == len(left) and not record.charged_back
        events.append(
            e.ItemsLapsed(
                at=at,
                command=command,
                number=record.number,
                items=tuple(mine),
                written_off=last,
                account_anchor=anchor,
            )
        )
        parts = () if record.charged_back else lines_left(state, record.number, mine)
        if parts:
            issue = Issue(at, day, command, "not_supplied")
            events.append(credit_note(state, record.number, parts, issue, ended=mine))
    return tuple(events)
