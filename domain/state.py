"""What is true of an account now: the state that events fold into (`domain.evolve`) and that decisions are
made from."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from domain.calendar import CivilDate, Cycle, Instant
from domain.catalog import BlockPrice
from domain.events import (
    Activation,
    Clock,
    CreditNoteIssued,
    DiscountGranted,
    Invoice,
    InvoiceStatus,
    PaymentPurpose,
    Share,
    TaxProfileSet,
    Try,
)
from domain.money import zero


class PendingDowngrade(msgspec.Struct, frozen=True, gc=False):
    """What the plan becomes at its cycle's end (R29)."""

    product: str
    tier: str
    to_free: bool


class Brought(msgspec.Struct, frozen=True, gc=False):
    """What another system billed for the present cycle of a plan that was taken over: the price for its days,
    and what of that was paid."""

    amount: Decimal
    paid: Decimal


class PlanItem(msgspec.Struct, frozen=True, gc=False):
    """The plan held in a family. A monthly plan has a cycle and the price held for it (R8); Free has
    neither."""

    family: str
    product: str
    tier: str
    price: Decimal
    cycle: Cycle | None
    cancelled: bool = False
    downgrade: PendingDowngrade | None = None
    paused_at: Instant | None = None
    resume_on: CivilDate | None = None
    resume_at: Instant | None = None
    unpaid_since: Instant | None = None
    """Beginning of the renewal date whose invoice was declined (R38); None: paid for."""
    resume_set_aside: CivilDate | None = None
    """The date on which it would resume, were its cancellation withdrawn before it (R36)."""
    bought: int = 0
    """Version of the event by which it was bought: the order of purchase."""
    lines: tuple[tuple[int, int], ...] = ()
    """The invoice lines of the present price in this cycle: numbers, and places from 0 (R65)."""
    brought: Brought | None = None
    """Of an account that was taken over: what was billed elsewhere bears the present price too."""

    @property
    def active(self) -> bool:
        """Running, also with a pending end; not paused (R3)."""
        return self.paused_at is None

    @property
    def active_monthly(self) -> bool:
        """A monthly plan that is running: what keeps the account anchor (R3)."""
        return self.cycle is not None and self.paused_at is None


class AddonItem(msgspec.Struct, frozen=True, gc=False):
    """An add-on held. One sold in blocks has `blocks` a cycle, the number from the next renewal, and the
    e-mails topped up (R20)."""

    product: str
    price: Decimal | None
    cycle: Cycle
    requires: tuple[str, ...] = ()
    removed: bool = False
    unpaid_since: Instant | None = None
    blocks: int | None = None
    next_blocks: int | None = None
    e_mails_per_block: int = 0
    topped_up: int = 0
    block_prices: tuple[BlockPrice, ...] = ()
    bought: int = 0
    """Version of the event by which it was bought: the order of purchase."""

    @property
    def allowance(self) -> int | None:
        """E-mails of this cycle; 0 while unpaid, since they expire at `access_until` (R44); None: not sold
        in blocks."""
        if self.blocks is None:
            return None
        return 0 if self.unpaid_since is not None else self.blocks * self.e_mails_per_block + self.topped_up


class Pack(msgspec.Struct, frozen=True, gc=False):
    """Unexpired credits (R21)."""

    product: str
    credits: int
    expires_on: CivilDate
    expires_at: Instant
    unpaid_since: Instant | None = None
    """Since when it cannot be used, its payment having been charged back (R58)."""
    invoice: int = 0
    """The number of the invoice that charged it."""


class Ended(msgspec.Struct, frozen=True, gc=False):
    """A product once held: when access ended, and whether it had an allowance (R44)."""

    access_until: Instant
    metered: bool = False


class Window(msgspec.Struct, frozen=True, gc=False):
    """A span of use `[start, until)`; None: no end as things stand (R45)."""

    start: Instant = msgspec.field(name="from")
    until: Instant | None


class Credited(msgspec.Struct, frozen=True, gc=False):
    """What was taken back of an invoice's line: before tax, and of each tax of the line, in its order.
    `line` counts from 0. `from_date`, `until`: the days credited; None: an amount without days (R61).
    `by_invoice`: the invoice whose credit line took it back (R29); None: a credit note."""

    line: int
    net: Decimal
    taxes: tuple[Decimal, ...]
    from_date: CivilDate | None = None
    until: CivilDate | None = None
    by_invoice: int | None = None


class InvoiceRecord(msgspec.Struct, frozen=True, gc=False):
    """How an issued invoice stands, where it is not simply paid in full by the payment method: it is open, or
    something was credited, disputed, or paid otherwise.

    `due`: what is still to be paid (R51). `by_method`: what a method paid of it, less what was charged back;
    `refunded`: what of that was given back. `items`: the recurring items that it bills. `declined`: of an
    open one, the account is past due by it (R38); before, its payment has no answer. `late`: the answer comes
    later (R98). `suspended`: the items that its decline or lost dispute made unusable.
    """

    number: int
    status: InvoiceStatus
    due: Decimal
    at: Instant
    by_method: Decimal
    items: tuple[str, ...] = ()
    declined: bool = False
    suspended: tuple[str, ...] = ()
    refunded: Decimal = Decimal(0)
    credit_applied: Decimal = Decimal(0)
    """Account credit that paid it after its issue (R63)."""
    credited: tuple[Credited, ...] = ()
    late: bool = False
    late_intent: int = 0
    """Version of the intent of the late payment: the event whose id is its key."""
    answer_by: CivilDate | None = None
    """By when the provider expects to know how the late payment ended."""
    charged_back: bool = False
    reissued: bool = False
    disputed_at: Instant | None = None
    tries: tuple[Try, ...] = ()
    tries_stopped: bool = False
    remind_before: int | None = None
    reminded: bool = False
    """Whether the customer was told that its items lapse soon (R55)."""
    written_off: Decimal = Decimal(0)
    """What finance gave up of it and did not come in since (R68)."""
    due_again_at: Instant | None = None
    """When a lost dispute, or a late payment that failed, made it due (R58, R98)."""
    untouched: bool = False
    """Nothing happened to the open renewal yet: paid whole, it needs no record."""
    dispute_facts: tuple[str, ...] = ()
    """What the provider said of its disputes: each is taken once (R58)."""


class Discount(msgspec.Struct, frozen=True, gc=False):
    """A discount of the account (R79): its terms as granted, and what is left of a carried one. `used`: it
    was for once, and an invoice took it. `told`: the products whose end of free months was told (R87)."""

    terms: DiscountGranted
    left: Decimal | None = None
    used: bool = False
    withdrawn: bool = False
    told: tuple[str, ...] = ()


class PendingRefund(msgspec.Struct, frozen=True, gc=False):
    """A refund whose answer is not known. `intent`: the version of the event that is its intent (R62)."""

    intent: int
    note: int
    invoice: int
    amount: Decimal


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What else holds between customer and seller: account credit (R63), credit notes, the tax profile,
    discounts, disputes. Of most accounts nothing."""

    credit: Decimal = Decimal(0)
    next_credit_note: int = 1
    refunds: tuple[PendingRefund, ...] = ()
    tax_profile: TaxProfileSet | None = None
    discounts: tuple[Discount, ...] = ()
    free_products: tuple[str, ...] = ()
    """Products that had free months (R87)."""
    method_refused: bool = False
    """The saved method was declined for good (R54)."""
    disputed_at: Instant | None = None
    """The first of the open disputes began then (R58)."""
    corrected_by_support: tuple[tuple[CivilDate, Decimal], ...] = ()
    """What support credited on each of the last dates on which it did (R60)."""


NOTHING_ELSE = Standing()


class PendingPayment(msgspec.Struct, frozen=True, gc=False):
    """A payment whose answer is not known (R16). `intent`: the version of the event that is its intent;
    that event's id is the key."""

    intent: int
    purpose: PaymentPurpose
    at: Instant
    amount: Decimal
    if_paid: Activation | None = None
    invoice_number: int | None = None
    items: tuple[str, ...] = ()
    command_id: str | None = None
    role: str | None = None
    fingerprint: str | None = None
    invoices: tuple[Share, ...] = ()
    grant: DiscountGranted | None = None
    notes: tuple[CreditNoteIssued, ...] = ()
    waits_until: Instant | None = None
    """Until when the customer's consent is waited for (R96)."""


class RecordedCommand(msgspec.Struct, frozen=True, gc=False):
    """A command that recorded events: the version of the first, and the contents' fingerprint."""

    version: int
    fingerprint: str


class OwnVersion(msgspec.Struct, frozen=True, gc=False):
    """A later version of the catalogue of an account on a test clock, by its digest."""

    effective_from: Instant
    digest: str


AccountStatus = Literal["good", "past_due", "disputed", "closed"]

REMEMBERED_COMMANDS = 1000
"""Commands whose keys the state keeps; older ones are looked for in the account's events."""


class IssuedInvoices(msgspec.Struct, frozen=True, gc=False):
    """The account's invoices by number, which are 1, 2, 3 ... without gaps (R47): a mapping that is never
    changed. One with one more shares all but the last few with it, so it costs the same after twenty
    years."""

    older: tuple[tuple[Invoice, ...], ...] = ()
    latest: tuple[Invoice, ...] = ()

    def and_one(self, invoice: Invoice) -> IssuedInvoices:
        """These and the next one."""
        latest = (*self.latest, invoice)
        if len(latest) < _TOGETHER:
            return IssuedInvoices(self.older, latest)
        return IssuedInvoices((*self.older, latest))

    def __getitem__(self, number: int) -> Invoice:
        if number not in self:
            raise KeyError(number)
        part, place = divmod(number - 1, _TOGETHER)
        return self.latest[place] if part == len(self.older) else self.older[part][place]

    def __contains__(self, number: int) -> bool:
        return 0 < number <= len(self)

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self) + 1))

    def __len__(self) -> int:
        return len(self.older) * _TOGETHER + len(self.latest)

    def latest_first(self) -> Iterator[Invoice]:
        """The invoices, the latest first."""
        for part in (self.latest, *reversed(self.older)):
            yield from reversed(part)

    def items(self) -> Iterator[tuple[int, Invoice]]:
        """Number and invoice, in order."""
        issued = [invoice for part in (*self.older, self.latest) for invoice in part]
        return iter(enumerate(issued, 1))


_TOGETHER = 8
"""Invoices that are kept in one part."""
NO_INVOICES = IssuedInvoices()


class AccountFields(msgspec.Struct, gc=False):
    """What is known of an account: of an `Account` for good, of a `domain.evolve.Draft` in the making."""

    version: int
    currency: str
    time_zone: str
    clock: Clock
    catalog: str | None
    last_at: Instant
    """The latest instant of any event: no command happens before it."""

    anchor: CivilDate | None = None
    plans: dict[str, PlanItem] = {}
    """By family."""
    addons: dict[str, AddonItem] = {}
    """By product, in order of purchase."""
    packs: tuple[Pack, ...] = ()
    ended: dict[str, Ended] = {}
    windows: dict[str, tuple[Window, ...]] = {}
    next_invoice: int = 1
    invoices: IssuedInvoices = NO_INVOICES
    """As issued, by number."""
    records: dict[int, InvoiceRecord] = {}
    """By number, of those that are not simply paid in full by the payment method."""
    payment: PendingPayment | None = None
    declines: tuple[Instant, ...] = ()
    """The last five declined attempts (R16)."""
    pauses: dict[str, tuple[CivilDate, ...]] = {}
    """By family, the starts of the last two pauses (R33)."""
    free_used: bool = False
    price_overrides: dict[str, Decimal] = {}
    """Test clock only: by `product` or `product/tier`."""
    commands: dict[str, RecordedCommand] = {}
    forgotten_commands: bool = False
    closed: bool = False
    own_versions: tuple[OwnVersion, ...] = ()
    """Test clock only: the versions that followed `catalog`."""
    standing: Standing = NOTHING_ELSE


class Draft(AccountFields, gc=False):
    """An account in the making. What is held, was held and can be used, which most events change, are copies
    of its own; its other dictionaries are another state's too, and are replaced instead of changed."""


class Account(AccountFields, frozen=True, gc=False):  # type: ignore[misc] # its fields are not
    """The state of one account after `version` events. Its dictionaries are never changed."""

    @property
    def open_invoices(self) -> tuple[InvoiceRecord, ...]:
        """The invoices that are not paid yet, the oldest first."""
        if not self.records:
            return ()
        found = [record for record in self.records.values() if record.status == "open"]
        if len(found) > 1:
            found.sort(key=lambda record: record.number)
        return tuple(found)

    @property
    def unanswered(self) -> InvoiceRecord | None:
        """The renewal invoice whose payment has no answer and is not late (R16, R38)."""
        for record in self.records.values():
            if record.status == "open" and not record.declined and not record.late:
                return record
        return None

    @property
    def past_due(self) -> bool:
        """A renewal was declined, or a dispute lost, and its invoice is open (R38, R58)."""
        if not self.records:
            return False
        return any(record.declined and record.status == "open" for record in self.records.values())

    @property
    def past_due_invoices(self) -> tuple[InvoiceRecord, ...]:
        """The open invoices by which the account is past due, the oldest first."""
        return tuple([record for record in self.open_invoices if record.declined])

    @property
    def amount_due(self) -> Decimal:
        """What is to be paid of all its past due invoices together (R57)."""
        return sum([record.due for record in self.past_due_invoices], zero(self.currency))

    @property
    def disputed(self) -> bool:
        """A dispute is open: nothing of the account can be used (R58)."""
        return self.standing.disputed_at is not None

    def record(self, number: int) -> InvoiceRecord:
        """How that issued invoice stands."""
        found = self.records.get(number)
        return paid_in_full(self.invoices[number]) if found is None else found

    @property
    def items(self) -> tuple[PlanItem | AddonItem, ...]:
        """Everything held in cycles, and Free: plans, then add-ons in order of purchase."""
        return (*self.plans.values(), *self.addons.values())

    def anchor_without(self, products: Collection[str]) -> CivilDate | None:
        """The account anchor once these plans are no longer active: absent with the last monthly one (R3)."""
        active = any(plan.active_monthly and plan.product not in products for plan in self.plans.values())
        return self.anchor if active else None

    @property
    def status(self) -> AccountStatus:
        """As shown: `good`, `past_due`, `disputed` or `closed`."""
        if self.closed:
            return "closed"
        if self.disputed:
            return "disputed"
        return "past_due" if self.past_due else "good"


def paid_in_full(invoice: Invoice) -> InvoiceRecord:
    """The record of an invoice that account credit and the payment method paid."""
    return InvoiceRecord(invoice.number, "paid", zero(invoice.currency), invoice.issued_at, invoice.charge)
