"""`evolve`: what each event makes of the state. No rule is decided here: the events carry the facts.

States never change. While events are applied there is a draft, which nobody else sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, TypeVar, get_args

from msgspec import UNSET
from msgspec.structs import astuple, replace

from domain import events as e
from domain.calendar import Instant, date_of
from domain.evolve_records import (
    access_end,
    apply_second_part,
    change_standing,
    credit_spent,
    keep_record,
    last_use,
    lines_credited,
    restore,
    settled,
    suspend,
    void_carried,
)
from domain.state import (
    REMEMBERED_COMMANDS,
    Account,
    AddonItem,
    Draft,
    Ended,
    InvoiceRecord,
    OwnVersion,
    Pack,
    PendingDowngrade,
    PendingPayment,
    PlanItem,
    RecordedCommand,
)
from domain.windows import close_window, open_window

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def evolve(state: Account | None, event: e.Event) -> Account:
    """The state after the event. None is the state of an account that was never opened; only
    `AccountOpened` follows it."""
    draft = _drafted(state, event)
    _apply(draft, event)
    return Account(*astuple(draft))


def evolve_all(state: Account | None, events: Iterable[e.Event]) -> Account | None:
    """The state after all the events, as `evolve` makes it of one after another, but faster."""
    draft: Draft | None = None
    for event in events:
        if draft is None:
            draft = _drafted(state, event)
        _apply(draft, event)
    return state if draft is None else Account(*astuple(draft))


def _drafted(state: Account | None, first: e.Event) -> Draft:
    if state is None:
        if not isinstance(first, e.AccountOpened):
            raise ValueError(f"an account's history begins with account_opened, not {e.type_name(first)}")
        return Draft(0, first.currency, first.time_zone, first.clock, first.catalog, first.at)
    draft = Draft(*astuple(state))
    draft.plans = draft.plans.copy()
    draft.addons = draft.addons.copy()
    draft.ended = draft.ended.copy()
    draft.windows = draft.windows.copy()
    return draft


def _apply(draft: Draft, event: e.Event) -> None:
    draft.version += 1
    if event.at > draft.last_at:
        draft.last_at = event.at
    _CHANGES[type(event)](draft, event)
    command = event.command
    if command is not None and command.id is not None:
        _remember(draft, command, event)


def _remember(draft: Draft, command: e.CommandRef, event: e.Event) -> None:
    """Keep the key of a command that recorded an event; a cancelled payment frees it again (section 10)."""
    assert command.id is not None
    assert command.fingerprint is not None
    if isinstance(event, e.PaymentCancelled):
        draft.commands = _without(draft.commands, command.id)
    elif command.id not in draft.commands:
        draft.commands = {**draft.commands, command.id: RecordedCommand(draft.version, command.fingerprint)}
        if len(draft.commands) > REMEMBERED_COMMANDS:
            del draft.commands[next(iter(draft.commands))]
            draft.forgotten_commands = True


# ---- plans ---------------------------------------------------------------


def _plan_purchased(draft: Draft, event: e.PlanPurchased) -> None:
    _charge(draft, event.invoice)
    _leave(draft, event.replaces, event.at)
    _start_plan(draft, event)


def _free_plan_started(draft: Draft, event: e.FreePlanStarted) -> None:
    _leave(draft, event.replaces, event.at)
    before = draft.plans.get(event.family)
    draft.free_used = draft.free_used or (before is not None and before.cycle is not None)
    draft.plans[event.family] = PlanItem(
        event.family, event.product, event.tier, Decimal(0), None, bought=draft.version
    )
    _use(draft, event.product, event.at, None)
    draft.anchor = event.account_anchor


def _plan_changed(draft: Draft, event: e.PlanChanged) -> None:
    _forget_downgrade(draft, event.family)
    lines = lines_credited(draft, draft.plans[event.family], event)
    if event.invoice is not None:
        _charge(draft, event.invoice)
    _leave(draft, event.from_product, event.at)
    _change_plan(draft, event.family, product=event.product, tier=event.tier, price=event.price, lines=lines)
    until = None if event.cycle is None else event.cycle.ends_at
    _use(draft, event.product, event.at, until)  # of another tier only: the same window


def _downgrade_scheduled(draft: Draft, event: e.DowngradeScheduled) -> None:
    _forget_downgrade(draft, event.family)
    downgrade = PendingDowngrade(event.to_product, event.to_tier, event.to_free)
    _change_plan(draft, event.family, downgrade=downgrade)
    draft.free_used = draft.free_used or event.to_free


def _plan_cancelled(draft: Draft, event: e.PlanCancelled) -> None:
    """A scheduled resume is set aside: it comes back only by what withdraws the cancellation (R36)."""
    _forget_downgrade(draft, event.family)
    aside = draft.plans[event.family].resume_on
    _change_plan(draft, event.family, cancelled=True, resume_on=None, resume_at=None, resume_set_aside=aside)


def _plan_cancellation_withdrawn(draft: Draft, event: e.PlanCancellationWithdrawn) -> None:
    _change_plan(
        draft,
        event.family,
        cancelled=False,
        resume_on=event.resume_on,
        resume_at=event.resume_at,
        resume_set_aside=None,
    )


def _plan_ended(draft: Draft, event: e.PlanEnded) -> None:
    _forget_downgrade(draft, event.family)
    item = draft.plans.pop(event.family)
    draft.anchor = event.account_anchor
    _ended(draft, item.product, access_end(draft, _plan_access_until(item), event.at))
    close_window(draft.windows, item.product, event.at)


def _plan_access_until(item: PlanItem) -> Instant | None:
    """When access to a plan that is held ends or ended (R44); Free has no end."""
    if item.paused_at is not None:
        return item.paused_at
    if item.unpaid_since is not None:
        return item.unpaid_since
    return None if item.cycle is None else item.cycle.ends_at


def _plan_paused(draft: Draft, event: e.PlanPaused) -> None:
    _change_plan(
        draft, event.family, paused_at=event.at, resume_on=event.resume_on, resume_at=event.resume_at
    )
    paused_on = date_of(event.at, draft.time_zone)
    pauses = (*draft.pauses.get(event.family, ())[-1:], paused_on)
    draft.pauses = {**draft.pauses, event.family: pauses}
    draft.anchor = event.account_anchor
    close_window(draft.windows, event.product, event.at)


def _plan_resumed(draft: Draft, event: e.PlanResumed) -> None:
    if event.invoice is not None:
        _charge(draft, event.invoice)
    _start_plan(draft, event)


def _start_plan(draft: Draft, event: e.PlanPurchased | e.PlanResumed) -> None:
    """A plan that is resumed keeps its place in the order of purchase, and in its paid cycle what charged
    it."""
    bought = draft.version
    lines: tuple[tuple[int, int], ...] = ()
    if isinstance(event, e.PlanResumed):
        before = draft.plans[event.family]
        bought = before.bought
        lines = before.lines if event.invoice is None else ()
    draft.plans[event.family] = PlanItem(
        event.family, event.product, event.tier, event.price, event.cycle, lines=lines, bought=bought
    )
    _use(draft, event.product, event.at, event.cycle.ends_at)
    draft.anchor = event.account_anchor


def _change_plan(draft: Draft, family: str, **changes: object) -> None:
    draft.plans[family] = replace(draft.plans[family], **changes)


def _forget_downgrade(draft: Draft, family: str) -> None:
    """A downgrade that is undone, replaced, or discarded (by any end) does not count as the move to Free
    (R22)."""
    downgrade = draft.plans[family].downgrade
    if downgrade is not None:
        draft.free_used = draft.free_used and not downgrade.to_free
        _change_plan(draft, family, downgrade=None)


# ---- add-ons and credits -------------------------------------------------


def _addon_purchased(draft: Draft, event: e.AddonPurchased) -> None:
    _charge(draft, event.invoice)
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
    _use(draft, event.product, event.at, event.cycle.ends_at)


def _change_addon(draft: Draft, product: str, **changes: object) -> None:
    draft.addons[product] = replace(draft.addons[product], **changes)


def _end_addon(draft: Draft, product: str, at: Instant) -> None:
    item = draft.addons.pop(product)
    until = access_end(draft, item.unpaid_since or item.cycle.ends_at, at)
    _ended(draft, product, until, metered=item.blocks is not None)
    close_window(draft.windows, product, at)


def _credits_purchased(draft: Draft, event: e.CreditsPurchased) -> None:
    _charge(draft, event.invoice)
    number = event.invoice.number
    pack = Pack(event.product, event.credits, event.expires_on, event.expires_at, invoice=number)
    draft.packs = (*draft.packs, pack)
    _use(draft, event.product, event.at, event.expires_at)


def _credits_expired(draft: Draft, event: e.CreditsExpired) -> None:
    until = last_use(draft, event.product, event.at)
    draft.packs = tuple(
        [p for p in draft.packs if not (p.product == event.product and p.expires_on == event.on)]
    )
    if all(p.product != event.product for p in draft.packs):
        _ended(draft, event.product, until, metered=True)


# ---- renewing and paying -------------------------------------------------


def _cycles_renewed(draft: Draft, event: e.CyclesRenewed) -> None:
    items: list[str] = []
    for renewal in event.renewals:
        product, cycle = renewal.product, renewal.cycle
        items.append(product)
        if renewal.family is not None:
            _renew_plan(draft, renewal, renewal.family)
        else:
            before = draft.addons[product]
            draft.addons[product] = AddonItem(
                product,
                renewal.price,
                cycle,
                renewal.requires,
                before.removed,
                before.unpaid_since,
                renewal.blocks,
                renewal.blocks,
                before.e_mails_per_block,
                0,
                renewal.block_prices,
                before.bought,
            )
        open_window(draft.windows, product, cycle.starts_at, cycle.ends_at)
    invoice = event.invoice
    draft.next_invoice = invoice.number + 1
    draft.invoices = draft.invoices.and_one(invoice)
    if invoice.credit or draft.standing.discounts:
        credit_spent(draft, invoice)
    due = invoice.total if invoice.credit is UNSET else invoice.total - invoice.credit
    if due:
        record = InvoiceRecord(invoice.number, "open", due, event.at, due - due, tuple(items), untouched=True)
        draft.records = {**draft.records, invoice.number: record}
        draft.payment = PendingPayment(draft.version, "renewal", event.at, due, None, invoice.number)


def _renew_plan(draft: Draft, renewal: e.Renewal, family: str) -> None:
    assert renewal.tier is not None
    assert renewal.price is not None
    bought = draft.plans[family].bought
    draft.plans[family] = PlanItem(
        family, renewal.product, renewal.tier, renewal.price, renewal.cycle, bought=bought
    )
    if renewal.replaces is not None:
        draft.ended.pop(renewal.product, None)
        _ended(draft, renewal.replaces, renewal.cycle.starts_at)


def _invoice_paid(draft: Draft, event: e.InvoicePaid) -> None:
    draft.payment = None
    number = event.number
    record = draft.records[number]
    if record.untouched and event.amount == record.due:
        draft.records = {} if len(draft.records) == 1 else _without(draft.records, number)
    else:
        settled(draft, number, by_method=event.amount)
    if event.restored:
        restore(draft, event.restored, event.at, (number,))


def _renewal_declined(draft: Draft, event: e.RenewalDeclined) -> None:
    record = draft.records[event.number]
    suspend(draft, event.suspended, record.at)
    keep_record(
        draft,
        replace(
            record,
            declined=True,
            late=False,
            untouched=False,
            suspended=event.suspended,
            tries=event.tries or (),
            remind_before=event.remind_before if event.remind_before is not UNSET else None,
        ),
    )
    draft.payment = None
    if event.final:
        change_standing(draft, method_refused=True)


def _items_lapsed(draft: Draft, event: e.ItemsLapsed) -> None:
    for family, plan in list(draft.plans.items()):
        if plan.product in event.items:
            until = _plan_access_until(plan)
            assert until is not None, "Free cannot lapse"
            _forget_downgrade(draft, family)
            del draft.plans[family]
            _ended(draft, plan.product, access_end(draft, until, event.at))
            close_window(draft.windows, plan.product, event.at)
    for product in event.items:
        if product in draft.addons:
            _end_addon(draft, product, event.at)
    unpaid = [p for p in draft.packs if p.unpaid_since is not None and p.invoice == event.number]
    for pack in [p for p in unpaid if p.product in event.items]:
        until = last_use(draft, pack.product, event.at)
        draft.packs = tuple([kept for kept in draft.packs if kept is not pack])
        if all(kept.product != pack.product for kept in draft.packs):
            _ended(draft, pack.product, until, metered=True)
    draft.anchor = event.account_anchor
    draft.payment = None
    if event.written_off:
        record = draft.records[event.number]
        keep_record(draft, replace(record, status="uncollectible", declined=False))


def _account_closed(draft: Draft, event: e.AccountClosed) -> None:
    for plan in draft.plans.values():
        until = access_end(draft, plan.paused_at, event.at)
        _ended(draft, plan.product, until)
        close_window(draft.windows, plan.product, event.at)
    for product, addon in draft.addons.items():
        _ended(draft, product, event.at, metered=addon.blocks is not None)
        close_window(draft.windows, product, event.at)
    for pack in draft.packs:
        _ended(draft, pack.product, event.at, metered=True)
        close_window(draft.windows, pack.product, event.at)
    draft.anchor, draft.plans, draft.addons, draft.packs, draft.closed = None, {}, {}, (), True
    void_carried(draft)


def _catalog_changed(draft: Draft, event: e.CatalogChanged) -> None:
    """A later version is in force; the account's own prices are in it, or in the one before."""
    digests = [event.catalog] if event.repriced is None else [event.repriced, event.catalog]
    later = [OwnVersion(event.at, digest) for digest in digests]
    draft.own_versions = (*draft.own_versions, *later)
    draft.price_overrides = {}


def _charge(draft: Draft, invoice: e.Invoice) -> None:
    """An invoice was issued and paid: its number is taken, its payment answered."""
    draft.next_invoice += 1
    draft.invoices = draft.invoices.and_one(invoice)
    draft.payment = None
    if invoice.credit or draft.standing.discounts:
        credit_spent(draft, invoice)


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
        event.invoices or (),
        event.grant or None,
        event.notes or (),
    )


def _use(draft: Draft, product: str, start: Instant, until: Instant | None) -> None:
    """The product is held, and can be used from now on."""
    draft.ended.pop(product, None)
    open_window(draft.windows, product, start, until)


def _leave(draft: Draft, product: str | None, at: Instant) -> None:
    """Another plan takes this one's place, if there is one."""
    if product is not None:
        _ended(draft, product, at)
        close_window(draft.windows, product, at)


def _ended(draft: Draft, product: str, access_until: Instant, *, metered: bool = False) -> None:
    draft.ended[product] = Ended(access_until, metered)


def _without(mapping: dict[_Key, _Value], key: _Key) -> dict[_Key, _Value]:
    return {k: v for k, v in mapping.items() if k != key} if key in mapping else mapping


# ---- small changes -----------------------------------------------------------


def _nothing(draft: Draft, event: e.AccountOpened) -> None:
    """The draft was made of it."""


def _payment_started(draft: Draft, event: e.PaymentStarted) -> None:
    draft.payment = _pending(draft.version, event)


def _downgrade_withdrawn(draft: Draft, event: e.DowngradeWithdrawn) -> None:
    _forget_downgrade(draft, event.family)


def _resume_dropped(draft: Draft, event: e.ResumeDropped) -> None:
    draft.payment = None
    _change_plan(draft, event.family, resume_on=None, resume_at=None)
    if event.final:
        change_standing(draft, method_refused=True)


def _addon_removed(draft: Draft, event: e.AddonRemoved) -> None:
    _change_addon(draft, event.product, removed=True)


def _addon_removal_withdrawn(draft: Draft, event: e.AddonRemovalWithdrawn) -> None:
    _change_addon(draft, event.product, removed=False)


def _addon_ended(draft: Draft, event: e.AddonEnded) -> None:
    _end_addon(draft, event.product, event.at)


def _blocks_changed(draft: Draft, event: e.BlocksChanged) -> None:
    _change_addon(draft, event.product, next_blocks=event.blocks)


def _blocks_topped_up(draft: Draft, event: e.BlocksToppedUp) -> None:
    _change_addon(draft, event.product, topped_up=draft.addons[event.product].topped_up + event.e_mails)
    _charge(draft, event.invoice)


def _payment_declined(draft: Draft, event: e.PaymentDeclined) -> None:
    draft.payment = None
    draft.declines = (*draft.declines[-4:], event.at)
    if event.final:
        change_standing(draft, method_refused=True)


def _payment_cancelled(draft: Draft, _: e.PaymentCancelled) -> None:
    draft.payment = None


def _price_overridden(draft: Draft, event: e.PriceOverridden) -> None:
    key = event.product if event.tier is None else f"{event.product}/{event.tier}"
    draft.price_overrides = {**draft.price_overrides, key: event.price}


def _prerequisite_changed(draft: Draft, event: e.PrerequisiteChanged) -> None:
    _change_addon(draft, event.product, requires=event.requires)


_CHANGES: Final[dict[type[e.Event], Callable[[Draft, Any], None]]] = {
    e.AccountOpened: _nothing,
    e.PlanPurchased: _plan_purchased,
    e.FreePlanStarted: _free_plan_started,
    e.PlanChanged: _plan_changed,
    e.DowngradeScheduled: _downgrade_scheduled,
    e.DowngradeWithdrawn: _downgrade_withdrawn,
    e.PlanCancelled: _plan_cancelled,
    e.PlanCancellationWithdrawn: _plan_cancellation_withdrawn,
    e.PlanEnded: _plan_ended,
    e.PlanPaused: _plan_paused,
    e.PlanResumed: _plan_resumed,
    e.ResumeDropped: _resume_dropped,
    e.AddonPurchased: _addon_purchased,
    e.AddonRemoved: _addon_removed,
    e.AddonRemovalWithdrawn: _addon_removal_withdrawn,
    e.AddonEnded: _addon_ended,
    e.BlocksChanged: _blocks_changed,
    e.BlocksToppedUp: _blocks_topped_up,
    e.CreditsPurchased: _credits_purchased,
    e.CreditsExpired: _credits_expired,
    e.CyclesRenewed: _cycles_renewed,
    e.PaymentStarted: _payment_started,
    e.PaymentDeclined: _payment_declined,
    e.PaymentCancelled: _payment_cancelled,
    e.InvoicePaid: _invoice_paid,
    e.RenewalDeclined: _renewal_declined,
    e.ItemsLapsed: _items_lapsed,
    e.AccountClosed: _account_closed,
    e.PriceOverridden: _price_overridden,
    e.CatalogChanged: _catalog_changed,
    e.PrerequisiteChanged: _prerequisite_changed,
    **dict.fromkeys(get_args(e.SecondPart), apply_second_part),
}
"""What each event changes."""
