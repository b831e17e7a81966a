"""`evolve`: what each event makes of the state. No rule is decided here: the events carry the facts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar, assert_never

from msgspec.structs import replace

from domain import events as e
from domain.calendar import Instant, date_of
from domain.state import (
    REMEMBERED_COMMANDS,
    Account,
    AddonItem,
    Ended,
    OpenInvoice,
    Pack,
    PendingDowngrade,
    PendingPayment,
    PlanItem,
    Recorded,
)
from domain.windows import Windows, closed, joined, opened

_Value = TypeVar("_Value")


def evolve_all(state: Account | None, events: Iterable[e.Event]) -> Account | None:
    """The state after all the events."""
    for event in events:
        state = evolve(state, event)
    return state


def evolve(state: Account | None, event: e.Event) -> Account:
    """The state after the event. None is the state of an account that was never opened; only
    `AccountOpened` follows it."""
    if state is None:
        if not isinstance(event, e.AccountOpened):
            raise ValueError(f"an account's history begins with account_opened, not {e.type_name(event)}")
        state = Account(0, event.currency, event.time_zone, event.clock, event.catalog, event.at)
    after = _apply(state, event)
    version = state.version + 1
    last_at = max(state.last_at, event.at)
    if event.command is None or event.command.id is None:
        return replace(after, version=version, last_at=last_at)
    return _remember(replace(after, version=version, last_at=last_at), event.command, event)


def _apply(state: Account, event: e.Event) -> Account:  # noqa: C901 - one case an event
    match event:
        case e.CyclesRenewed():
            return _cycles_renewed(state, event)
        case e.InvoicePaid():
            return _invoice_paid(state, event)
        case e.AccountOpened():
            return state
        case e.PlanPurchased():
            return _plan_purchased(state, event)
        case e.FreePlanStarted():
            return _free_plan_started(state, event)
        case e.PlanChanged():
            return _plan_changed(state, event)
        case e.DowngradeScheduled():
            downgrade = PendingDowngrade(event.to_product, event.to_tier, event.to_free)
            before = state.plans[event.family].downgrade
            used = event.to_free or (state.free_used and not (before is not None and before.to_free))
            return replace(_with_plan(state, event.family, downgrade=downgrade), free_used=used)
        case e.DowngradeWithdrawn():
            return _without_downgrade(state, event.family)
        case e.PlanCancelled():
            return _with_plan(
                _without_downgrade(state, event.family),
                event.family,
                cancelled=True,
                resume_on=None,
                resume_at=None,
            )
        case e.PlanCancellationWithdrawn():
            return _with_plan(state, event.family, cancelled=False)
        case e.PlanEnded():
            return _plan_ended(state, event)
        case e.PlanPaused():
            return _plan_paused(state, event)
        case e.PlanResumed():
            return _plan_resumed(state, event)
        case e.ResumeDropped():
            return _with_plan(replace(state, payment=None), event.family, resume_on=None, resume_at=None)
        case e.AddonPurchased():
            return _addon_purchased(state, event)
        case e.AddonRemoved():
            return _with_addon(state, event.product, removed=True)
        case e.AddonRemovalWithdrawn():
            return _with_addon(state, event.product, removed=False)
        case e.AddonEnded():
            return _end_addons(state, (event.product,))
        case e.BlocksChanged():
            return _with_addon(state, event.product, next_blocks=event.blocks)
        case e.BlocksToppedUp():
            topped_up = state.addons[event.product].topped_up + event.e_mails
            return _charged(_with_addon(state, event.product, topped_up=topped_up))
        case e.CreditsPurchased():
            return _credits_purchased(state, event)
        case e.CreditsExpired():
            return _credits_expired(state, event)
        case e.PaymentStarted():
            return replace(state, payment=_pending(state.version + 1, event))
        case e.PaymentDeclined():
            return replace(state, payment=None, declines=(*state.declines[-4:], event.at))
        case e.PaymentCancelled():
            return replace(state, payment=None)
        case e.RenewalDeclined():
            return _renewal_declined(state, event)
        case e.ItemsLapsed():
            return _items_lapsed(state, event)
        case e.AccountClosed():
            return _account_closed(state, event)
        case e.PriceOverridden():
            key = event.product if event.tier is None else f"{event.product}/{event.tier}"
            return replace(state, price_overrides={**state.price_overrides, key: event.price})
        case _:
            assert_never(event)


def _remember(state: Account, command: e.CommandRef, event: e.Event) -> Account:
    """Keep the key of a command that recorded an event; a cancelled payment frees it again (section 10)."""
    assert command.id is not None
    assert command.fingerprint is not None
    commands = dict(state.commands)
    if isinstance(event, e.PaymentCancelled):
        commands.pop(command.id, None)
        return replace(state, commands=commands)
    if command.id in commands:
        return state
    commands[command.id] = Recorded(state.version, command.fingerprint)
    if len(commands) <= REMEMBERED_COMMANDS:
        return replace(state, commands=commands)
    del commands[next(iter(commands))]
    return replace(state, commands=commands, forgotten_commands=True)


# ---- plans ---------------------------------------------------------------


def _plan_purchased(state: Account, event: e.PlanPurchased) -> Account:
    item = PlanItem(event.family, event.product, event.tier, event.price, event.cycle)
    windows, ended = _replaced(state, event.replaces, event.at)
    return replace(
        _charged(state),
        anchor=event.account_anchor,
        plans={**state.plans, event.family: item},
        windows=opened(windows, event.product, event.at, event.cycle.ends_at),
        ended=_without(ended, event.product),
    )


def _free_plan_started(state: Account, event: e.FreePlanStarted) -> Account:
    item = PlanItem(event.family, event.product, event.tier, Decimal(0), None)
    windows, ended = _replaced(state, event.replaces, event.at)
    before = state.plans.get(event.family)
    return replace(
        state,
        anchor=event.account_anchor,
        plans={**state.plans, event.family: item},
        windows=opened(windows, event.product, event.at, None),
        ended=_without(ended, event.product),
        free_used=state.free_used or (before is not None and before.cycle is not None),
    )


def _plan_changed(state: Account, event: e.PlanChanged) -> Account:
    state = _without_downgrade(state, event.family)
    before = state.plans[event.family]
    item = replace(before, product=event.product, tier=event.tier, price=event.price)
    windows, ended = _replaced(state, event.from_product, event.at)
    until = None if event.cycle is None else event.cycle.ends_at
    return replace(
        _charged(state) if event.invoice is not None else state,
        plans={**state.plans, event.family: item},
        windows=opened(windows, event.product, event.at, until),  # of another tier only: the same window
        ended=_without(ended, event.product),
    )


def _plan_ended(state: Account, event: e.PlanEnded) -> Account:
    item = state.plans[event.family]
    return replace(
        state,
        anchor=event.account_anchor,
        plans=_without(state.plans, event.family),
        windows=closed(state.windows, item.product, event.at),
        ended={**state.ended, item.product: Ended(_plan_access_until(item) or event.at)},
    )


def _plan_access_until(item: PlanItem) -> Instant | None:
    """When access to a plan that is held ends or ended (R44); Free has no end."""
    if item.paused_at is not None:
        return item.paused_at
    if item.unpaid_since is not None:
        return item.unpaid_since
    return None if item.cycle is None else item.cycle.ends_at


def _plan_paused(state: Account, event: e.PlanPaused) -> Account:
    paused_on = date_of(event.at, state.time_zone)
    pauses = (*state.pauses.get(event.family, ())[-1:], paused_on)
    return replace(
        _with_plan(
            state, event.family, paused_at=event.at, resume_on=event.resume_on, resume_at=event.resume_at
        ),
        anchor=event.account_anchor,
        windows=closed(state.windows, event.product, event.at),
        pauses={**state.pauses, event.family: pauses},
    )


def _plan_resumed(state: Account, event: e.PlanResumed) -> Account:
    item = PlanItem(event.family, event.product, event.tier, event.price, event.cycle)
    return replace(
        _charged(state) if event.invoice is not None else state,
        anchor=event.account_anchor,
        plans={**state.plans, event.family: item},
        windows=opened(state.windows, event.product, event.at, event.cycle.ends_at),
    )


def _with_plan(state: Account, family: str, **changes: object) -> Account:
    return replace(state, plans={**state.plans, family: replace(state.plans[family], **changes)})


def _without_downgrade(state: Account, family: str) -> Account:
    """A downgrade that is undone, replaced, or discarded (by a lapse too) does not count as the move to Free
    (R22)."""
    downgrade = state.plans[family].downgrade
    if downgrade is None:
        return state
    return replace(
        _with_plan(state, family, downgrade=None), free_used=state.free_used and not downgrade.to_free
    )


# ---- add-ons and credits -------------------------------------------------


def _addon_purchased(state: Account, event: e.AddonPurchased) -> Account:
    item = AddonItem(
        event.product,
        event.price,
        event.cycle,
        event.requires,
        blocks=event.blocks,
        next_blocks=event.blocks,
        e_mails_per_block=event.e_mails_per_block or 0,
        block_prices=event.block_prices,
    )
    return replace(
        _charged(state),
        addons={**state.addons, event.product: item},
        windows=opened(state.windows, event.product, event.at, event.cycle.ends_at),
        ended=_without(state.ended, event.product),
    )


def _with_addon(state: Account, product: str, **changes: object) -> Account:
    return replace(state, addons={**state.addons, product: replace(state.addons[product], **changes)})


def _end_addons(state: Account, products: Iterable[str]) -> Account:
    addons, ended = dict(state.addons), dict(state.ended)
    for product in products:
        item = addons.pop(product)
        ended[product] = Ended(item.unpaid_since or item.cycle.ends_at, metered=item.blocks is not None)
    return replace(state, addons=addons, ended=ended)


def _credits_purchased(state: Account, event: e.CreditsPurchased) -> Account:
    pack = Pack(event.product, event.credits, event.expires_on, event.expires_at)
    return replace(
        _charged(state),
        packs=(*state.packs, pack),
        windows=opened(state.windows, event.product, event.at, event.expires_at),
        ended=_without(state.ended, event.product),
    )


def _credits_expired(state: Account, event: e.CreditsExpired) -> Account:
    packs = tuple(p for p in state.packs if not (p.product == event.product and p.expires_on == event.on))
    if any(p.product == event.product for p in packs):
        return replace(state, packs=packs)
    return replace(state, packs=packs, ended={**state.ended, event.product: Ended(event.at, metered=True)})


# ---- renewing and paying -------------------------------------------------


def _cycles_renewed(state: Account, event: e.CyclesRenewed) -> Account:
    plans, addons, ended, windows = state.plans, dict(state.addons), state.ended, dict(state.windows)
    for renewal in event.renewals:
        cycle = renewal.cycle
        if renewal.family is not None:
            assert renewal.tier is not None
            assert renewal.price is not None
            plans = {
                **plans,
                renewal.family: PlanItem(renewal.family, renewal.product, renewal.tier, renewal.price, cycle),
            }
            if renewal.replaces is not None:
                ended = {**_without(ended, renewal.product), renewal.replaces: Ended(cycle.starts_at)}
        else:
            addons[renewal.product] = replace(
                addons[renewal.product],
                price=renewal.price,
                cycle=cycle,
                requires=renewal.requires,
                blocks=renewal.blocks,
                next_blocks=renewal.blocks,
                topped_up=0,
                block_prices=renewal.block_prices,
            )
        windows[renewal.product] = joined(windows.get(renewal.product, ()), cycle.starts_at, cycle.ends_at)
    invoice = event.invoice
    changes: dict[str, object] = {}
    if invoice.total:
        items = tuple([renewal.product for renewal in event.renewals])
        changes = {
            "open_invoice": OpenInvoice(invoice.number, invoice.date, event.at, invoice.total, items),
            "payment": PendingPayment(
                state.version + 1, "renewal", event.at, invoice.total, invoice_number=invoice.number
            ),
        }
    return replace(
        state,
        plans=plans,
        addons=addons,
        ended=ended,
        windows=windows,
        next_invoice=invoice.number + 1,
        **changes,
    )


def _invoice_paid(state: Account, event: e.InvoicePaid) -> Account:
    paid = replace(state, open_invoice=None, payment=None)
    if not event.restored:
        return paid
    windows = state.windows
    plans, addons = dict(state.plans), dict(state.addons)
    for family, plan in state.plans.items():
        if plan.product in event.restored and plan.unpaid_since is not None:
            plans[family] = replace(plan, unpaid_since=None)
            assert plan.cycle is not None
            windows = opened(windows, plan.product, event.at, plan.cycle.ends_at)
    for product, addon in state.addons.items():
        if product in event.restored:
            addons[product] = replace(addon, unpaid_since=None)
            windows = opened(windows, product, event.at, addon.cycle.ends_at)
    return replace(paid, plans=plans, addons=addons, windows=windows)


def _renewal_declined(state: Account, event: e.RenewalDeclined) -> Account:
    assert state.open_invoice is not None
    unpaid_since = state.open_invoice.at
    windows = state.windows
    plans, addons = dict(state.plans), dict(state.addons)
    for family, plan in state.plans.items():
        if plan.product in event.suspended:
            plans[family] = replace(plan, unpaid_since=unpaid_since)
            windows = closed(windows, plan.product, unpaid_since)
    for product, addon in state.addons.items():
        if product in event.suspended:
            addons[product] = replace(addon, unpaid_since=unpaid_since)
            windows = closed(windows, product, unpaid_since)
    open_invoice = replace(state.open_invoice, declined=True)
    return replace(
        state, plans=plans, addons=addons, windows=windows, open_invoice=open_invoice, payment=None
    )


def _items_lapsed(state: Account, event: e.ItemsLapsed) -> Account:
    plans, ended = dict(state.plans), dict(state.ended)
    for family, plan in state.plans.items():
        if plan.product in event.items:
            until = _plan_access_until(plan)
            assert until is not None, "Free cannot lapse"
            state = _without_downgrade(state, family)
            del plans[family]
            ended[plan.product] = Ended(until)
    lapsed = replace(
        state,
        anchor=event.account_anchor,
        plans=plans,
        ended=ended,
        payment=None,
        open_invoice=None if event.written_off else state.open_invoice,
    )
    return _end_addons(lapsed, [product for product in event.items if product in state.addons])


def _account_closed(state: Account, event: e.AccountClosed) -> Account:
    ended = dict(state.ended)
    windows = state.windows
    for plan in state.plans.values():
        ended[plan.product] = Ended(event.at if plan.paused_at is None else plan.paused_at)
        windows = closed(windows, plan.product, event.at)
    for product, addon in state.addons.items():
        ended[product] = Ended(event.at, metered=addon.blocks is not None)
        windows = closed(windows, product, event.at)
    for pack in state.packs:
        ended[pack.product] = Ended(event.at, metered=True)
        windows = closed(windows, pack.product, event.at)
    return replace(
        state, anchor=None, plans={}, addons={}, packs=(), ended=ended, windows=windows, closed=True
    )


def _charged(state: Account) -> Account:
    """An invoice was issued and paid: its number is taken, its payment answered."""
    return replace(state, next_invoice=state.next_invoice + 1, payment=None)


def _pending(version: int, event: e.PaymentStarted) -> PendingPayment:
    command = event.command
    return PendingPayment(
        version,
        event.purpose,
        event.at,
        event.amount,
        event.if_paid,
        event.invoice_number,
        event.items,
        None if command is None else command.id,
        None if command is None else command.role,
        None if command is None else command.fingerprint,
    )


def _replaced(state: Account, product: str | None, at: Instant) -> tuple[Windows, dict[str, Ended]]:
    """Windows and ended products once another plan has taken this one's place."""
    if product is None:
        return state.windows, state.ended
    return closed(state.windows, product, at), {**state.ended, product: Ended(at)}


def _without(mapping: dict[str, _Value], key: str) -> dict[str, _Value]:
    return {k: v for k, v in mapping.items() if k != key} if key in mapping else mapping
