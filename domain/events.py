"""What can have happened to an account: one tagged union, each event complete in itself.

Events carry facts, not requests: cycle, anchor, unit price, days, lines and invoice number are in them, so
a reader folds them without the rules, and an old event keeps its meaning when rules or the catalogue
change. `at` is the instant from which an event is effective: the command's, or the beginning of the date
on which it fell due, however late it was recorded (R25).
"""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

from domain.event_parts import (
    Clock,
    CommandRef,
    CreditedLine,
    CreditReason,
    DeclineReason,
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
from domain.events_of_addons import (
    AddonEnded,
    AddonPurchased,
    AddonRemovalWithdrawn,
    AddonRemoved,
    BlocksChanged,
    BlocksToppedUp,
    CreditsExpired,
    CreditsPurchased,
    PrerequisiteChanged,
)
from domain.events_of_import import (
    AccountImported,
    ImportedDowngrade,
    ImportedItem,
    ImportedPack,
    ImportedPauses,
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
from domain.events_of_payments import (
    Activation,
    CyclesRenewed,
    InvoicePaid,
    ItemsLapsed,
    PaymentCancelled,
    PaymentDeclined,
    PaymentPurpose,
    PaymentStarted,
    Renewal,
    RenewalDeclined,
)
from domain.events_of_plans import (
    DowngradeScheduled,
    DowngradeWithdrawn,
    FreePlanStarted,
    PlanCancellationWithdrawn,
    PlanCancelled,
    PlanChanged,
    PlanEnded,
    PlanPaused,
    PlanPurchased,
    PlanResumed,
    ResumeDropped,
)

__all__ = [
    "EVENT_TYPES",
    "SCHEMA_VERSIONS",
    "AccountClosed",
    "AccountImported",
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
    "DeclineReason",
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
    "ImportedDowngrade",
    "ImportedItem",
    "ImportedPack",
    "ImportedPauses",
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
    "Opening",
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

Opening = AccountOpened | AccountImported
"""How an account's history begins: it says currency, time zone and clock."""

Event = (
    CyclesRenewed
    | InvoicePaid
    | AccountOpened
    | AccountImported
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
