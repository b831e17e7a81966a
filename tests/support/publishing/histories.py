"""Accounts' histories, made by the domain, to be appended to a log piece by piece.

history = history_of("acme/a-1", seed=7)          # the events of about a year append_next(log, "acme/a-1",
history, 3)          # the next three that the log does not hold
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from uuid import uuid4

from domain.commands import (
    BuyCredits,
    CancelPlan,
    ChangePlan,
    Command,
    CreditNote,
    GrantDiscount,
    LoseDispute,
    OpenDispute,
    PausePlan,
    PayBalance,
    PayOut,
    PurchaseAddon,
    PurchasePlan,
    Reissue,
    RemoveAddon,
    ResumePlan,
    SetTaxProfile,
    Undo,
    WinDispute,
)
from domain.events import Clock
from eventlog import EventLog, NewEvent, StoredEvent
from eventlog.memory import MemoryEventLog
from tests.support.projections.fold_driver import TAXED, ZONE, Billing

_COMMANDS: tuple[Command, ...] = (
    PurchaseAddon("custom_domain"),
    PurchaseAddon("surveys"),
    BuyCredits("credits_5000"),
    RemoveAddon("custom_domain"),
    ChangePlan("premium"),
    PausePlan("marketing"),
    ResumePlan("marketing"),
    CancelPlan("marketing"),
    Undo("standard"),
)
_SECOND_PART: tuple[Command, ...] = (
    SetTaxProfile("FR", "consumer"),
    CreditNote(1, "goodwill", line=1, net="2.00", to="account"),
    CreditNote(2, "service_failure"),
    GrantDiscount(percent="15", duration=3),
    GrantDiscount(fixed="30.00", carried=True),
    OpenDispute(1),
    WinDispute(1),
    LoseDispute(2),
    Reissue(1),
    PayBalance(),
    PayOut(),
)


def history_of(
    account_id: str,
    seed: int,
    months: int = 6,
    *,
    clock: Clock = "test",
    time_zone: str = ZONE,
    corrected: bool = False,
) -> list[NewEvent]:
    """The events of an account that buys, changes, pauses and renews, not always paying. `corrected`: it also
    has taxes, discounts, credit notes and disputes."""
    rnd, log = random.Random(f"{seed}/{account_id}"), MemoryEventLog()
    billing = Billing(log)
    billing.open(account_id, "2026-01-05", clock=clock, time_zone=time_zone)
    billing.give(account_id, PurchasePlan("standard"), "2026-01-05T09:00")
    for month in range(1, months + 1):
        day = f"2026-{month:02}-{rnd.randint(7, 27):02}"
        command = rnd.choice(_COMMANDS)
        billing.settle(account_id, day, pay=rnd.choice(("paid", "paid", "paid", "declined")))
        billing.give(account_id, command, f"{day}T12:00")
        for hour in range(13, 16) if corrected else ():
            billing.catalogues = TAXED
            billing.give(account_id, rnd.choice(_SECOND_PART), f"{day}T{hour}:00")
    return [_new(stored) for stored in log.read_account(account_id)]


def append_next(
    log: EventLog, account_id: str, history: Sequence[NewEvent], count: int = 1
) -> list[StoredEvent]:
    """Append the next `count` events of the history to the account; none once it is complete."""
    head = log.head(account_id)
    events = history[head.version : head.version + count]
    return log.append(account_id, head, events) if events else []


def append_all(log: EventLog, histories: dict[str, list[NewEvent]], seed: int) -> None:
    """Append all of the histories, interleaved: each append has one to three events of a random account."""
    rnd, open_ones = random.Random(seed), sorted(histories)
    while open_ones:
        account_id = rnd.choice(open_ones)
        if not append_next(log, account_id, histories[account_id], rnd.randint(1, 3)):
            open_ones.remove(account_id)


def _new(stored: StoredEvent) -> NewEvent:
    return NewEvent(
        uuid4(),
        stored.command_id,
        stored.type,
        stored.schema_version,
        stored.effective_at,
        stored.actor,
        stored.state,
    )
