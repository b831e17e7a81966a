"""What a story expects of the account, of an answer, and of what happened (docs/scenarios.md,
"Expectations")."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.events import CreditReason

Name = Annotated[str, Meta(min_length=1)]
# \Z, since $ also matches before a final line break.
Date = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Moment = str
Amount = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?\Z")]
Price = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?\Z")]


class Object(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


# ---- expectations ------------------------------------------------


class ExpectedLine(Object, frozen=True, rename={"from_": "from"}):
    """An expected invoice line; only the fields given are compared. None in days, of_days, quantity or tier
    means that the line has none."""

    product: Name | UnsetType = UNSET
    tier: str | UnsetType | None = UNSET
    kind: Literal["plan", "addon", "blocks", "credits", "credit_line"] | UnsetType = UNSET
    from_: Date | UnsetType = UNSET
    to: Date | UnsetType = UNSET
    days: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET
    of_days: Annotated[int, Meta(ge=28, le=31)] | UnsetType | None = UNSET
    unit_price: Price | UnsetType = UNSET
    quantity: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET
    amount: Amount | UnsetType = UNSET
    discount: Amount | UnsetType = UNSET
    net: Amount | UnsetType = UNSET
    tax: Amount | UnsetType = UNSET


class ExpectedInvoice(Object, frozen=True):
    """An expected invoice."""

    number: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    date: Date | UnsetType = UNSET
    net: Price | UnsetType = UNSET
    tax: Price | UnsetType = UNSET
    total: Amount | UnsetType = UNSET
    credit: Price | UnsetType = UNSET
    due: Price | UnsetType = UNSET
    status: Literal["paid", "open", "uncollectible"] | UnsetType = UNSET
    charged_back: bool | UnsetType = UNSET
    lines: tuple[ExpectedLine, ...] | UnsetType = UNSET


class ExpectedCreditLine(Object, frozen=True, rename={"from_": "from"}):
    """What a credit note is expected to take back of a line; `amount` is net."""

    product: Name | UnsetType = UNSET
    tier: str | UnsetType | None = UNSET
    kind: Literal["plan", "addon", "blocks", "credits", "credit_line"] | UnsetType = UNSET
    from_: Date | UnsetType = UNSET
    to: Date | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    tax: Amount | UnsetType = UNSET


class ExpectedCreditNote(Object, frozen=True):
    """An expected credit note (R61), and where its money went (R62)."""

    number: Annotated[str, Meta(pattern=r"^C[1-9][0-9]*\Z")] | UnsetType = UNSET
    date: Date | UnsetType = UNSET
    invoice: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    reason: CreditReason | UnsetType = UNSET
    net: Price | UnsetType = UNSET
    tax: Price | UnsetType = UNSET
    total: Price | UnsetType = UNSET
    lowered: Price | UnsetType = UNSET
    refunded: Price | UnsetType = UNSET
    to_account: Price | UnsetType = UNSET
    lines: tuple[ExpectedCreditLine, ...] | UnsetType = UNSET


class ExpectedLapse(Object, frozen=True):
    """An item that is expected to lapse, and when."""

    product: Name | UnsetType = UNSET
    on: Date | UnsetType = UNSET


class ExpectedHappening(Object, frozen=True):
    """What is expected to have happened by itself."""

    date: Date | UnsetType = UNSET
    fact: Literal["try", "reminder", "refunded", "refund_failed", "discount_ends"] | UnsetType = UNSET
    amount: Price | UnsetType = UNSET
    paid: bool | UnsetType = UNSET
    invoice: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    stage: Literal["declined", "try_declined", "lapses_soon"] | UnsetType = UNSET
    due: Price | UnsetType = UNSET
    next_try: Date | UnsetType | None = UNSET
    lapses: tuple[ExpectedLapse, ...] | UnsetType = UNSET
    product: Name | UnsetType = UNSET
    on: Date | UnsetType = UNSET


class ExpectedDiscount(Object, frozen=True):
    """An expected discount: what is left of a carried one, and whether it is over."""

    discount: Name | UnsetType = UNSET
    left: Price | UnsetType | None = UNSET
    over: bool | UnsetType = UNSET


class ExpectedEntitlement(Object, frozen=True):
    """The expected entitlement to a product."""

    product: Name
    status: Literal["active", "ending", "paused", "suspended", "ended"] | UnsetType = UNSET
    renews: bool | UnsetType = UNSET
    access_until: Moment | UnsetType | None = UNSET
    allowance: Annotated[int, Meta(ge=0)] | UnsetType | None = UNSET


class ExpectedWindow(Object, frozen=True, rename={"from_": "from"}):
    """An expected span of use; `until` None: no end."""

    from_: Moment
    until: Moment | None


class ExpectedWindows(Object, frozen=True):
    """All expected windows of a product."""

    product: Name
    windows: tuple[ExpectedWindow, ...]
    renews: bool | UnsetType = UNSET


class ExpectedAccount(Object, frozen=True):
    """The expected state of the account as a whole."""

    status: Literal["good", "past_due", "disputed", "closed"] | UnsetType = UNSET
    credit: Price | UnsetType = UNSET
    due: Price | UnsetType = UNSET
    anchor: Date | UnsetType | None = UNSET
    next_renewal: Date | UnsetType | None = UNSET
    support: bool | UnsetType = UNSET


class Expectation(Object, frozen=True):
    """An expected state of the account; only the fields given are compared."""

    invoices: tuple[ExpectedInvoice, ...] | UnsetType = UNSET
    invoice_totals: tuple[Amount, ...] | UnsetType = UNSET
    credit_notes: tuple[ExpectedCreditNote, ...] | UnsetType = UNSET
    happened: tuple[ExpectedHappening, ...] | UnsetType = UNSET
    discounts: tuple[ExpectedDiscount, ...] | UnsetType = UNSET
    entitlements: tuple[ExpectedEntitlement, ...] | UnsetType = UNSET
    access_windows: tuple[ExpectedWindows, ...] | UnsetType = UNSET
    account: ExpectedAccount | UnsetType = UNSET


# ---- of an answer ------------------------------------------------


class ExpectedEnding(Object, frozen=True):
    """An add-on that ends for want of its prerequisite, and the date."""

    product: Name | UnsetType = UNSET
    on: Date | UnsetType = UNSET


class ExpectedCharge(Object, frozen=True):
    """What is billed next of a product."""

    product: Name | UnsetType = UNSET
    on: Date | UnsetType = UNSET
    amount: Price | UnsetType = UNSET


class ExpectedAnswer(Object, frozen=True):
    """What a command's answer says beside the charge; lists are whole lists."""

    access_until: Moment | UnsetType | None = UNSET
    renews_on: Date | UnsetType | None = UNSET
    ending: tuple[ExpectedEnding, ...] | UnsetType = UNSET
    still_billed: tuple[ExpectedCharge, ...] | UnsetType = UNSET
    stay_paused: tuple[Name, ...] | UnsetType = UNSET
