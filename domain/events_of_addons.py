"""What happens to add-ons, blocks and credits: bought, changed, removed, expired (R12, R13, R20, R21, R26,
R28). Events like the others, which `domain.events` joins with them."""

from __future__ import annotations

from decimal import Decimal

from domain.calendar import CivilDate, Cycle, Instant
from domain.catalog import BlockPrice
from domain.event_parts import EndReason, EventBase, Invoice


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


class PrerequisiteChanged(EventBase, frozen=True, kw_only=True, tag="prerequisite_changed"):
    """As the catalogue is known now, the add-on held will need one of these plans when its cycle ends (R28,
    R44); none: it needs no plan."""

    product: str
    requires: tuple[str, ...]
