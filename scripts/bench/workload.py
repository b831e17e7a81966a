"""Events to measure with: histories made by the domain, copied to as many account ids as wanted.

for batch in batches(100_000):                  # in order of time, with accounts interleaved
    for account_id, events in batch: ...
for append in appends(100_000):                 # account after account, each with its whole history
    log.append_many([append])
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from domain import commands as c
from domain.catalog import Catalogues, parse_catalog
from domain.events import Event
from eventlog import Append, Head, NewEvent
from eventlog.codec import domain_codec
from prorata.simulation.run import Method, VirtualAccount

STORIES: Final = 200
"""The number of different histories, which the accounts repeat."""

COHORT: Final = 10_000
"""The number of accounts whose histories are interleaved in the log; the next cohort begins where they
end."""

BATCH: Final = 1_000
"""Events in a batch."""

Batch: TypeAlias = list[tuple[str, tuple[NewEvent, ...]]]
"""The next events of different accounts."""

_BEGIN = datetime(2022, 1, 10, 9, 0, tzinfo=UTC)
_LONGEST = 30
"""The most commands after the first purchase; they are 20 to 60 days apart, so a history has up to four
years."""

_COMMANDS: tuple[c.Command, ...] = (
    c.PurchaseAddon("custom_domain"),
    c.PurchaseAddon("surveys"),
    c.PurchaseAddon("inbox_preview"),
    c.RemoveAddon("custom_domain"),
    c.RemoveAddon("surveys"),
    c.Undo("surveys"),
    c.ChangePlan("standard", "2500"),
    c.ChangePlan("standard", "10000"),
    c.ChangePlan("premium"),
    c.ChangePlan("essentials"),
    c.PausePlan("marketing"),
    c.ResumePlan("marketing"),
    c.ResumePlan("marketing"),
    c.PurchasePlan("websites_core"),
    c.ChangePlan("websites_plus"),
    c.StartTransactional(2),
    c.TopUpTransactional(1),
    c.ChangeTransactional(3),
    c.BuyCredits("credits_5000"),
    c.CancelPlan("marketing"),
    c.Undo("standard"),
    c.PayBalance(),
    c.PurchasePlan("standard"),
)


@lru_cache
def stories(seed: int = 1) -> tuple[tuple[NewEvent, ...], ...]:
    """Histories of one month to four years: purchases, changes, pauses, renewals, declined ones too. The
    event ids are zero: each account gets its own."""
    return tuple(_story(random.Random(f"{seed}/{nth}")) for nth in range(STORIES))


def appends(events: int, seed: int = 1, tenant: str = "bench") -> Iterator[Append]:
    """Yield whole histories of new accounts, until there are at least `events` events."""
    made, nth, rnd = 0, 0, random.Random(f"{seed}/{tenant}")
    while made < events:
        history = _stamped(stories(seed)[nth % STORIES], rnd)
        yield Append(_account(tenant, nth), Head.NONE, history)
        made += len(history)
        nth += 1


def batches(
    events: int, seed: int = 1, tenant: str = "bench", *, part: int = 0, parts: int = 1
) -> Iterator[Batch]:
    """Yield exactly `events` events in batches, each cohort's in order of time; only the last account's
    history may be cut. With `parts`, only the cohorts of the nth part."""
    for nth, (first, accounts, size) in enumerate(_cohorts(events, seed)):
        if nth % parts == part:
            yield from _cohort(first, accounts, size, seed, tenant)


def bytes_per_event(seed: int = 1) -> float:
    """The average size of an event's stored bytes."""
    sizes = [len(event.state) for story in stories(seed) for event in story]
    return round(sum(sizes) / len(sizes), 1)


def _cohorts(events: int, seed: int) -> Iterator[tuple[int, int, int]]:
    """Each cohort's first account, number of accounts, and number of events."""
    lengths = [len(story) for story in stories(seed)]
    nth = 0
    while events > 0:
        first, size = nth, 0
        while size < events and nth < first + COHORT:
            size += lengths[nth % STORIES]
            nth += 1
        yield first, nth - first, min(size, events)
        events -= size


def _cohort(first: int, accounts: int, size: int, seed: int, tenant: str) -> Iterator[Batch]:
    rnd = random.Random(f"{seed}/{tenant}/{first}")
    planned: list[tuple[datetime, int, NewEvent]] = []
    for nth in range(first, first + accounts):
        story = stories(seed)[nth % STORIES][: size - len(planned)]
        planned += [(event.effective_at, nth, event) for event in story]
    planned.sort(key=itemgetter(0, 1))  # stable: an account's events keep their order
    for begin in range(0, len(planned), BATCH):
        of_batch = sorted(planned[begin : begin + BATCH], key=itemgetter(1))
        yield [
            (_account(tenant, nth), _stamped([event for _, _, event in group], rnd))
            for nth, group in groupby(of_batch, key=itemgetter(1))
        ]


def _account(tenant: str, nth: int) -> str:
    return f"{tenant}/{nth:09}"


def _stamped(events: tuple[NewEvent, ...] | list[NewEvent], rnd: random.Random) -> tuple[NewEvent, ...]:
    return tuple([replace(event, event_id=UUID(int=rnd.getrandbits(128))) for event in events])


def _story(rnd: random.Random) -> tuple[NewEvent, ...]:
    at = _BEGIN + timedelta(days=rnd.randint(0, 300), minutes=rnd.randint(0, 900))
    account = VirtualAccount("EUR", "Europe/Paris", _catalogues(), at)
    _give(account, c.PurchasePlan(rnd.choice(("standard", "standard", "essentials"))), at, 0)
    for nth in range(1, rnd.randint(1, _LONGEST) + 1):
        at += timedelta(days=rnd.randint(20, 60), minutes=rnd.randint(0, 600))
        account.method = Method(rnd.random() > 0.06)
        account.settle(at)
        _give(account, rnd.choice(_COMMANDS), at, nth)
    codec = domain_codec()
    return tuple(_new(codec.encode(event), event) for event in account.history)


@lru_cache
def _catalogues() -> Catalogues:
    from service.catalogue_versions import EXAMPLE

    return Catalogues.always(parse_catalog(EXAMPLE.read_bytes()))


def _give(account: VirtualAccount, command: c.Command, at: datetime, nth: int) -> None:
    request = c.Request(command, at, "test", id=f"command-{nth:04}", cvv=True, billing=True)
    account.give(request)


def _new(encoded: tuple[str, int, bytes], event: Event) -> NewEvent:
    event_type, version, state = encoded
    command = None if event.command is None else event.command.id
    return NewEvent(UUID(int=0), command, event_type, version, event.at, None, state)
