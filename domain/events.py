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
from msgspec import field

from domain.calendar import CivilDate, Cycle, Instant
from domain.catalog import BlockPrice

Clock = Literal["wall", "test"]
LineKind = Literal["plan", "addon", "blocks", "credits", "credit_line"]
EndReason = Literal["cancelled", "removed", "prerequisite_ended", "unpaid"]


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of an invoice (R47). `amount = +- unit_price x quantity x days / of_days`, rounded by R6;
    negative on a credit line.

    `days` and `of_days` are None for what is not counted by days, `quantity` for all but blocks, `tier`
    for all but plans.
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


class Invoice(msgspec.Struct, frozen=True, gc=False):
    """An invoice as issued (R47): `number` counts from 1 in the account; `date` is what it is for; `total`
    is the sum of the lines."""

    number: int
    date: CivilDate
    currency: str
    total: Decimal
    lines: tuple[Line, ...]
    issued_at: Instant


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


class _Event(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """`at`: effective from. `command`: None for what fell due by itself."""

    at: Instant
    command: CommandRef | None = None


class AccountOpened(_Event, frozen=True, kw_only=True, tag="account_opened"):
    """The account's history begins. `catalog`: digest of a catalogue of its own, on a test clock; None:
    the series in force."""

    currency: str
    time_zone: str
    clock: Clock
    catalog: str | None = None


class PlanPurchased(_Event, frozen=True, kw_only=True, tag="plan_purchased"):
    """A monthly plan was bought and is active (R10, R11). `replaces`: the Free plan that it ended (R22)."""

    family: str
    product: str
    tier: str
    price: Decimal
    cycle: Cycle
    account_anchor: CivilDate
    replaces: str | None
    invoice: Invoice


class FreePlanStarted(_Event, frozen=True, kw_only=True, tag="free_plan_started"):
    """The Free plan is active: bought (R22), or moved down to at the end of the cycle of the plan that it
    `replaces` (R29)."""

    family: str
    product: str
    tier: str
    replaces: str | None
    account_anchor: CivilDate | None


class PlanChanged(_Event, frozen=True, kw_only=True, tag="plan_changed"):
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


class DowngradeScheduled(_Event, frozen=True, kw_only=True, tag="downgrade_scheduled"):
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


class DowngradeWithdrawn(_Event, frozen=True, kw_only=True, tag="downgrade_withdrawn"):
    """The pending downgrade is as if never asked for (R27, R29)."""

    family: str
    product: str


class PlanCancelled(_Event, frozen=True, kw_only=True, tag="plan_cancelled"):
    """The plan ends at its cycle's end (R28). `ending_addons`: those that end with it."""

    family: str
    product: str
    on: CivilDate
    ending_addons: tuple[Ending, ...]


class PlanCancellationWithdrawn(_Event, frozen=True, kw_only=True, tag="plan_cancellation_withdrawn"):
    """The pending cancellation is as if never asked for (R27). `resume_on`, `resume_at`: of a paused plan,
    when it resumes by itself after all (R36)."""

    family: str
    product: str
    resume_on: CivilDate | None = None
    resume_at: Instant | None = None


class PlanEnded(_Event, frozen=True, kw_only=True, tag="plan_ended"):
    """The plan is no longer held (R28, R37)."""

    family: str
    product: str
    reason: EndReason
    account_anchor: CivilDate | None


class PlanPaused(_Event, frozen=True, kw_only=True, tag="plan_paused"):
    """Access to the plan ended (R31). `still_billed`: everything that goes on being billed, with date and
    amount (R32)."""

    family: str
    product: str
    account_anchor: CivilDate | None
    resume_on: CivilDate | None
    resume_at: Instant | None
    still_billed: tuple[Upcoming, ...]


class PlanResumed(_Event, frozen=True, kw_only=True, tag="plan_resumed"):
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


class ResumeDropped(_Event, frozen=True, kw_only=True, tag="resume_dropped"):
    """A scheduled resume did not happen, or its date passed while the plan was cancelled; the plan stays
    paused (R36)."""

    family: str
    product: str
    reason: Literal["past_due", "payment_declined", "date_passed"]


class AddonPurchased(_Event, frozen=True, kw_only=True, tag="addon_purchased"):
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


class AddonRemoved(_Event, frozen=True, kw_only=True, tag="addon_removed"):
    """The add-on ends at its cycle's end (R26)."""

    product: str
    on: CivilDate


class AddonRemovalWithdrawn(_Event, frozen=True, kw_only=True, tag="addon_removal_withdrawn"):
    """The pending removal is as if never asked for (R27)."""

    product: str


class AddonEnded(_Event, frozen=True, kw_only=True, tag="addon_ended"):
    """The add-on is no longer held (R26, R28)."""

    product: str
    reason: EndReason


class BlocksChanged(_Event, frozen=True, kw_only=True, tag="blocks_changed"):
    """From the next renewal so many blocks (R20)."""

    product: str
    blocks: int
    on: CivilDate


class BlocksToppedUp(_Event, frozen=True, kw_only=True, tag="blocks_topped_up"):
    """Blocks were added until the cycle's end (R20)."""

    product: str
    blocks: int
    e_mails: int
    invoice: Invoice


class CreditsPurchased(_Event, frozen=True, kw_only=True, tag="credits_purchased"):
    """A credit pack was bought (R21)."""

    product: str
    credits: int
    expires_on: CivilDate
    expires_at: Instant
    invoice: Invoice


class CreditsExpired(_Event, frozen=True, kw_only=True, tag="credits_expired"):
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


class CyclesRenewed(_Event, frozen=True, kw_only=True, tag="cycles_renewed"):
    """All items whose cycles went on at one date, with their one invoice (R23, R24): paid if its total is
    0.00, else open.

    The issued invoice is the intent of its payment.
    """

    renewals: tuple[Renewal, ...]
    invoice: Invoice


PaymentPurpose = Literal["purchase", "renewal", "balance", "balance_retry", "scheduled_resume"]

Activation = PlanPurchased | PlanChanged | PlanResumed | AddonPurchased | BlocksToppedUp | CreditsPurchased
"""What a paid purchase becomes."""


class PaymentStarted(_Event, frozen=True, kw_only=True, tag="payment_started"):
    """The durable intent to charge: nothing is charged without one, and nothing else of the account
    happens until it is answered (R16).

    `if_paid`: for a purchase, the event that follows if it is paid; otherwise `invoice_number` says what
    is paid. `items`: for a `balance_retry`, what ends if it is declined (R41).
    """

    purpose: PaymentPurpose
    amount: Decimal
    currency: str
    if_paid: Activation | None = None
    invoice_number: int | None = None
    items: tuple[str, ...] = ()


class PaymentDeclined(_Event, frozen=True, kw_only=True, tag="payment_declined"):
    """A declined attempt: it counts for the lock, and changes nothing else (R16)."""

    amount: Decimal


class PaymentCancelled(_Event, frozen=True, kw_only=True, tag="payment_cancelled"):
    """The payment was never made and never will be: the command's key is free again, a renewal is
    attempted anew (R16)."""

    purpose: PaymentPurpose


class InvoicePaid(_Event, frozen=True, kw_only=True, tag="invoice_paid"):
    """An open invoice was paid; the `restored` items can be used again (R40)."""

    number: int
    amount: Decimal
    restored: tuple[str, ...] = ()


class RenewalDeclined(_Event, frozen=True, kw_only=True, tag="renewal_declined"):
    """The renewal invoice stays open, the account is past due, its items are unusable from the renewal
    date (R38)."""

    number: int
    suspended: tuple[str, ...]


class ItemsLapsed(_Event, frozen=True, kw_only=True, tag="items_lapsed"):
    """Items ended unpaid (R41); `written_off`: the invoice is uncollectible and the account in good
    standing again."""

    number: int
    items: tuple[str, ...]
    written_off: bool
    account_anchor: CivilDate | None


class AccountClosed(_Event, frozen=True, kw_only=True, tag="account_closed"):
    """Everything ended (R42)."""


class PriceOverridden(_Event, frozen=True, kw_only=True, tag="price_overridden"):
    """On a test clock: another price in the account's currency from now on, for this account alone."""

    product: str
    tier: str | None
    price: Decimal


class CatalogChanged(_Event, frozen=True, kw_only=True, tag="catalog_changed"):
    """On a test clock: another version of the account's own catalogue is in force from now on.

    `catalog`: its digest. `repriced`: where the account had prices of its own, the digest of the version in
    force until then with them in it.
    """

    catalog: str
    repriced: str | None


class PrerequisiteChanged(_Event, frozen=True, kw_only=True, tag="prerequisite_changed"):
    """As the catalogue is known now, the add-on held will need one of these plans when its cycle ends (R28,
    R44); none: it needs no plan."""

    product: str
    requires: tuple[str, ...]


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
)

EVENT_TYPES: dict[str, type[Event]] = {str(t.__struct_config__.tag): t for t in get_args(Event)}
"""Every event by its stable type name."""

_NAMES: dict[type[Event], str] = {t: name for name, t in EVENT_TYPES.items()}
SCHEMA_VERSIONS: dict[str, int] = dict.fromkeys(EVENT_TYPES, 1) | {"resume_dropped": 2}
"""By type, the version of the schema in which it is written today."""


def type_name(event: Event) -> str:
    """The event's stable type name, as in the log and on the wire."""
    return _NAMES[type(event)]


def schema_version(event: Event) -> int:
    """The version of the schema in which this type is written today."""
    return SCHEMA_VERSIONS[_NAMES[type(event)]]
