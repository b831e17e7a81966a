"""What is true of an account now: the state that events fold into (`domain.evolve`) and that decisions are
made from."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Literal

import msgspec

from domain.calendar import CivilDate, Cycle, Instant
from domain.catalog import BlockPrice
from domain.events import Activation, Clock, PaymentPurpose


class PendingDowngrade(msgspec.Struct, frozen=True, gc=False):
    """What the plan becomes at its cycle's end (R29)."""

    product: str
    tier: str
    to_free: bool


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


class Ended(msgspec.Struct, frozen=True, gc=False):
    """A product once held: when access ended, and whether it had an allowance (R44)."""

    access_until: Instant
    metered: bool = False


class Window(msgspec.Struct, frozen=True, gc=False):
    """A span of use `[start, until)`; None: no end as things stand (R45)."""

    start: Instant = msgspec.field(name="from")
    until: Instant | None


class OpenInvoice(msgspec.Struct, frozen=True, gc=False):
    """The renewal invoice that is not paid. `declined`: the account is past due (R38); before, its payment
    has no answer yet."""

    number: int
    date: CivilDate
    at: Instant
    total: Decimal
    items: tuple[str, ...]
    declined: bool = False


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


class RecordedCommand(msgspec.Struct, frozen=True, gc=False):
    """A command that recorded events: the version of the first, and the contents' fingerprint."""

    version: int
    fingerprint: str


class OwnVersion(msgspec.Struct, frozen=True, gc=False):
    """A later version of the catalogue of an account on a test clock, by its digest."""

    effective_from: Instant
    digest: str


AccountStatus = Literal["good", "past_due", "closed"]

REMEMBERED_COMMANDS = 1000
"""Commands whose keys the state keeps; older ones are looked for in the account's events."""


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
    open_invoice: OpenInvoice | None = None
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


class Account(AccountFields, frozen=True, gc=False):  # type: ignore[misc] # its fields are not
    """The state of one account after `version` events. Its dictionaries are never changed."""

    @property
    def past_due(self) -> bool:
        """A renewal was declined and its invoice is open (R38)."""
        return self.open_invoice is not None and self.open_invoice.declined

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
        """As shown: `good`, `past_due` or `closed`."""
        if self.closed:
            return "closed"
        return "past_due" if self.past_due else "good"
