"""Which accounts a run looks at: those that the calendar says are due, and those that changed since the
calendar was last brought up to date.

    finder.parts("wall", until)             # the parts of the accounts in which there are any
    for page in finder.due("wall", until, part=3): ...      # account ids

What is found may not be due, which its state tells; what the calendar does not know yet is found by the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

import msgspec

from domain.calendar import Instant
from domain.events import Clock
from eventlog.postgres.connections import Connections
from eventlog.shards import SHARDS
from projections.live.lanes import shards_of
from service.billing import kept
from service.billing.claims import PARTS

PAGE: Final = 500
"""Accounts found, loaded and appended to at once."""

MANY: Final = 5_000
"""Accounts from which on a run claims its parts one after the other."""


class Expected(msgspec.Struct, frozen=True):
    """How many accounts there are to look at, about, and in which parts."""

    accounts: int
    parts: frozenset[int]


class Finder(Protocol):
    """Where accounts are found."""

    def expected(self, clock: Clock, until: Instant) -> Expected:
        """About how many accounts are due up to the instant (inclusive), and in which parts."""
        ...

    def due(self, clock: Clock, until: Instant, part: int) -> Iterator[list[str]]:
        """Pages of accounts of the part that may have something due up to the instant: first those whose
        payment has no answer, then the longest due. Some may be on another clock, or not be due."""
        ...


_PART: Final = f"(hashtextextended(account_id, 0) & {PARTS - 1})"
"""The part of an account. What the hash is may change with the server: claims do not outlast it."""

_COUNT: Final = f"""
    select {_PART} as part, count(*) from projections.calendar
    where clock = %(clock)s and (pending_payment or due_at <= %(until)s) group by 1
"""  # noqa: S608 - constants are joined in, here and below

# Each reads its partial index (calendar_pending, calendar_due) in order.
_PENDING: Final = f"""
    select due_at, account_id from projections.calendar
    where clock = %(clock)s and pending_payment and (due_at, account_id) > (%(due_at)s, %(account_id)s)
        and {_PART} = %(part)s
    order by due_at, account_id limit %(limit)s
"""  # noqa: S608
_DUE: Final = f"""
    select due_at, account_id from projections.calendar
    where clock = %(clock)s and not pending_payment and due_at <= %(until)s
        and (due_at, account_id) > (%(due_at)s, %(account_id)s) and {_PART} = %(part)s
    order by due_at, account_id limit %(limit)s
"""  # noqa: S608

_PARTS_OF: Final = f"""
    select {_PART}, account_id from unnest(%(account_ids)s::text[]) as found (account_id)
"""  # noqa: S608
_CHECKPOINTS: Final = """
    select lane, position from projections.checkpoints where projection = 'calendar'
"""

# Accounts that changed after the calendar's checkpoints, but for those of which a billing run knows that
# nothing of them is due.
_CHANGED: Final = f"""
    with page as (
        select position, account_id, version, shard from public.events
        where position > %(after)s order by position limit %(limit)s
    )
    select (select max(position) from page), array(
        select distinct account_id from page
        where position > (%(checkpoints)s::bigint[])[shard + 1]
            and (%(part)s::bigint is null or {_PART} = %(part)s)
            and not exists (
                select from service.kept_states known
                where known.account_id = page.account_id and known.version >= page.version
                    and known.format = %(format)s and (known.due_at is null or known.due_at > %(until)s)
            )
    )
"""  # noqa: S608
_LAST_POSITION: Final = "select position from public.events order by position desc limit 1"
_EVENTS_AT_ONCE: Final = 10_000

_FEW: Final = 200_000
"""Events after the checkpoints up to which one look serves all parts."""


class CalendarFinder:
    """Finds accounts by the calendar that a projector keeps, and by the log from its checkpoints on. It
    serves one run after the other."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._checkpoints: list[int] = []
        self._end = 0
        self._changed: dict[int, list[str]] | None = None
        """The accounts of each part that changed since; None: they are looked for part by part."""

    def expected(self, clock: Clock, until: Instant) -> Expected:
        rows = self._rows(_COUNT, clock=clock, until=until)
        known = {int(part): int(count) for part, count in rows}
        self._checkpoints = self._checkpoint_of_shards()
        self._end = max((position for (position,) in self._rows(_LAST_POSITION)), default=0)
        behind = self._end - min(self._checkpoints)
        self._changed = self._by_part(until) if behind <= _FEW else None
        parts = range(PARTS) if self._changed is None else known.keys() | self._changed.keys()
        return Expected(sum(known.values()), frozenset(parts))

    def due(self, clock: Clock, until: Instant, part: int) -> Iterator[list[str]]:
        for statement in (_PENDING, _DUE):
            place: dict[str, object] = {"due_at": "-infinity", "account_id": ""}
            while True:
                page = self._rows(statement, clock=clock, until=until, part=part, limit=PAGE, **place)
                if page:
                    yield [account_id for _, account_id in page]
                    place = {"due_at": page[-1][0], "account_id": page[-1][1]}
                if len(page) < PAGE:
                    break
        if self._changed is not None:
            changed = self._changed.get(part, [])
            yield from (changed[begin : begin + PAGE] for begin in range(0, len(changed), PAGE))
        else:
            yield from self._changed_in(until, part)

    def _by_part(self, until: Instant) -> dict[int, list[str]]:
        found = [account_id for page in self._changed_in(until, None) for account_id in page]
        by_part: dict[int, list[str]] = {}
        for part, account_id in self._rows(_PARTS_OF, account_ids=found) if found else ():
            by_part.setdefault(int(part), []).append(account_id)
        return by_part

    def _changed_in(self, until: Instant, part: int | None) -> Iterator[list[str]]:
        """Accounts that the calendar does not know as they are now, each once."""
        after, found = min(self._checkpoints), set[str]()
        fixed = {"checkpoints": self._checkpoints, "part": part, "until": until, "format": kept.FORMAT()}
        while after < self._end:
            [[last, accounts]] = self._rows(_CHANGED, after=after, limit=_EVENTS_AT_ONCE, **fixed)
            new = [account_id for account_id in accounts if account_id not in found]
            found.update(new)
            for begin in range(0, len(new), PAGE):
                yield new[begin : begin + PAGE]
            after = self._end if last is None else int(last)

    def _checkpoint_of_shards(self) -> list[int]:
        """By shard, the position up to which the calendar is made."""
        reached = [0] * SHARDS
        for lane, position in self._rows(_CHECKPOINTS):
            for shard in shards_of(range(lane, lane + 1)):
                reached[shard] = position
        return reached

    def _rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        return kept.rows_read(self._connections, statement, values)
