"""What a command would do, before what all commands must pass (R39, R15, R16): the terms in which the
commands' modules answer.

A command's module checks that the product is known, sold and priced, that the state allows it and its
prerequisite is met (section 10), and returns a `Proposal`, `Unchanged`, or a `Refusal`; `domain.decide`
does the rest, the same for every command.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, get_args

import msgspec

from domain import events as e
from domain.answers import Refusal, RefusalCode
from domain.calendar import CivilDate, Instant, date_of
from domain.catalog import Catalog, Catalogues
from domain.errors import InvalidInput
from domain.facts import Facts
from domain.money import parse_amount, zero
from domain.pricing import PriceList
from domain.state import Account

ACTIVATIONS: Final = frozenset(get_args(e.Activation))
"""The events that a purchase becomes: they carry what is charged now."""


class Proposal(msgspec.Struct, frozen=True):
    """The event that the command becomes; where it carries an invoice above 0.00, once that is paid.

    `reinstates`: it withdraws a pending end, so it is answered at the state check, while past due too.
    `while_past_due`: allowed then, and while a dispute is open (R39, R58). `pays`: for `pay_balance`, the
    amount. `before`, `then`: what is recorded with it. `follows_method`: it is recorded first, and the
    balance is tried after it (R56)."""

    event: e.Event
    reinstates: bool = False
    while_past_due: bool = False
    pays: Decimal | None = None
    before: tuple[e.Event, ...] = ()
    then: tuple[e.Event, ...] = ()
    follows_method: bool = False

    @property
    def invoice(self) -> e.Invoice | None:
        """What is charged now; None: nothing is bought."""
        if type(self.event) not in ACTIVATIONS:
            return None
        invoice: e.Invoice | None = self.event.invoice  # type: ignore[union-attr, assignment] # of those it is
        return invoice

    @property
    def lines(self) -> tuple[e.Line, ...]:
        """What is charged now, line by line."""
        return () if self.invoice is None else self.invoice.lines


class Unchanged(msgspec.Struct, frozen=True):
    """Everything is already so: accepted, and nothing is recorded (section 10). `facts`: what is so."""

    facts: Facts


Proposed = Proposal | Unchanged | Refusal

AskedKind = Literal[
    "product", "product with tiers", "plan", "tier", "plan family", "add-on", "plan or add-on", "credit pack"
]
"""What the catalogue was asked for (`unknown_product`)."""

HeldKind = Literal["plan", "monthly plan", "add-on"]
"""What the account should have held (`not_held`)."""


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
    grant: e.DiscountGranted | None = None
    """The discount that the command's code gives, if it holds (R79)."""

    @classmethod
    def of(cls, state: Account, at: Instant, command: e.CommandRef, catalogues: Catalogues) -> Context:
        """The context of a command at the instant."""
        prices = PriceList.of(state, catalogues, at)
        return cls(state, at, date_of(at, state.time_zone), command, prices.catalog, prices, catalogues)


def unknown_product(name: str, kind: AskedKind) -> Refusal:
    """The catalogue has no such thing of the kind asked for."""
    return Refusal("unknown_product", {"asked": name, "kind": kind})


def no_price(product: str, currency: str) -> Refusal:
    """The product is not sold in the account's currency."""
    return Refusal("no_price", {"product": product, "currency": currency})


def not_held(asked: str, kind: HeldKind) -> Refusal:
    """The account does not hold the add-on of that id, or a plan of the family of that id."""
    return Refusal("not_held", {"asked": asked, "kind": kind})


def cancellation_pending(product: str, on: CivilDate) -> Refusal:
    """It is to end, and that must be undone first."""
    return Refusal("cancellation_pending", {"product": product, "on": on.isoformat()})


def prerequisite_missing(product: str, requires: tuple[str, ...]) -> Refusal:
    """No plan that the product needs is active (R18)."""
    return Refusal("prerequisite_missing", {"product": product, "requires": list(requires)})


def lacks_prerequisite(state: Account, requires: tuple[str, ...]) -> bool:
    """None of the plans is active, that is held and not paused (R18)."""
    return bool(requires) and not any(
        plan.active and plan.product in requires for plan in state.plans.values()
    )


def past_due(state: Account) -> Refusal:
    """An invoice is unpaid, or a dispute is open, so nothing is bought, changed, paused or resumed (R39,
    R58)."""
    return dispute_open(state) if state.disputed else _unpaid(state, "past_due")


def dispute_open(state: Account) -> Refusal:
    """A payment is disputed: nothing of the account can be used or bought (R58)."""
    return Refusal("dispute_open", {"invoices": [r.number for r in state.records.values() if r.disputed_at]})


def balance_due(state: Account) -> Refusal:
    """An invoice is open, so the account cannot be closed (R42)."""
    return _unpaid(state, "balance_due")


def _unpaid(state: Account, code: RefusalCode) -> Refusal:
    first = state.open_invoices[0]
    due = sum([record.due for record in state.open_invoices], zero(state.currency))
    facts = {"invoice": first.number, "amount": str(due), "currency": state.currency}
    return Refusal(code, facts)


def amount_given(ctx: Context, text: str) -> Decimal | Refusal:
    """The amount that the text says, in the account's currency."""
    try:
        return parse_amount(text, ctx.state.currency, "$.amount")
    except InvalidInput:
        return Refusal("invalid_amount", {"amount": text[:40], "currency": ctx.state.currency})


def forbidden(role: str, allowed: tuple[str, ...]) -> Refusal:
    """The role may not do this; those `allowed` may (R43, R60)."""
    return Refusal("forbidden", {"role": role[:60], "allowed": list(allowed)})


def unknown_invoice(number: int) -> Refusal:
    """The account has no such invoice, or none of the kind that is meant."""
    return Refusal("unknown_invoice", {"invoice": number})


def not_creditable(number: int) -> Refusal:
    """What is asked cannot be done to this invoice or line (R61)."""
    return Refusal("not_creditable", {"invoice": number})


def payment_under_way(number: int) -> Refusal:
    """What is asked would credit an invoice whose payment is answered later (R98)."""
    return Refusal("not_creditable", {"invoice": number, "late_invoice": number})
