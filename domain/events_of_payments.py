"""What renews, and what payments record: the intent, its answers, and what ends unpaid (R16, R23, R24, R38 to
R41). Events like the others, which `domain.events` joins with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from domain.calendar import CivilDate, Cycle
from domain.catalog import BlockPrice
from domain.event_parts import DeclineReason, EventBase, Invoice, Share, Try
from domain.events_of_addons import AddonPurchased, BlocksToppedUp, CreditsPurchased
from domain.events_of_money import CreditNoteIssued, DiscountGranted
from domain.events_of_plans import PlanChanged, PlanPurchased, PlanResumed


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
    never be accepted (R54). `decline_reason`: why, where the provider says."""

    amount: Decimal
    final: bool | UnsetType = UNSET
    decline_reason: DeclineReason | UnsetType = UNSET


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
    decline_reason: DeclineReason | UnsetType = UNSET


class ItemsLapsed(EventBase, frozen=True, kw_only=True, tag="items_lapsed"):
    """Items ended unpaid (R41); `written_off`: the invoice is uncollectible and the account in good
    standing again."""

    number: int
    items: tuple[str, ...]
    written_off: bool
    account_anchor: CivilDate | None
