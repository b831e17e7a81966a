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
from msgspec import UNSET, UnsetType, field

from domain.calendar import CivilDate, Cycle, Instant
from domain.catalog import BlockPrice

Clock = Literal["wall", "test"]
LineKind = Literal["plan", "addon", "blocks", "credits", "credit_line"]
EndReason = Literal["cancelled", "removed", "prerequisite_ended", "unpaid", "disputed", "refunded"]
TaxCategory = Literal["S", "Z", "AE", "E", "O"]
"""EN 16931's letters: standard, zero, reverse charge, exempt, outside the scope."""
TaxReason = Literal["reverse_charge", "exempt", "outside_scope"]
"""Why no tax is asked (R74)."""


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


class _Event(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """`at`: effective from. `command`: None for what fell due by itself."""

    at: Instant
    command: CommandRef | None = None


class AccountOpened(_Event, frozen=True, kw_only=True, tag="account_opened"):
    """The account's history begins. `clock`: on which it lives, for good (R97). `catalog`: digest of a
    catalogue of its own, on a test clock; None: the series in force."""

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
    final: bool | UnsetType = UNSET
    """Of a declined payment: the method will never be accepted (R54)."""


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


class CreditNoteIssued(_Event, frozen=True, kw_only=True, tag="credit_note_issued"):
    """A part of an issued invoice is taken back (R61): first off what is due of it (`lowered`), the rest to
    the payment method (`refund`, whose intent this event is) or to the account (R62).

    `invoice_status`: that of the invoice after it; `restored`: the items that can be used again.
    """

    number: int
    invoice: int
    date: CivilDate
    reason: CreditReason
    lines: tuple[CreditedLine, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    lowered: Decimal
    refund: Decimal
    to_account: Decimal
    invoice_status: InvoiceStatus
    restored: tuple[str, ...] = ()
    ticket: str | None = None


class InvoiceReissued(_Event, frozen=True, kw_only=True, tag="invoice_reissued"):
    """A paid invoice is taken back as a whole and issued anew with other taxes or details (R67): what was
    paid pays the new one, the rest goes as the credit note says."""

    note: CreditNoteIssued
    invoice: Invoice


class RefundConcluded(_Event, frozen=True, kw_only=True, tag="refund_concluded"):
    """The provider's answer to a refund: made, or failed, and then the amount is account credit (R62)."""

    note: int
    invoice: int
    amount: Decimal
    refunded: bool


class CreditApplied(_Event, frozen=True, kw_only=True, tag="credit_applied"):
    """Account credit paid what is open, the oldest invoice first (R63). `paid`: the invoices of which
    nothing is due any more."""

    shares: tuple[Share, ...]
    paid: tuple[int, ...]
    restored: tuple[str, ...] = ()


class CreditPaidOut(_Event, frozen=True, kw_only=True, tag="credit_paid_out"):
    """Account credit was given back by finance (R63)."""

    amount: Decimal
    ticket: str | None = None


class PaymentRecorded(_Event, frozen=True, kw_only=True, tag="payment_recorded"):
    """Money that came in another way (R57): it lowered what is due, `to_account` is left over, `recovered`
    came for an invoice that was written off (R68)."""

    amount: Decimal
    received_on: CivilDate | None
    reference: str | None
    shares: tuple[Share, ...]
    to_account: Decimal
    paid: tuple[int, ...]
    restored: tuple[str, ...] = ()
    recovered: int | None = None


class InvoiceWrittenOff(_Event, frozen=True, kw_only=True, tag="invoice_written_off"):
    """Finance gave up what is due of a charged-back invoice; its items that were held ended (R68)."""

    number: int
    amount: Decimal
    items: tuple[str, ...]
    account_anchor: CivilDate | None
    ticket: str | None = None


class TryDeclined(_Event, frozen=True, kw_only=True, tag="try_declined"):
    """The saved method was tried for all that is due and declined (R52)."""

    amount: Decimal
    final: bool | UnsetType = UNSET


class TriesStopped(_Event, frozen=True, kw_only=True, tag="tries_stopped"):
    """Finance ends the tries for an invoice (R54)."""

    number: int
    ticket: str | None = None


class PaymentReminder(_Event, frozen=True, kw_only=True, tag="payment_reminder"):
    """The customer is to be told what is due, when it is tried next, and which item lapses when (R55)."""

    invoice: int
    stage: Literal["declined", "try_declined", "lapses_soon"]
    due: Decimal
    next_try: CivilDate | None
    lapses: tuple[Ending, ...]
    authentication_required: bool | UnsetType = UNSET


class PaymentMethodSet(_Event, frozen=True, kw_only=True, tag="payment_method_set"):
    """Another payment method was saved; nothing of it is here (R56)."""


class PaymentLate(_Event, frozen=True, kw_only=True, tag="payment_late"):
    """The renewal's charge will be answered later: the invoice is open, its items usable (R98)."""

    number: int


class LatePaymentFailed(_Event, frozen=True, kw_only=True, tag="late_payment_failed"):
    """A late payment failed; from now on as after a lost dispute (R98, R58)."""

    number: int
    suspended: tuple[str, ...]
    remind_before: int | UnsetType = UNSET
    """Days before the first cycle end of its held items on which a reminder is due (R55)."""


class DisputeOpened(_Event, frozen=True, kw_only=True, tag="dispute_opened"):
    """The card's holder disputes what a method paid of an invoice: nothing of the account can be used
    (R58)."""

    number: int
    amount: Decimal


class DisputeWon(_Event, frozen=True, kw_only=True, tag="dispute_won"):
    """The dispute was decided for the seller (R58)."""

    number: int


class DisputeLost(_Event, frozen=True, kw_only=True, tag="dispute_lost"):
    """The amount went back to the card's holder and is due again; `suspended` items of the invoice stay
    unusable, all else can be used again (R58)."""

    number: int
    amount: Decimal
    suspended: tuple[str, ...]
    remind_before: int | UnsetType = UNSET
    """Days before the first cycle end of its held items on which a reminder is due (R55)."""


class TaxProfileSet(_Event, frozen=True, kw_only=True, tag="tax_profile_set"):
    """By which the taxes of the next invoices are decided (R70). `details`: the version of the buyer's
    details, which are kept apart (R92)."""

    country: str
    region: str | None
    kind: Literal["consumer", "business"]
    vat_id: Literal["none", "unconfirmed", "confirmed"]
    exempt_until: CivilDate | None
    details: int | None = None


class DiscountGranted(_Event, frozen=True, kw_only=True, tag="discount_granted"):
    """A discount of the account with its terms (R79): a percentage, or an amount in the account's currency.

    `months`: lines that begin in so many months after `start`; None: `once`, or for ever. `carried`: what is
    left is taken by the invoices that follow (R86). `products` None: all plans; of a carried one every line.
    `last_day` is the last one, inclusive; of a carried one it is always given.
    """

    number: int
    start: CivilDate
    percent: Decimal | None
    fixed: Decimal | None
    once: bool
    months: int | None
    carried: bool
    products: tuple[str, ...] | None
    last_day: CivilDate | None
    nonprofit: bool
    code: str | None
    ticket: str | None = None


class DiscountWithdrawn(_Event, frozen=True, kw_only=True, tag="discount_withdrawn"):
    """The discount reaches no further line (R85)."""

    number: int


class DiscountEnds(_Event, frozen=True, kw_only=True, tag="discount_ends"):
    """In seven days the product's first line at a price follows its free months (R87)."""

    product: str
    on: CivilDate


class CreditsReturned(_Event, frozen=True, kw_only=True, tag="credits_returned"):
    """A correction took back a whole pack, which ends now (R64)."""

    product: str
    credits: int
    expires_on: CivilDate


PaymentPurpose = Literal["purchase", "renewal", "balance", "balance_retry", "scheduled_resume"]

Activation = PlanPurchased | PlanChanged | PlanResumed | AddonPurchased | BlocksToppedUp | CreditsPurchased
"""What a paid purchase becomes."""


class PaymentStarted(_Event, frozen=True, kw_only=True, tag="payment_started"):
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


class PaymentDeclined(_Event, frozen=True, kw_only=True, tag="payment_declined"):
    """A declined attempt: it counts for the lock, and changes nothing else (R16). `final`: the method will
    never be accepted (R54)."""

    amount: Decimal
    final: bool | UnsetType = UNSET


class PaymentActionRequired(_Event, frozen=True, kw_only=True, tag="payment_action_required"):
    """The customer's own consent is asked for; not given before `until`, the payment is cancelled (R96)."""

    until: Instant


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
    tries: tuple[Try, ...] | UnsetType = UNSET
    remind_before: int | UnsetType = UNSET
    """Days before the first cycle end of its held items on which a reminder is due (R55)."""
    final: bool | UnsetType = UNSET


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
