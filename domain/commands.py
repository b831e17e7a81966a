"""What can be asked of an account: commands, and the request that carries one.

A command holds only its own fields (docs/scenarios.md, "Steps"); who asks, when, under which key and with
what confirmation is in `Request`.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from domain.calendar import CivilDate, Instant
from domain.catalog_file import AddOnFile, CreditPackFile, FamilyFile, NamedPolicies, PlanFile
from domain.events import Clock
from domain.money import MAX_DIGITS

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Blocks = Annotated[int, Meta(ge=1, le=1_000_000)]
Code = Annotated[str, Meta(min_length=1, max_length=200)]
Reference = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,40}\Z")]
"""A ticket or a reference: letters, digits, hyphens; no free text is kept (R60)."""
Amount = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?\Z", max_length=MAX_DIGITS + 1)]
Percent = Annotated[str, Meta(pattern=r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)\Z")]
InvoiceNumber = Annotated[int, Meta(ge=1, le=2**31)]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Months = Annotated[int, Meta(ge=1, le=1200)]
Reason = Literal[
    "billing_error", "service_failure", "duplicate", "goodwill", "ended_by_us", "tax", "buyer_details",
    "other"
]  # fmt: skip
RefundTo = Literal["payment_method", "account"]


class _Command(msgspec.Struct, frozen=True, gc=False, tag_field="do", forbid_unknown_fields=True):
    pass


class OpenAccount(_Command, frozen=True, tag="open_account"):
    """Begin an account's history. Currency, zone and clock are fixed for ever; `catalog` names a catalogue
    of its own (test clock)."""

    currency: str
    time_zone: str
    clock: Clock
    catalog: str | None = None


class PurchasePlan(_Command, frozen=True, tag="purchase_plan"):
    """Buy a plan (R10, R11), or Free (R22). Without a tier: the plan's first. `discount`: a code (R79)."""

    product: Name
    tier: Name | None = None
    discount: Code | UnsetType = UNSET


class ChangePlan(_Command, frozen=True, tag="change_plan"):
    """Move to another plan or tier of the same family (R29)."""

    product: Name
    tier: Name | None = None
    discount: Code | UnsetType = UNSET


class CancelPlan(_Command, frozen=True, tag="cancel_plan"):
    """End the family's plan at its cycle's end (R28)."""

    family: Name


class PausePlan(_Command, frozen=True, tag="pause_plan"):
    """Pause the family's plan now (R31), perhaps until a date (R36)."""

    family: Name
    resume_on: CivilDate | None = None


class ResumePlan(_Command, frozen=True, tag="resume_plan"):
    """Resume the family's paused plan (R34, R35)."""

    family: Name


class PurchaseAddon(_Command, frozen=True, tag="purchase_addon"):
    """Buy an add-on (R12, R13)."""

    product: Name
    discount: Code | UnsetType = UNSET


class RemoveAddon(_Command, frozen=True, tag="remove_addon"):
    """End an add-on at its cycle's end (R26)."""

    product: Name


class Undo(_Command, frozen=True, tag="undo"):
    """Withdraw the product's pending removal, cancellation, stop or downgrade (R27)."""

    product: Name


class BuyCredits(_Command, frozen=True, tag="buy_credits"):
    """Buy a credit pack (R21)."""

    product: Name
    discount: Code | UnsetType = UNSET


class StartTransactional(_Command, frozen=True, tag="start_transactional"):
    """Start Transactional e-mail with so many blocks a cycle (R20)."""

    blocks: Blocks
    discount: Code | UnsetType = UNSET


class ChangeTransactional(_Command, frozen=True, tag="change_transactional"):
    """Set the number of blocks from the next renewal (R20)."""

    blocks: Blocks


class TopUpTransactional(_Command, frozen=True, tag="top_up_transactional"):
    """Add blocks now, until the cycle's end (R20)."""

    blocks: Blocks


class StopTransactional(_Command, frozen=True, tag="stop_transactional"):
    """End Transactional e-mail at its cycle's end (R20)."""


class PayBalance(_Command, frozen=True, tag="pay_balance"):
    """Pay the open invoice (R40)."""


class CloseAccount(_Command, frozen=True, tag="close_account"):
    """End everything now, for good (R42)."""


class OverridePrice(_Command, frozen=True, tag="reprice"):
    """On a test clock: the product's price in the account's currency from now on, for this account alone."""

    product: Name
    price: Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")]
    tier: Name | None = None


class ChangeCatalog(_Command, frozen=True, tag="catalog"):
    """On a test clock: a later version of the account's own catalogue, in force from now on. What is listed
    stands whole, what is not named is as before; `withdrawn`: products no longer sold."""

    families: tuple[FamilyFile, ...] | UnsetType = UNSET
    plans: tuple[PlanFile, ...] | UnsetType = UNSET
    add_ons: tuple[AddOnFile, ...] | UnsetType = UNSET
    credits: tuple[CreditPackFile, ...] | UnsetType = UNSET
    withdrawn: tuple[Name, ...] | UnsetType = UNSET
    policies: NamedPolicies | UnsetType = UNSET


class SetPaymentMethod(_Command, frozen=True, tag="set_payment_method"):
    """Another payment method was saved at the provider; while past due the balance is tried with it (R56)."""


class AbandonPayment(_Command, frozen=True, tag="abandon_payment"):
    """Give up the payment that waits for the customer's consent (R96)."""


class SetTaxProfile(_Command, frozen=True, tag="set_tax_profile"):
    """The whole profile by which the next invoices are taxed (R70). `details`: the version of the billing
    details that it is of (R92); left out, the one named last stays."""

    country: Country
    kind: Literal["consumer", "business"]
    region: Name | None = None
    vat_id: Literal["none", "unconfirmed", "confirmed"] = "none"
    exempt_until: CivilDate | None = None
    details: Annotated[int, Meta(ge=1)] | UnsetType = UNSET


class CreditNote(_Command, frozen=True, tag="credit_note"):
    """Take back an invoice, or of one of its lines what is left, a net amount, or days (R61). `end`: the item
    ends now (R64)."""

    invoice: InvoiceNumber
    reason: Reason
    line: Annotated[int, Meta(ge=1)] | None = None
    net: Amount | None = None
    from_date: CivilDate | None = field(default=None, name="from")
    until: CivilDate | None = None
    to: RefundTo = "payment_method"
    end: bool | UnsetType = UNSET
    ticket: Reference | None = None

    def __post_init__(self) -> None:
        if self.end is False:
            raise ValueError("`end` is true or left out")
        if (self.from_date is None) != (self.until is None):
            raise ValueError("days have both `from` and `until`")
        if self.line is None and (self.net is not None or self.from_date is not None):
            raise ValueError("`net` and days are of a `line`")
        if self.net is not None and self.from_date is not None:
            raise ValueError("a part is either `net` or days")


class Reissue(_Command, frozen=True, tag="reissue"):
    """Take back a paid invoice and issue it anew with today's tax profile (R67)."""

    invoice: InvoiceNumber
    to: RefundTo = "payment_method"
    ticket: Reference | None = None


class RecordPayment(_Command, frozen=True, tag="record_payment"):
    """Money came in another way (R57). `invoice`: one that was written off (R68)."""

    amount: Amount
    invoice: InvoiceNumber | None = None
    received_on: CivilDate | None = None
    reference: Reference | None = None

    def __post_init__(self) -> None:
        if not self.amount.strip("0."):
            raise ValueError("an `amount` of nothing is no payment")


class PayOut(_Command, frozen=True, tag="pay_out"):
    """Give account credit back (R63); without an amount all of it."""

    amount: Amount | None = None
    ticket: Reference | None = None


class StopTries(_Command, frozen=True, tag="stop_tries"):
    """No further try for the invoice (R54)."""

    invoice: InvoiceNumber
    ticket: Reference | None = None


class WriteOff(_Command, frozen=True, tag="write_off"):
    """Give up what is due of a charged-back invoice (R68)."""

    invoice: InvoiceNumber
    ticket: Reference | None = None


class GrantDiscount(_Command, frozen=True, tag="grant_discount"):
    """Give the account a discount (R79): a percentage, an amount, or the nonprofit's (R85)."""

    percent: Percent | None = None
    fixed: Amount | None = None
    nonprofit: bool | UnsetType = UNSET
    duration: Literal["once", "forever"] | Months | None = field(default=None, name="for")
    carried: bool | UnsetType = UNSET
    products: Annotated[tuple[Name, ...], Meta(min_length=1)] | None = None
    last_day: CivilDate | None = None
    ticket: Reference | None = None

    def __post_init__(self) -> None:
        if self.nonprofit is False or self.carried is False:
            raise ValueError("`nonprofit` and `carried` are true or left out")
        if sum([self.percent is not None, self.fixed is not None, self.nonprofit is True]) != 1:
            raise ValueError("a discount has one of `percent`, `fixed` and `nonprofit`")
        if self.carried and (self.fixed is None or self.duration is not None):
            raise ValueError("what is carried is `fixed` and has no `for`")
        if self.products is not None and len(set(self.products)) < len(self.products):
            raise ValueError("a product stands twice in `products`")


class WithdrawDiscount(_Command, frozen=True, tag="withdraw_discount"):
    """The discount (D1, D2 ...) reaches no further line (R85)."""

    discount: Annotated[str, Meta(pattern=r"^D[1-9][0-9]{0,8}\Z")]


class OpenDispute(_Command, frozen=True, tag="dispute_opened"):
    """The provider says that a payment of the invoice is disputed (R58)."""

    invoice: InvoiceNumber
    ticket: Reference | None = None


class WinDispute(_Command, frozen=True, tag="dispute_won"):
    """The provider says that the dispute was decided for the seller (R58)."""

    invoice: InvoiceNumber
    ticket: Reference | None = None


class LoseDispute(_Command, frozen=True, tag="dispute_lost"):
    """The provider says that the disputed amount went back (R58)."""

    invoice: InvoiceNumber
    ticket: Reference | None = None


DisputeFact = OpenDispute | WinDispute | LoseDispute
"""What the provider says, whoever passes it on (R58)."""

Command = (
    OpenAccount
    | PurchasePlan
    | ChangePlan
    | CancelPlan
    | PausePlan
    | ResumePlan
    | PurchaseAddon
    | RemoveAddon
    | Undo
    | BuyCredits
    | StartTransactional
    | ChangeTransactional
    | TopUpTransactional
    | StopTransactional
    | PayBalance
    | CloseAccount
    | OverridePrice
    | ChangeCatalog
    | SetPaymentMethod
    | AbandonPayment
    | SetTaxProfile
    | CreditNote
    | Reissue
    | RecordPayment
    | PayOut
    | StopTries
    | WriteOff
    | GrantDiscount
    | WithdrawDiscount
    | OpenDispute
    | WinDispute
    | LoseDispute
)


class Request(msgspec.Struct, frozen=True):
    """A command as it is given: when, by which role, on which clock, under which idempotency key, with
    what confirmation.

    `cvv` and `billing` say that the confirmation was given (R15); the provider's token itself never comes
    here.
    """

    command: Command
    at: Instant
    clock: Clock
    role: str = "owner"
    id: str | None = None
    cvv: bool = False
    billing: bool = False
    expected_total: Decimal | None = None

    @property
    def fingerprint(self) -> str:
        """What "the same contents" means for a repeated key: the command, its fields, the role and the
        quoted total (section 10)."""
        total = None if self.expected_total is None else str(self.expected_total.normalize())
        contents = msgspec.json.encode((self.command, self.role, total), order="deterministic")
        return hashlib.sha256(contents).hexdigest()[:32]
