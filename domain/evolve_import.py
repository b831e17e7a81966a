"""What `account_imported` makes of the state: everything that was held elsewhere, as if it had been bought
here in that order."""

from __future__ import annotations

from msgspec.structs import replace

from domain import events as e
from domain.money import prorate
from domain.state import AddonItem, Brought, Draft, Pack, PendingDowngrade, PlanItem
from domain.windows import open_window


def take_over(draft: Draft, event: e.AccountImported) -> None:
    """Fill the draft, which knows the account's currency, zone and clock. Access windows begin with the
    event: what was used before is not known here."""
    for nth, item in enumerate(event.items, draft.version + 1 - len(event.items)):
        if item.family is None:
            draft.addons[item.product] = _addon(item, nth)
        else:
            draft.plans[item.family] = _plan(item, item.family, nth)
        if item.paused_at is None:
            until = None if item.cycle is None else item.cycle.ends_at
            open_window(draft.windows, item.product, event.at, until)
    for pack in sorted(event.packs, key=lambda pack: pack.expires_at):
        open_window(draft.windows, pack.product, event.at, pack.expires_at)
    draft.packs = tuple([Pack(p.product, p.credits, p.expires_on, p.expires_at) for p in event.packs])
    draft.pauses = {pauses.family: pauses.began_on for pauses in event.pauses}
    draft.anchor = event.account_anchor
    draft.free_used = event.free_used
    if event.credit:
        draft.standing = replace(draft.standing, credit=event.credit)


def _plan(item: e.ImportedItem, family: str, bought: int) -> PlanItem:
    assert item.tier is not None
    assert item.price is not None
    becomes, brought = item.becomes, None
    if item.cycle is not None:
        brought = Brought(prorate(item.price, item.cycle.days, item.cycle.of_days), item.paid)
    return PlanItem(
        family,
        item.product,
        item.tier,
        item.price,
        item.cycle,
        cancelled=item.ends,
        downgrade=None
        if becomes is None
        else PendingDowngrade(becomes.product, becomes.tier, becomes.to_free),
        paused_at=item.paused_at,
        resume_on=None if item.ends else item.resume_on,
        resume_at=None if item.ends else item.resume_at,
        resume_set_aside=item.resume_on if item.ends else None,
        bought=bought,
        brought=brought,
    )


def _addon(item: e.ImportedItem, bought: int) -> AddonItem:
    assert item.cycle is not None, "an add-on has a cycle"
    return AddonItem(
        item.product,
        item.price,
        item.cycle,
        item.requires,
        removed=item.ends,
        blocks=item.blocks,
        next_blocks=item.next_blocks,
        e_mails_per_block=item.e_mails_per_block or 0,
        topped_up=item.topped_up,
        block_prices=item.block_prices,
        bought=bought,
    )
