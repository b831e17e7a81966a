"""What events are made of: an invoice's lines with taxes and discounts, a credit note's lines, the command
that an event came of, and what every event has."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from domain.calendar import CivilDate, Instant

Clock = Literal["wall", "test"]
LineKind = Literal["plan", "addon", "blocks", "credits", "credit_line"]
EndReason = Literal["cancelled", "removed", "prerequisite_ended", "unpaid", "disputed", "refunded"]
TaxCategory = Literal["S", "Z", "AE", "E", "O"]
"""EN 16931's letters: standard, zero, reverse charge, exempt, outside the scope."""
TaxReason = Literal["reverse_charge", "exempt", "outside_scope"]
"""Why no tax is asked (R74)."""


DeclineReason = Literal[
    "insufficient_funds", "limit_reached", "expired", "wrong_details", "lost_or_stolen", "not_permitted",
    "authentication_required", "method_gone", "no_method", "bank_unavailable", "suspected_fraud",
]  # fmt: skip
"""Why the provider declined a payment, as far as it says; adapters map the provider's codes to these."""


class LineTax(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A line's share of one tax of its invoice (R72, R73). `rate` is in percent."""

    jurisdiction: str
    category: TaxCategory
    rate: Decimal
    amount: Decimal
    reason: TaxReason | None = None

    @property
    def group(self) -> tuple[str, TaxCategory, Decimal]:
        """The lines of an invoice with the same group are taxed together, once (R72)."""
        return self.jurisdiction, self.category, self.rate


class LineDiscount(msgspec.Struct, frozen=True, gc=False):
    """What one discount of the account took off a line (R80)."""

    discount: str
    amount: Decimal


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of an invoice (R47). `amount = +- unit_price x quantity x days / of_days`, rounded by R6;
    negative on a credit line.

    `days` and `of_days` are None for what is not counted by days, `quantity` for all but blocks, `tier`
    for all but plans. `discount` has the sign of `amount`; it and `taxes` are left out where there are none
    (R51). `discounts`: which took what; of a credit line, whose discount is what its days no longer bear
    (R65), none.
    """

    product: str
    tier: str | None
    kind: LineKind
    from_date: CivilDate = field(name="from")
    to_date: CivilDate = field(name="to")
    days: int | None
    of_days: int | None
    unit_price: Decimal
    quantity: int | None
    amount: Decimal
    discount: Decimal | UnsetType = UNSET
    discounts: tuple[LineDiscount, ...] | UnsetType = UNSET
    taxes: tuple[LineTax, ...] | UnsetType = UNSET

    @property
    def net(self) -> Decimal:
        """What the line asks before tax (R51)."""
        return self.amount if self.discount is UNSET else self.amount - self.discount

    @property
    def tax(self) -> Decimal:
        """The line's taxes together (R72)."""
        if self.taxes is UNSET:
            return self.amount - self.amount
        return sum([tax.amount for tax in self.taxes], self.amount - self.amount)


class Invoice(msgspec.Struct, frozen=True, gc=False):
    """An invoice as issued (R47, R51): `number` counts from 1 in the account; `date` is what it is for;
    `total` is the sum of the lines' nets and taxes. `credit`: the account credit that it took when it was
    issued (R63); left out where that is none."""

    number: int
    date: CivilDate
    currency: str
    total: Decimal
    lines: tuple[Line, ...]
    issued_at: Instant
    credit: Decimal | UnsetType = UNSET

    @property
    def net(self) -> Decimal:
        """The sum of the lines before tax (R51)."""
        return sum([line.net for line in self.lines], self.total - self.total)

    @property
    def tax(self) -> Decimal:
        """The sum of the lines' taxes (R72)."""
        return self.total - self.net

    @property
    def charge(self) -> Decimal:
        """What is to be paid of it at its issue: the total less account credit (R51)."""
        return self.total if self.credit is UNSET else self.total - self.credit

    @property
    def credit_taken(self) -> Decimal:
        """The account credit that it took when it was issued."""
        return self.total - self.charge


class CommandRef(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The command that an event came of: its role, and with an idempotency key also that key and the
    contents' fingerprint."""

    role: str
    id: str | None = None
    fingerprint: str | None = None


class Ending(msgspec.Struct, frozen=True, gc=False):
    """A product that will end, and the date until which it can be used."""

    product: str
    on: CivilDate


class Upcoming(msgspec.Struct, frozen=True, gc=False):
    """A charge to come as things stand."""

    product: str
    date: CivilDate
    amount: Decimal


class EventBase(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """`at`: effective from. `command`: None for what fell due by itself."""

    at: Instant
    command: CommandRef | None = None


class Share(msgspec.Struct, frozen=True, gc=False):
    """A part of an amount that goes to an invoice."""

    invoice: int
    amount: Decimal


class Try(msgspec.Struct, frozen=True, gc=False):
    """A date on which the saved method is tried again, and its beginning (R52)."""

    date: CivilDate
    at: Instant


class CreditedLine(msgspec.Struct, frozen=True, gc=False):
    """What a credit note takes back of a line of its invoice: `amount` before tax, and of each tax of the
    line. `line` counts from 1. `by_days`: it takes back the days `[from, to)` (R61); amounts are negative of
    a credit line."""

    line: int
    product: str
    tier: str | None
    kind: LineKind
    from_date: CivilDate = field(name="from")
    to_date: CivilDate = field(name="to")
    by_days: bool
    amount: Decimal
    taxes: tuple[LineTax, ...]

    @property
    def tax(self) -> Decimal:
        """What is taken back of all its taxes."""
        return sum([tax.amount for tax in self.taxes], self.amount - self.amount)


CreditReason = Literal[
    "billing_error", "service_failure", "duplicate", "goodwill", "ended_by_us", "tax", "buyer_details",
    "other",
    "upgrade", "not_supplied",
]  # fmt: skip
"""Why a credit note is issued (R60); without a person `upgrade` (R75) and `not_supplied` (R41a)."""
InvoiceStatus = Literal["paid", "open", "uncollectible"]
ReminderStage = Literal["declined", "try_declined", "lapses_soon"]
"""When a customer is told of what is due (R55)."""
