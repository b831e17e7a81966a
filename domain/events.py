"""What can have happened to an account: one tagged union, each event complete in itself.

Events carry facts, not requests: cycle, anchor, unit price, days, lines and invoice number are in them, so
a reader folds them without the rules, and an old event keeps its meaning when rules or the catalogue
change. `at` is the instant from which an event is effective: the command's, or the beginning of the date
on which it fell due, however late it was recorded (R25).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

from domain.calendar import CivilDate, Cycle, Instant
from domain.catalog import BlockPrice
from domain.event_parts import (
    Clock,
    CommandRef,
    CreditedLine,
    CreditReason,
    Ending,
    EndReason,
    EventBase,
    Invoice,
    InvoiceStatus,
    Line,
    LineDiscount,
    LineKind,
    LineTax,
    Share,
    TaxCategory,
    TaxReason,
    Try,
    Upcoming,
)
from domain.events_of_money import (
    CreditApplied,
    CreditNoteIssued,
    CreditPaidOut,
    CreditsReturned,
    DiscountEnds,
    DiscountGranted,
    DiscountWithdrawn,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    InvoiceReissued,
    InvoiceWrittenOff,
    LatePaymentFailed,
    PaymentActionRequired,
    PaymentLate,
    PaymentMethodSet,
    PaymentRecorded,
    PaymentReminder,
    RefundConcluded,
    TaxProfileSet,
    TriesStopped,
    TryDeclined,
)

__all__ = [
    "EVENT_TYPES",
    "SCHEMA_VERSIONS",
    "AccountClosed",
    "AccountOpened",
    "Activation",
    "AddonEnded",
    "AddonPurchased",
    "AddonRemovalWithdrawn",
    "AddonRemoved",
    "BlocksChanged",
    "BlocksToppedUp",
    "CatalogChanged",
    "Clock",
    "CommandRef",
    "CreditApplied",
    "CreditNoteIssued",
    "CreditPaidOut",
    "CreditReason",
    "CreditedLine",
    "CreditsExpired",
    "CreditsPurchased",
    "CreditsReturned",
    "CyclesRenewed",
    "DiscountEnds",
    "DiscountGranted",
    "DiscountWithdrawn",
    "DisputeLost",
    "DisputeOpened",
    "DisputeWon",
    "DowngradeScheduled",
    "DowngradeWithdrawn",
    "EndReason",
    "Ending",
    "Event",
    "FreePlanStarted",
    "Invoice",
    "InvoicePaid",
    "InvoiceReissued",
    "InvoiceStatus",
    "InvoiceWrittenOff",
    "ItemsLapsed",
    "LatePaymentFailed",
    "Line",
    "LineDiscount",
    "LineKind",
    "LineTax",
    "PaymentActionRequired",
    "PaymentCancelled",
    "PaymentDeclined",
    "PaymentLate",
    "PaymentMethodSet",
    "PaymentPurpose",
    "PaymentRecorded",
    "PaymentReminder",
    "PaymentStarted",
    "PlanCancellationWithdrawn",
    "PlanCancelled",
    "PlanChanged",
    "PlanEnded",
    "PlanPaused",
    "PlanPurchased",
    "PlanResumed",
    "PrerequisiteChanged",
    "PriceOverridden",
    "RefundConcluded",
    "Renewal",
    "RenewalDeclined",
    "ResumeDropped",
    "SecondPart",
    "Share",
    "TaxCategory",
    "TaxProfileSet",
    "TaxReason",
    "TriesStopped",
    "Try",
    "TryDeclined",
    "Upcoming",
    "schema_version",
    "type_name",
]


class AccountOpened(EventBase, frozen=True, kw_only=True, tag="account_opened"):
    """The account's history begins. `clock`: on which it lives, for good (R97). `catalog`: digest of a
    catalogue of its own, on a test clock; None: the series in force."""

    currency: str
    time_zone: str
    clock: Clock
    catalog: str | None = None


class PlanPurchased(EventBase, frozen=True, kw_only=True, tag="plan_purchased"):
    """A monthly plan was bought and is active (R10, R11). `replaces`: the Free plan that it ended (R22)."""

    family: str
    product: str
    tier: str
    price: Decimal
    cycle: Cycle
    account_anchor: CivilDate
    replaces: str | None
    invoice: Invoice


class FreePlanStarted(EventBase, frozen=True, kw_only=True, tag="free_plan_started"):
    """The Free plan is active: bought (R22), or moved down to at the end of the cycle of the plan that it
    `replaces` (R29)."""

    family: str
    product: str
    tier: str
    replaces: str | None
    account_anchor: CivilDate | None


class PlanChanged(EventBase, frozen=True, kw_only=True, tag="plan_changed"):
    """An upgrade, or a change at the same price: at once, in the same cycle (R29). Without an invoice
    nothing was charged."""

    family: str
    from_product: str
    from_tier: str
    product: str
    tier: str
    price: Decimal
    cycle: Cycle | None
    invoice: Invoice | None


class DowngradeScheduled(EventBase, frozen=True, kw_only=True, tag="downgrade_scheduled"):
    """At the cycle's end the plan moves down to another plan or tier (R29); `to_free`: the one such move
    of an account's life (R22)."""

    family: str
    product: str
    tier: str
    to_product: str
    to_tier: str
    to_free: bool
    on: CivilDate
    ending_addons: tuple[Ending, ...]


class DowngradeWithdrawn(EventBase, frozen=True, kw_only=True, tag="downgrade_withdrawn"):
    """The pending downgrade is as if never asked for (R27, R29)."""

    family: str
    product: str


class PlanCancelled(EventBase, frozen=True, kw_only=True, tag="plan_cancelled"):
    """The plan ends at its cycle's end (R28). `ending_addons`: those that end with it."""

    family: str
    product: str
    on: CivilDate
    ending_addons: tuple[Ending, ...]


class PlanCancellationWithdrawn(EventBase, frozen=True, kw_only=True, tag="plan_cancellation_withdrawn"):
    """The pending cancellation is as if never asked for (R27). `resume_on`, `resume_at`: of a paused plan,
    when it resumes by itself after all (R36)."""

    family: str
    product: str
    resume_on: CivilDate | None = None
    resume_at: Instant | None = None


class PlanEnded(EventBase, frozen=True, kw_only=True, tag="plan_ended"):
    """The plan is no longer held (R28, R37)."""

    family: str
    product: str
    reason: EndReason
    account_anchor: CivilDate | None


class PlanPaused(EventBase, frozen=True, kw_only=True, tag="plan_paused"):
    """Access to the plan ended (R31). `still_billed`: everything that goes on being billed, with date and
    amount (R32)."""

    family: str
    product: str
    account_anchor: CivilDate | None
    resume_on: CivilDate | None
    resume_at: Instant | None
    still_billed: tuple[Upcoming, ...]


class PlanResumed(EventBase, frozen=True, kw_only=True, tag="plan_resumed"):
    """The plan is active again: in its paid cycle without an invoice (R35), or as a purchase (R34);
    `scheduled`: by R36."""

    family: str
    product: str
    tier: str
    price: Decimal
    cycle: Cycle
    account_anchor: CivilDate
    scheduled: bool
    invoice: Invoice | None


class ResumeDropped(EventBase, frozen=True, kw_only=True, tag="resume_dropped"):
    """A scheduled resume did not happen, or its date passed while the plan was cancelled; the plan stays
    paused (R36)."""

    family: str
    product: str
    reason: Literal["past_due", "payment_declined", "date_passed"]
    final: bool | UnsetType = UNSET
    """Of a declined payment: the method will never be accepted (R54)."""


class AddonPurchased(EventBase, frozen=True, kw_only=True, tag="addon_purchased"):
    """An add-on was bought and is active (R12, R13); with `blocks` it is Transactional, started by its own
    process (R20)."""

    product: str
    price: Decimal | None
    requires: tuple[str, ...]
    cycle: Cycle
    blocks: int | None
    e_mails_per_block: int | None
    block_prices: tuple[BlockPrice, ...]
    invoice: Invoice


class AddonRemoved(EventBase, frozen=True, kw_only=True, tag="addon_removed"):
    """The add-on ends at its cycle's end (R26)."""

    product: str
    on: CivilDate


class AddonRemovalWithdrawn(EventBase, frozen=True, kw_only=True, tag="addon_removal_withdrawn"):
    """The pending removal is as if never asked for (R27)."""

    product: str


class AddonEnded(EventBase, frozen=True, kw_only=True, tag="addon_ended"):
    """The add-on is no longer held (R26, R28)."""

    product: str
    reason: EndReason


class BlocksChanged(EventBase, frozen=True, kw_only=True, tag="blocks_changed"):
    """From the next renewal so many blocks (R20)."""

    product: str
    blocks: int
    on: CivilDate


class BlocksToppedUp(EventBase, frozen=True, kw_only=True, tag="blocks_topped_up"):
    """Blocks were added until the cycle's end (R20)."""

    product: str
    blocks: int
    e_mails: int
    invoice: Invoice


class CreditsPurchased(EventBase, frozen=True, kw_only=True, tag="credits_purchased"):
    """A credit pack was bought (R21)."""

    product: str
    credits: int
    expires_on: CivilDate
    expires_at: Instant
    invoice: Invoice


class CreditsExpired(EventBase, frozen=True, kw_only=True, tag="credits_expired"):
    """What was left of the product's packs of that date is void (R21)."""

    product: str
    credits: int
    on: CivilDate


class Renewal(msgspec.Struct, frozen=True, gc=False):
    """One item's next cycle (R23). `replaces`: the plan that a downgrade left (R29). `requires`, `blocks`:
    of an add-on."""

    product: str
    family: str | None
    tier: str | None
    price: Decimal | None
    cycle: Cycle
    replaces: str | None = None
    requires: tuple[str, ...] = ()
    blocks: int | None = None
    block_prices: tuple[BlockPrice, ...] = ()


class CyclesRenewed(EventBase, frozen=True, kw_only=True, tag="cycles_renewed"):
    """All items whose cycles went on at one date, with their one invoice (R23, R24): paid if its total is
    0.00, else open.

    The issued invoice is the intent of its payment.
    """

    renewals: tuple[Renewal, ...]
    invoice: Invoice


PaymentPurpose = Literal["purchase", "renewal", "balance", "balance_retry", "scheduled_resume"]

Activation = PlanPurchased | PlanChanged | PlanResumed | AddonPurchased | BlocksToppedUp | CreditsPurchased
"""What a paid purchase becomes."""


class PaymentStarted(EventBase, frozen=True, kw_only=True, tag="payment_started"):
    """The durable intent to charge: nothing is charged without one, and nothing else of the account
    happens until it is answered (R16).

    `if_paid`: for a purchase, the event that follows if it is paid, after `grant` (a discount given by a
    code, R79) and `notes` (the credit notes of an upgrade, R75); otherwise `invoice_number` says what is
    paid, `invoices` where it is more than one. `items`: for a `balance_retry`, what ends if it is declined
    (R41).
    """

    purpose: PaymentPurpose
    amount: Decimal
    currency: str
    if_paid: Activation | None = None
    invoice_number: int | None = None
    items: tuple[str, ...] = ()
    invoices: tuple[Share, ...] | UnsetType = UNSET
    grant: DiscountGranted | UnsetType = UNSET
    notes: tuple[CreditNoteIssued, ...] | UnsetType = UNSET


class PaymentDeclined(EventBase, frozen=True, kw_only=True, tag="payment_declined"):
    """A declined attempt: it counts for the lock, and changes nothing else (R16). `final`: the method will
    never be accepted (R54)."""

    amount: Decimal
    final: bool | UnsetType = UNSET


class PaymentCancelled(EventBase, frozen=True, kw_only=True, tag="payment_cancelled"):
    """The payment was never made and never will be: the command's key is free again, a renewal is
    attempted anew (R16)."""

    purpose: PaymentPurpose


class InvoicePaid(EventBase, frozen=True, kw_only=True, tag="invoice_paid"):
    """An open invoice was paid; the `restored` items can be used again (R40)."""

    number: int
    amount: Decimal
    restored: tuple[str, ...] = ()


class RenewalDeclined(EventBase, frozen=True, kw_only=True, tag="renewal_declined"):
    """The renewal invoice stays open, the account is past due, its items are unusable from the renewal
    date (R38)."""

    number: int
    suspended: tuple[str, ...]
    tries: tuple[Try, ...] | UnsetType = UNSET
    remind_before: int | UnsetType = UNSET
    """Days before the first cycle end of its held items on which a reminder is due (R55)."""
    final: bool | UnsetType = UNSET


class ItemsLapsed(EventBase, frozen=True, kw_only=True, tag="items_lapsed"):
    """Items ended unpaid (R41); `written_off`: the invoice is uncollectible and the account in good
    standing again."""

    number: int
    items: tuple[str, ...]
    written_off: bool
    account_anchor: CivilDate | None


class AccountClosed(EventBase, frozen=True, kw_only=True, tag="account_closed"):
    """Everything ended (R42)."""


class PriceOverridden(EventBase, frozen=True, kw_only=True, tag="price_overridden"):
    """On a test clock: another price in the account's currency from now on, for this account alone."""

    product: str
    tier: str | None
    price: Decimal


class CatalogChanged(EventBase, frozen=True, kw_only=True, tag="catalog_changed"):
    """On a test clock: another version of the account's own catalogue is in force from now on.

    `catalog`: its digest. `repriced`: where the account had prices of its own, the digest of the version in
    force until then with them in it.
    """

    catalog: str
    repriced: str | None


class PrerequisiteChanged(EventBase, frozen=True, kw_only=True, tag="prerequisite_changed"):
    """As the catalogue is known now, the add-on held will need one of these plans when its cycle ends (R28,
    R44); none: it needs no plan."""

    product: str
    requires: tuple[str, ...]


SecondPart = (
    CreditNoteIssued
    | InvoiceReissued
    | RefundConcluded
    | CreditApplied
    | CreditPaidOut
    | PaymentRecorded
    | InvoiceWrittenOff
    | TryDeclined
    | TriesStopped
    | PaymentReminder
    | PaymentMethodSet
    | PaymentActionRequired
    | PaymentLate
    | LatePaymentFailed
    | DisputeOpened
    | DisputeWon
    | DisputeLost
    | TaxProfileSet
    | DiscountGranted
    | DiscountWithdrawn
    | DiscountEnds
    | CreditsReturned
)
"""What collecting, correcting, taxing and granting record (sections 14 to 18a of the rules)."""

Event = (
    CyclesRenewed
    | InvoicePaid
    | AccountOpened
    | PlanPurchased
    | FreePlanStarted
    | PlanChanged
    | DowngradeScheduled
    | DowngradeWithdrawn
    | PlanCancelled
    | PlanCancellationWithdrawn
    | PlanEnded
    | PlanPaused
    | PlanResumed
    | ResumeDropped
    | AddonPurchased
    | AddonRemoved
    | AddonRemovalWithdrawn
    | AddonEnded
    | BlocksChanged
    | BlocksToppedUp
    | CreditsPurchased
    | CreditsExpired
    | PaymentStarted
    | PaymentDeclined
    | PaymentCancelled
    | RenewalDeclined
    | ItemsLapsed
    | AccountClosed
    | PriceOverridden
    | CatalogChanged
    | PrerequisiteChanged
    | SecondPart
)

EVENT_TYPES: dict[str, type[Event]] = {str(t.__struct_config__.tag): t for t in get_args(Event)}
"""Every event by its stable type name."""

_NAMES: dict[type[Event], str] = {t: name for name, t in EVENT_TYPES.items()}
SCHEMA_VERSIONS: dict[str, int] = dict.fromkeys(EVENT_TYPES, 1) | {
    "resume_dropped": 2,
    "plan_ended": 2,
    "addon_ended": 2,
}
"""By type, the version of the schema in which it is written today."""


def type_name(event: Event) -> str:
    """The event's stable type name, as in the log and on the wire."""
    return _NAMES[type(event)]


def schema_version(event: Event) -> int:
    """The version of the schema in which this type is written today."""
    return SCHEMA_VERSIONS[_NAMES[type(event)]]
