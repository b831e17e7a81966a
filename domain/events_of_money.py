"""What collecting, correcting, taxing and granting record (sections 14 to 18a of the rules): events like the
others, which `domain.events` joins with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import UNSET, UnsetType

from domain.calendar import CivilDate, Instant
from domain.event_parts import (
    CreditedLine,
    CreditReason,
    DeclineReason,
    Ending,
    EventBase,
    Invoice,
    InvoiceStatus,
    ReminderStage,
    Share,
)


class CreditNoteIssued(EventBase, frozen=True, kw_only=True, tag="credit_note_issued"):
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


class InvoiceReissued(EventBase, frozen=True, kw_only=True, tag="invoice_reissued"):
    """A paid invoice is taken back as a whole and issued anew with other taxes or details (R67): what was
    paid pays the new one, the rest goes as the credit note says."""

    note: CreditNoteIssued
    invoice: Invoice


class RefundConcluded(EventBase, frozen=True, kw_only=True, tag="refund_concluded"):
    """The provider's answer to a refund: made, or failed, and then the amount is account credit (R62)."""

    note: int
    invoice: int
    amount: Decimal
    refunded: bool


class CreditApplied(EventBase, frozen=True, kw_only=True, tag="credit_applied"):
    """Account credit paid what is open, the oldest invoice first (R63). `paid`: the invoices of which
    nothing is due any more."""

    shares: tuple[Share, ...]
    paid: tuple[int, ...]
    restored: tuple[str, ...] = ()


class CreditPaidOut(EventBase, frozen=True, kw_only=True, tag="credit_paid_out"):
    """Account credit was given back by finance (R63)."""

    amount: Decimal
    ticket: str | None = None


class PaymentRecorded(EventBase, frozen=True, kw_only=True, tag="payment_recorded"):
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


class InvoiceWrittenOff(EventBase, frozen=True, kw_only=True, tag="invoice_written_off"):
    """Finance gave up what is due of a charged-back invoice; its items that were held ended (R68)."""

    number: int
    amount: Decimal
    items: tuple[str, ...]
    account_anchor: CivilDate | None
    ticket: str | None = None


class TryDeclined(EventBase, frozen=True, kw_only=True, tag="try_declined"):
    """The saved method was tried for all that is due and declined (R52)."""

    amount: Decimal
    final: bool | UnsetType = UNSET
    decline_reason: DeclineReason | UnsetType = UNSET


class TriesStopped(EventBase, frozen=True, kw_only=True, tag="tries_stopped"):
    """Finance ends the tries for an invoice (R54)."""

    number: int
    ticket: str | None = None


class PaymentReminder(EventBase, frozen=True, kw_only=True, tag="payment_reminder"):
    """The customer is to be told what is due, when it is tried next, and which item lapses when (R55)."""

    invoice: int
    stage: ReminderStage
    due: Decimal
    next_try: CivilDate | None
    lapses: tuple[Ending, ...]
    authentication_required: bool | UnsetType = UNSET


class PaymentMethodSet(EventBase, frozen=True, kw_only=True, tag="payment_method_set"):
    """Another payment method was saved; nothing of it is here (R56)."""


class PaymentLate(EventBase, frozen=True, kw_only=True, tag="payment_late"):
    """The renewal's charge will be answered later: the invoice is open, its items usable (R98).
    `answer_by`: the date by which the provider expects to know."""

    number: int
    answer_by: CivilDate | UnsetType = UNSET


class LatePaymentFailed(EventBase, frozen=True, kw_only=True, tag="late_payment_failed"):
    """A late payment failed; from now on as after a lost dispute (R98, R58)."""

    number: int
    suspended: tuple[str, ...]
    remind_before: int | UnsetType = UNSET
    """Days before the first cycle end of its held items on which a reminder is due (R55)."""
    decline_reason: DeclineReason | UnsetType = UNSET


class DisputeOpened(EventBase, frozen=True, kw_only=True, tag="dispute_opened"):
    """The card's holder disputes what a method paid of an invoice: nothing of the account can be used
    (R58)."""

    number: int
    amount: Decimal


class DisputeWon(EventBase, frozen=True, kw_only=True, tag="dispute_won"):
    """The dispute was decided for the seller (R58)."""

    number: int


class DisputeLost(EventBase, frozen=True, kw_only=True, tag="dispute_lost"):
    """The amount went back to the card's holder and is due again; `suspended` items of the invoice stay
    unusable, all else can be used again (R58)."""

    number: int
    amount: Decimal
    suspended: tuple[str, ...]
    remind_before: int | UnsetType = UNSET
    """Days before the first cycle end of its held items on which a reminder is due (R55)."""


class TaxProfileSet(EventBase, frozen=True, kw_only=True, tag="tax_profile_set"):
    """By which the taxes of the next invoices are decided (R70). `details`: the version of the buyer's
    details, which are kept apart (R92)."""

    country: str
    region: str | None
    kind: Literal["consumer", "business"]
    vat_id: Literal["none", "unconfirmed", "confirmed"]
    exempt_until: CivilDate | None
    details: int | None = None


class DiscountGranted(EventBase, frozen=True, kw_only=True, tag="discount_granted"):
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


class DiscountWithdrawn(EventBase, frozen=True, kw_only=True, tag="discount_withdrawn"):
    """The discount reaches no further line (R85)."""

    number: int


class DiscountEnds(EventBase, frozen=True, kw_only=True, tag="discount_ends"):
    """In seven days the product's first line at a price follows its free months (R87)."""

    product: str
    on: CivilDate


class CreditsReturned(EventBase, frozen=True, kw_only=True, tag="credits_returned"):
    """A correction took back a whole pack, which ends now (R64)."""

    product: str
    credits: int
    expires_on: CivilDate


class PaymentActionRequired(EventBase, frozen=True, kw_only=True, tag="payment_action_required"):
    """The customer's own consent is asked for; not given before `until`, the payment is cancelled (R96)."""

    until: Instant
