"""Buying and removing add-ons (R12, R13, R17, R18, R26, R27), and Transactional's own process (R20)."""

from __future__ import annotations

from decimal import Decimal

from domain import events as e
from domain.answers import Refusal
from domain.calendar import Cycle, cycle_from
from domain.catalog import AddOn, BlockPrice
from domain.commands import (
    ChangeTransactional,
    PurchaseAddon,
    RemoveAddon,
    StartTransactional,
    TopUpTransactional,
    Undo,
)
from domain.issuing import invoice_of
from domain.plans import ended_unpaid, undo_plan
from domain.pricing import addon_line, block_lines
from domain.proposals import (
    Context,
    Proposal,
    Proposed,
    Unchanged,
    cancellation_pending,
    lacks_prerequisite,
    no_price,
    not_held,
    prerequisite_missing,
    unknown_product,
)
from domain.renewal import requirement_at
from domain.state import AddonItem
from domain.views import renewal_date


def purchase_addon(ctx: Context, command: PurchaseAddon) -> Proposed:
    """Buy an add-on: its first charge is prorated to the account's next boundary (R12), or is a full cycle
    where the account has no anchor (R13). Bought again while its removal is pending, it is reinstated
    (R17)."""
    add_on = ctx.catalog.add_ons.get(command.product)
    if add_on is None:
        return unknown_product(command.product, "add-on")
    price = ctx.prices.add_on(add_on.id)
    if price is None and not ctx.prices.blocks(add_on.id):
        return no_price(add_on.id, ctx.state.currency)
    if add_on.process is not None:
        return _own_process(add_on.id)
    if (held := ctx.state.addons.get(add_on.id)) is not None:
        return _already_held(ctx, held)
    if lacks_prerequisite(ctx.state, add_on.requires):
        return prerequisite_missing(add_on.id, add_on.requires)
    assert price is not None
    cycle = _first_cycle(ctx)
    return _purchased(ctx, add_on, price, cycle, (addon_line(add_on.id, price, cycle),), None, ())


def remove_addon(ctx: Context, command: RemoveAddon) -> Proposed:
    """End the add-on at the end of its own cycle (R26)."""
    add_on = ctx.catalog.add_ons.get(command.product)
    held = ctx.state.addons.get(command.product)
    if add_on is None and held is None:
        return unknown_product(command.product, "add-on")
    in_blocks = (
        held.blocks is not None if held is not None else add_on is not None and add_on.process is not None
    )
    if in_blocks:  # what is held can be ended the way it was bought, whatever the catalogue says by now
        return _own_process(command.product)
    return not_held(command.product, "add-on") if held is None else _remove(ctx, held)


def undo(ctx: Context, command: Undo) -> Proposed:
    """Withdraw what is pending for the product: an add-on's removal or stop, a plan's cancellation or
    downgrade (R27)."""
    product = command.product
    if (held := ctx.state.addons.get(product)) is not None:
        return _reinstate(ctx, held) if held.removed else _nothing_to_undo(product)
    for plan in ctx.state.plans.values():
        if plan.product == product:
            return undo_plan(ctx, plan)
    if product in ctx.catalog.add_ons or product in ctx.catalog.plans:
        return _nothing_to_undo(product)
    return unknown_product(product, "plan or add-on")


# ---- Transactional (R20) -------------------------------------------------


def start_transactional(ctx: Context, command: StartTransactional) -> Proposed:
    """Start with `blocks` a cycle, charged now in full. With a stop pending it is reinstated with the number
    that it had."""
    add_on = ctx.catalog.transactional
    if add_on is None:
        return unknown_product("transactional", "add-on")
    steps = ctx.prices.blocks(add_on.id)
    if not steps:
        return no_price(add_on.id, ctx.state.currency)
    if (held := _held_in_blocks(ctx)) is not None:  # perhaps under the id that it was sold by before
        return _already_held(ctx, held)
    if lacks_prerequisite(ctx.state, add_on.requires):
        return prerequisite_missing(add_on.id, add_on.requires)
    cycle = _first_cycle(ctx)
    lines = block_lines(add_on.id, command.blocks, steps, cycle.start, cycle.end)
    return _purchased(ctx, add_on, None, cycle, lines, command.blocks, steps)


def change_transactional(ctx: Context, command: ChangeTransactional) -> Proposed:
    """Set the number of blocks from the next renewal."""
    held = _transactional(ctx)
    if isinstance(held, Refusal):
        return held
    if held.removed:
        return cancellation_pending(held.product, held.cycle.end)
    if held.next_blocks == command.blocks:
        facts = {"product": held.product, "blocks": command.blocks, "on": held.cycle.end.isoformat()}
        return Unchanged(facts)
    changed = e.BlocksChanged(
        at=ctx.at, command=ctx.command, product=held.product, blocks=command.blocks, on=held.cycle.end
    )
    return Proposal(changed)


def top_up_transactional(ctx: Context, command: TopUpTransactional) -> Proposed:
    """Add blocks now at the block price, until the cycle's end. It needs only that Transactional runs."""
    add_on = ctx.catalog.transactional
    held = _transactional(ctx)
    if isinstance(held, Refusal) and held.code == "unknown_product":
        return held
    if add_on is None:  # held, and sold no longer: buying more of it is refused as any purchase of it (R8)
        return unknown_product("transactional", "add-on")
    steps = ctx.prices.blocks(add_on.id)
    if not steps:
        return no_price(add_on.id, ctx.state.currency)
    if isinstance(held, Refusal):
        return held
    lines = block_lines(held.product, command.blocks, steps, ctx.today, held.cycle.end)
    return Proposal(
        e.BlocksToppedUp(
            at=ctx.at,
            command=ctx.command,
            product=held.product,
            blocks=command.blocks,
            e_mails=command.blocks * held.e_mails_per_block,
            invoice=invoice_of(ctx.state, ctx.today, lines, ctx.at, ctx.catalogues, ctx.grant),
        )
    )


def stop_transactional(ctx: Context) -> Proposed:
    """End Transactional at the cycle's end; that can be undone."""
    held = _transactional(ctx)
    return held if isinstance(held, Refusal) else _remove(ctx, held)


def _transactional(ctx: Context) -> AddonItem | Refusal:
    held = _held_in_blocks(ctx)
    if held is not None:
        return held
    add_on = ctx.catalog.transactional
    return unknown_product("transactional", "add-on") if add_on is None else not_held(add_on.id, "add-on")


def _held_in_blocks(ctx: Context) -> AddonItem | None:
    """What is held in blocks; of two, which only an older history can have, the one that goes on."""
    held = [item for item in ctx.state.addons.values() if item.blocks is not None]
    return min(held, key=lambda item: item.removed, default=None)


# ---- what they share -----------------------------------------------------


def _first_cycle(ctx: Context) -> Cycle:
    """The cycle from today to the account's next boundary (R12); without an account anchor a full one
    (R13)."""
    return cycle_from(ctx.state.anchor or ctx.today, ctx.today, ctx.state.time_zone)


def _purchased(
    ctx: Context,
    add_on: AddOn,
    price: Decimal | None,
    cycle: Cycle,
    lines: tuple[e.Line, ...],
    blocks: int | None,
    block_prices: tuple[BlockPrice, ...],
) -> Proposal:
    return Proposal(
        e.AddonPurchased(
            at=ctx.at,
            command=ctx.command,
            product=add_on.id,
            price=price,
            requires=requirement_at(add_on.id, add_on.requires, ctx.catalogues, cycle.ends_at),
            cycle=cycle,
            blocks=blocks,
            e_mails_per_block=add_on.e_mails_per_block,
            block_prices=block_prices,
            invoice=invoice_of(ctx.state, ctx.today, lines, ctx.at, ctx.catalogues, ctx.grant),
        )
    )


def _already_held(ctx: Context, held: AddonItem) -> Proposed:
    """An add-on that is held is not bought again; a pending removal is withdrawn (R17)."""
    if held.removed:
        return _reinstate(ctx, held)
    renews_on = renewal_date(ctx.state, held.product, ctx.catalogues)
    known = {} if renews_on is None else {"renews_on": renews_on.isoformat()}
    return Refusal("already_active", {"product": held.product, **known})


def _reinstate(ctx: Context, held: AddonItem) -> Proposal:
    withdrawn = e.AddonRemovalWithdrawn(at=ctx.at, command=ctx.command, product=held.product)
    return Proposal(withdrawn, reinstates=True)


def _remove(ctx: Context, held: AddonItem) -> Proposed:
    if held.removed:
        return Unchanged({"product": held.product})
    if held.unpaid_since is not None and not ctx.state.disputed:
        return ended_unpaid(ctx, held.product)
    removed = e.AddonRemoved(at=ctx.at, command=ctx.command, product=held.product, on=held.cycle.end)
    return Proposal(removed, while_past_due=True)


def _nothing_to_undo(product: str) -> Refusal:
    return Refusal("nothing_to_undo", {"product": product})


def _own_process(product: str) -> Refusal:
    """Transactional is not bought or removed through the shop (R20)."""
    return Refusal("own_process", {"product": product, "process": "transactional"})
