"""What a command would do, before what all commands must pass (R39, R15, R16): the terms in which the
commands' modules answer.

A command's module checks that the product is known, sold and priced, that the state allows it and its
prerequisite is met (section 10), and returns a `Proposal`, `Unchanged`, or a `Refusal`; `domain.decide`
does the rest, the same for every command.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain import events as e
from domain.answers import Refusal
from domain.calendar import CivilDate, Instant, date_of
from domain.catalog import Catalog, Catalogues
from domain.pricing import PriceList
from domain.state import Account


class Proposal(msgspec.Struct, frozen=True):
    """The event that the command becomes; where it carries an invoice above 0.00, once that is paid.

    `reinstates`: it withdraws a pending end, so it is answered at the state check, while past due too.
    `while_past_due`: allowed then (R39). `pays`: for `pay_balance`, the amount.
    """

    event: e.Event
    reinstates: bool = False
    while_past_due: bool = False
    pays: Decimal | None = None

    @property
    def lines(self) -> tuple[e.Line, ...]:
        """What is charged now, line by line."""
        invoice = getattr(self.event, "invoice", None)
        return () if invoice is None else invoice.lines


class Unchanged(msgspec.Struct, frozen=True):
    """Everything is already so: accepted, and nothing is recorded (section 10)."""

    message: str


Proposed = Proposal | Unchanged | Refusal


class Context(msgspec.Struct, frozen=True):
    """What a command is decided from: the settled state, its instant and date, who asks, and what the
    catalogue in force asks."""

    state: Account
    at: Instant
    today: CivilDate
    command: e.CommandRef
    catalog: Catalog
    prices: PriceList
    catalogues: Catalogues

    @classmethod
    def of(cls, state: Account, at: Instant, command: e.CommandRef, catalogues: Catalogues) -> Context:
        """The context of a command at the instant."""
        catalog = catalogues.at(at)
        return cls(
            state,
            at,
            date_of(at, state.time_zone),
            command,
            catalog,
            PriceList.of(state, catalog),
            catalogues,
        )


def unknown_product(name: str, kind: str) -> Refusal:
    """The catalogue has no such thing of the kind asked for."""
    return Refusal("unknown_product", f"The catalogue has no {kind} {name!r}.", {"asked": name, "kind": kind})


def no_price(product: str, currency: str) -> Refusal:
    """The product is not sold in the account's currency."""
    return Refusal(
        "no_price", f"{product} has no price in {currency}.", {"product": product, "currency": currency}
    )


def not_held(what: str) -> Refusal:
    """The account does not hold it."""
    return Refusal("not_held", f"The account does not hold {what}.", {"asked": what})


def cancellation_pending(product: str, on: CivilDate) -> Refusal:
    """It is to end, and that must be undone first."""
    return Refusal(
        "cancellation_pending",
        f"{product} ends on {on}: undo that first.",
        {"product": product, "on": on.isoformat()},
    )


def prerequisite_missing(product: str, requires: tuple[str, ...]) -> Refusal:
    """No plan that the product needs is active (R18)."""
    return Refusal(
        "prerequisite_missing",
        f"{product} needs an active plan: {' or '.join(requires)}.",
        {"product": product, "requires": list(requires)},
    )


def lacks_prerequisite(state: Account, requires: tuple[str, ...]) -> bool:
    """None of the plans is active, that is held and not paused (R18)."""
    return bool(requires) and not any(
        plan.active and plan.product in requires for plan in state.plans.values()
    )


def past_due(state: Account) -> Refusal:
    """An invoice is unpaid, so nothing is bought, changed, paused or resumed (R39)."""
    return _unpaid(state, "past_due")


def balance_due(state: Account) -> Refusal:
    """An invoice is open, so the account cannot be closed (R42)."""
    return _unpaid(state, "balance_due")


def _unpaid(state: Account, code: str) -> Refusal:
    invoice = state.open_invoice
    assert invoice is not None
    return Refusal(
        code,
        f"Invoice {invoice.number} of {invoice.total} {state.currency} is unpaid: pay the balance first.",
        {"invoice": invoice.number, "amount": str(invoice.total), "currency": state.currency},
    )
