"""Which run bills which accounts: leases on the 16 parts that all accounts are divided into.

    since = claims.began()
    held = claims.claim("wall", until, since, wanted={0, 1, 2}, most=1)
    claims.renew()                      # again and again, while the work goes on
    claims.release("wall", 0, until)    # all of it was billed up to that instant

A lease lasts five seconds from its last renewal by the server's clock, so what a dead or paused run held is
free again then. Lease rows were chosen before advisory locks and FOR UPDATE SKIP LOCKED: those belong to a
session, which a paused process or a lost network keeps for as long as it is not noticed; and locked rows of
the calendar would hold the projector back, and an open transaction vacuum. What a lease promises is only that
work is not done twice for nothing: that nobody is billed twice is the log's to promise.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID, uuid4

from domain.calendar import Instant
from domain.events import Clock
from eventlog.postgres.connections import Connections

PARTS: Final = 16
"""Parts of the accounts. A run claims one after the other, so runs finish within a sixteenth of each
other."""

LEASE: Final = 5.0
"""Seconds for which a claim is good without being renewed."""

RENEW_EVERY: Final = 1.0


class Claims(Protocol):
    """The leases of one run."""

    def began(self) -> datetime:
        """The present, by the clock of the leases."""
        ...

    def claim(
        self, clock: Clock, until: Instant, since: datetime, wanted: Collection[int], most: int
    ) -> list[int]:
        """Up to `most` of the wanted parts that nobody holds; from now on this run does. Those that are
        `done` are left out: the calendar may still say for a while that all of their accounts are due."""
        ...

    def done(self, clock: Clock, until: Instant, since: datetime) -> set[int]:
        """The parts that some run has billed up to that instant, and finished with later than `since`."""
        ...

    def renew(self) -> None:
        """Hold what is held for another five seconds."""
        ...

    def release(self, clock: Clock, parts: Collection[int], until: Instant | None) -> None:
        """Hold these parts no more. `until`: up to when they were billed; None: not all of them was."""
        ...


_NOW: Final = "select clock_timestamp()"
_CLAIM: Final = """
    update service.billing_parts claimed
    set holder = %(holder)s, expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
    from (
        select clock, part from service.billing_parts
        where clock = %(clock)s and part = any(%(wanted)s)
            and (holder is null or holder = %(holder)s or expires_at < clock_timestamp())
            and (done_until >= %(until)s and done_at > %(since)s) is not true
        order by (part + %(first)s) %% 16 limit %(most)s for update skip locked
    ) free
    where claimed.clock = free.clock and claimed.part = free.part
    returning claimed.part
"""
_DONE: Final = """
    select part from service.billing_parts
    where clock = %(clock)s and done_until >= %(until)s and done_at > %(since)s
"""
_RENEW: Final = """
    update service.billing_parts set expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
    where holder = %(holder)s
"""
_RELEASE: Final = """
    update service.billing_parts set holder = null, expires_at = null,
        done_until = coalesce(%(until)s, done_until),
        done_at = case when %(until)s::timestamptz is null then done_at else clock_timestamp() end
    where clock = %(clock)s and part = any(%(parts)s) and holder = %(holder)s
"""


class PostgresClaims:
    """Leases in the table service.billing_parts."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._holder: UUID = uuid4()

    def began(self) -> datetime:
        [[now]] = self._connections.run(lambda connection: connection.execute(_NOW).fetchall())
        assert isinstance(now, datetime)
        return now

    def claim(
        self, clock: Clock, until: Instant, since: datetime, wanted: Collection[int], most: int
    ) -> list[int]:
        values: dict[str, object] = {"clock": clock, "until": until, "since": since, "most": most}
        first = self._holder.int % PARTS
        return self._parts(
            _CLAIM, **values, wanted=list(wanted), lease=LEASE, holder=self._holder, first=first
        )

    def done(self, clock: Clock, until: Instant, since: datetime) -> set[int]:
        return set(self._parts(_DONE, clock=clock, until=until, since=since))

    def renew(self) -> None:
        self._execute(_RENEW, lease=LEASE, holder=self._holder)

    def release(self, clock: Clock, parts: Collection[int], until: Instant | None) -> None:
        self._execute(_RELEASE, clock=clock, parts=list(parts), until=until, holder=self._holder)

    def _parts(self, statement: str, **values: object) -> list[int]:
        rows = self._connections.run(lambda connection: connection.execute(statement, values).fetchall())
        return [part for (part,) in rows]

    def _execute(self, statement: str, **values: object) -> None:
        self._connections.run(lambda connection: connection.execute(statement, values))
