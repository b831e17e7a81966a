"""`evolve`: what each event makes of the state. No rule is decided here: the events carry the facts.

States never change. While events are applied there is a draft, which nobody else sees.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, get_args

from msgspec.structs import astuple

from domain import events as e
from domain.evolve_access import access_end, ended
from domain.evolve_addons import CHANGES as OF_ADDONS
from domain.evolve_import import take_over
from domain.evolve_plans import CHANGES as OF_PLANS
from domain.evolve_records import Changes, change_standing
from domain.evolve_renewals import CHANGES as OF_RENEWALS
from domain.evolve_second_part import apply_second_part, void_carried
from domain.state import REMEMBERED_COMMANDS, Account, Draft, OwnVersion, PendingPayment, RecordedCommand
from domain.windows import close_window


def evolve(state: Account | None, event: e.Event) -> Account:
    """The state after the event. None is the state of an account that was never opened; only
    an `Opening` follows it."""
    draft = _opened(event) if state is None else Draft(*astuple(state))
    if type(event) is not e.InvoicePaid or event.restored:  # else what is held stays as it is
        _take_copies(draft)
    _apply(draft, event)
    return Account(*astuple(draft))


def evolve_all(state: Account | None, events: Iterable[e.Event]) -> Account | None:
    """The state after all the events, as `evolve` makes it of one after another, but faster."""
    draft: Draft | None = None
    for event in events:
        if draft is None:
            draft = _opened(event) if state is None else Draft(*astuple(state))
            _take_copies(draft)
        _apply(draft, event)
    return state if draft is None else Account(*astuple(draft))


def _opened(first: e.Event) -> Draft:
    if isinstance(first, e.Opening):
        return Draft(0, first.currency, first.time_zone, first.clock, first.catalog, first.at)
    raise ValueError(f"no account's history begins with {e.type_name(first)}")


def _take_copies(draft: Draft) -> None:
    """Give the draft dictionaries of its own of what is held, was held and can be used."""
    draft.plans = draft.plans.copy()
    draft.addons = draft.addons.copy()
    draft.ended = draft.ended.copy()
    draft.windows = draft.windows.copy()


def _apply(draft: Draft, event: e.Event) -> None:
    draft.version += 1
    if event.at > draft.last_at:
        draft.last_at = event.at
    CHANGES[type(event)](draft, event)
    command = event.command
    if command is not None and command.id is not None:
        _remember(draft, command, event)


def _remember(draft: Draft, command: e.CommandRef, event: e.Event) -> None:
    """Keep the key of a command that recorded an event; a cancelled payment frees it again (section 10)."""
    assert command.id is not None
    assert command.fingerprint is not None
    if isinstance(event, e.PaymentCancelled):
        draft.commands = {key: kept for key, kept in draft.commands.items() if key != command.id}
    elif command.id not in draft.commands:
        draft.commands = {**draft.commands, command.id: RecordedCommand(draft.version, command.fingerprint)}
        if len(draft.commands) > REMEMBERED_COMMANDS:
            del draft.commands[next(iter(draft.commands))]
            draft.forgotten_commands = True


def _nothing(draft: Draft, event: e.AccountOpened) -> None:
    """The draft was made of it."""


def _payment_started(draft: Draft, event: e.PaymentStarted) -> None:
    draft.payment = _pending(draft.version, event)


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


def _payment_declined(draft: Draft, event: e.PaymentDeclined) -> None:
    draft.payment = None
    draft.declines = (*draft.declines[-4:], event.at)
    if event.final:
        change_standing(draft, method_refused=True)


def _payment_cancelled(draft: Draft, _: e.PaymentCancelled) -> None:
    draft.payment = None


def _account_closed(draft: Draft, event: e.AccountClosed) -> None:
    for plan in draft.plans.values():
        until = access_end(draft, plan.paused_at, event.at)
        ended(draft, plan.product, until)
        close_window(draft.windows, plan.product, event.at)
    for product, addon in draft.addons.items():
        ended(draft, product, event.at, metered=addon.blocks is not None)
        close_window(draft.windows, product, event.at)
    for pack in draft.packs:
        ended(draft, pack.product, event.at, metered=True)
        close_window(draft.windows, pack.product, event.at)
    draft.anchor, draft.plans, draft.addons, draft.packs, draft.closed = None, {}, {}, (), True
    void_carried(draft)


def _price_overridden(draft: Draft, event: e.PriceOverridden) -> None:
    key = event.product if event.tier is None else f"{event.product}/{event.tier}"
    draft.price_overrides = {**draft.price_overrides, key: event.price}


def _catalog_changed(draft: Draft, event: e.CatalogChanged) -> None:
    """A later version is in force; the account's own prices are in it, or in the one before."""
    digests = [event.catalog] if event.repriced is None else [event.repriced, event.catalog]
    later = [OwnVersion(event.at, digest) for digest in digests]
    draft.own_versions = (*draft.own_versions, *later)
    draft.price_overrides = {}


CHANGES: Final[Changes] = {
    **OF_PLANS,
    **OF_ADDONS,
    **OF_RENEWALS,
    e.PaymentStarted: _payment_started,
    e.PaymentDeclined: _payment_declined,
    e.PaymentCancelled: _payment_cancelled,
    e.AccountClosed: _account_closed,
    e.PriceOverridden: _price_overridden,
    e.CatalogChanged: _catalog_changed,
    e.AccountOpened: _nothing,
    e.AccountImported: take_over,
    **dict.fromkeys(get_args(e.SecondPart), apply_second_part),
}
"""What each event changes."""
