"""What the events of add-ons and of credits make of the state."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from domain import events as e
from domain.calendar import Instant
from domain.evolve_access import access_end, ended, last_use, use
from domain.evolve_records import Changes, charge
from domain.state import AddonItem, Draft, Pack
from domain.windows import close_window


def _addon_purchased(draft: Draft, event: e.AddonPurchased) -> None:
    charge(draft, event.invoice)
    draft.addons[event.product] = AddonItem(
        event.product,
        event.price,
        event.cycle,
        event.requires,
        blocks=event.blocks,
        next_blocks=event.blocks,
        e_mails_per_block=event.e_mails_per_block or 0,
        block_prices=event.block_prices,
        bought=draft.version,
    )
    use(draft, event.product, event.at, event.cycle.ends_at)


def _addon_removed(draft: Draft, event: e.AddonRemoved) -> None:
    _change_addon(draft, event.product, removed=True)


def _addon_removal_withdrawn(draft: Draft, event: e.AddonRemovalWithdrawn) -> None:
    _change_addon(draft, event.product, removed=False)


def _addon_ended(draft: Draft, event: e.AddonEnded) -> None:
    end_addon(draft, event.product, event.at)


def _prerequisite_changed(draft: Draft, event: e.PrerequisiteChanged) -> None:
    _change_addon(draft, event.product, requires=event.requires)


def _change_addon(draft: Draft, product: str, **changes: object) -> None:
    draft.addons[product] = replace(draft.addons[product], **changes)


def end_addon(draft: Draft, product: str, at: Instant) -> None:
    item = draft.addons.pop(product)
    until = access_end(draft, item.unpaid_since or item.cycle.ends_at, at)
    ended(draft, product, until, metered=item.blocks is not None)
    close_window(draft.windows, product, at)


def _blocks_changed(draft: Draft, event: e.BlocksChanged) -> None:
    _change_addon(draft, event.product, next_blocks=event.blocks)


def _blocks_topped_up(draft: Draft, event: e.BlocksToppedUp) -> None:
    _change_addon(draft, event.product, topped_up=draft.addons[event.product].topped_up + event.e_mails)
    charge(draft, event.invoice)


def _credits_purchased(draft: Draft, event: e.CreditsPurchased) -> None:
    charge(draft, event.invoice)
    number = event.invoice.number
    pack = Pack(event.product, event.credits, event.expires_on, event.expires_at, invoice=number)
    draft.packs = (*draft.packs, pack)
    use(draft, event.product, event.at, event.expires_at)


def _credits_expired(draft: Draft, event: e.CreditsExpired) -> None:
    until = last_use(draft, event.product, event.at)
    draft.packs = tuple(
        [p for p in draft.packs if not (p.product == event.product and p.expires_on == event.on)]
    )
    if all(p.product != event.product for p in draft.packs):
        ended(draft, event.product, until, metered=True)


CHANGES: Final[Changes] = {
    e.AddonPurchased: _addon_purchased,
    e.AddonRemoved: _addon_removed,
    e.AddonRemovalWithdrawn: _addon_removal_withdrawn,
    e.AddonEnded: _addon_ended,
    e.PrerequisiteChanged: _prerequisite_changed,
    e.BlocksChanged: _blocks_changed,
    e.BlocksToppedUp: _blocks_topped_up,
    e.CreditsPurchased: _credits_purchased,
    e.CreditsExpired: _credits_expired,
}
"""What each of these events changes."""
