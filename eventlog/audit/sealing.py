"""Make a seal of a log in PostgreSQL, and compare the log with a seal made earlier.

    report, seal = make_seal(database_url, workers=2)
    comparison = compare(database_url, seal, workers=2)
    comparison.differences        # [] while the history up to the seal is the same

Both walk the log once, and check its chains on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from eventlog.appending import utc_now
from eventlog.audit.seal import Seal, Sealing, root_of
from eventlog.audit.verify import Progress, VerifyReport, verify_database
from eventlog.audit.walking import Leaf, Walked
from eventlog.errors import NotSettled, RowUnreadable
from eventlog.port import EventLog
from eventlog.postgres.log import PostgresEventLog
from eventlog.records import StoredEvent
from eventlog.shards import shard_of

_FENCE_PATIENCE: Final = 10.0
"""Seconds for which a seal waits for transactions that have written and are still open."""

DifferenceKind: TypeAlias = Literal[
    "foreign_log",
    "log_behind",
    "log_differs",
    "shard_differs",
    "account_removed",
    "account_inserted",
    "account_differs",
]


@dataclass(frozen=True)
class SealDifference:
    """Where the log is not what was sealed."""

    kind: DifferenceKind
    message: str
    shard: int | None = None
    account_id: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


@dataclass(frozen=True)
class Comparison:
    """What a walk found, and how the log differs from the seal; `later` events came after it."""

    report: VerifyReport
    differences: list[SealDifference]
    later: int

    @property
    def holds(self) -> bool:
        """Whether the chains are whole and the history up to the seal is the one that was sealed."""
        return self.report.whole and not self.differences


def make_seal(
    database_url: str,
    *,
    workers: int = 1,
    progress: Progress | None = None,
    each_leaf: Callable[[Leaf], object] | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> tuple[VerifyReport, Seal | None]:
    """Seal the log up to its settled end; no seal where the log is empty, or the walk found a problem.

    `each_leaf` is given the accounts in byte order. Raises NotSettled, LogUnavailable, WrongDatabase.
    """
    with closing(PostgresEventLog(database_url, connections=1, fence_patience=_FENCE_PATIENCE)) as log:
        end = _settled_end(log)
    until = end.position if end else 0
    sealing = Sealing()

    def take_in(walked: Walked) -> None:
        for leaf in walked.leaves:
            sealing.add(shard_of(leaf.account_id), leaf.events, leaf.leaf)
            if each_leaf is not None:
                each_leaf(leaf)

    report = verify_database(database_url, workers=workers, until=until, progress=progress, each=take_in)
    if end is None or not report.whole:
        return report, None
    shards = sealing.shards()
    seal = Seal(
        log_id=str(report.log_id),
        position=end.position,
        hash=end.hash.hex(),
        events=sum(shard.events for shard in shards),
        accounts=sum(shard.accounts for shard in shards),
        root=root_of(shards).hex(),
        shards=shards,
        made_at=clock().isoformat(timespec="seconds"),
    )
    return report, seal


def compare(
    database_url: str,
    seal: Seal,
    *,
    workers: int = 1,
    progress: Progress | None = None,
    leaves: Iterable[Leaf] | None = None,
) -> Comparison:
    """Hold the log against the seal. With the accounts that were sealed, `leaves` in byte order, also those
    that differ are named; without them only their shards are."""
    with closing(PostgresEventLog(database_url, connections=1)) as log:
        if str(log.log_id) != seal.log_id:
            message = f"the seal is of log {seal.log_id}, this database holds log {log.log_id}"
            return Comparison(VerifyReport(log.log_id), [SealDifference("foreign_log", message)], 0)
        found = _at_the_end(log, seal)
    sealing = Sealing()
    named: list[SealDifference] = []
    naming = None if leaves is None else _Naming(iter(leaves), named)

    def take_in(walked: Walked) -> None:
        for leaf in walked.leaves:
            sealing.add(shard_of(leaf.account_id), leaf.events, leaf.leaf)
            if naming is not None:
                naming.take_in(leaf)

    report = verify_database(
        database_url, workers=workers, until=seal.position, progress=progress, each=take_in
    )
    if naming is not None:
        naming.finish()
    shards = sealing.shards()
    found += [*_shards(seal, sealing), *named]
    return Comparison(report, found, report.events - sum(shard.events for shard in shards))


def _settled_end(log: EventLog) -> StoredEvent | None:
    """An event near the end of the log, below which nothing can appear any more; None: the log is empty."""
    while last := log.last_position():
        if page := log.read_settled(last - 1, 1):
            return page[0]
        if holder := log.fence_holder():
            raise NotSettled(str(holder))
    return None


def _at_the_end(log: EventLog, seal: Seal) -> list[SealDifference]:
    """A difference unless the log holds, at the seal's position, the event that it was sealed with."""
    try:
        event = log.at_position(seal.position)
        held = None if event is None else event.hash.hex()
    except RowUnreadable:
        held = ""
    last = log.last_position()
    if held == seal.hash:
        return []
    if last < seal.position:
        message = (
            f"the log ends at position {last}, before the seal's {seal.position}: its newest events "
            "were cut off, or it was restored from an older backup; restore one that reaches the "
            "seal, and let nothing be appended before"
        )
        return [SealDifference("log_behind", message)]
    found = "no event" if held is None else "another event"
    message = (
        f"{found} stands at the seal's position {seal.position}: the log was restored from an older "
        "backup and then written to, or events were replaced; restore a backup that the seal holds for"
    )
    return [SealDifference("log_differs", message)]


def _shards(seal: Seal, sealing: Sealing) -> Iterator[SealDifference]:
    for number, (sealed, now) in enumerate(zip(seal.shards, sealing.shards(), strict=True)):
        if now == sealed:
            continue
        counts = f"{sealed.accounts} accounts with {sealed.events} events were sealed"
        if (now.accounts, now.events) == (sealed.accounts, sealed.events):
            what = "as many stand there, but not the same"
        else:
            what = f"{now.accounts} with {now.events} stand there"
        yield SealDifference("shard_differs", f"shard {number}: {counts}, {what}", shard=number)


class _Naming:
    """Merges the accounts that were sealed with those of the log, both in byte order of their ids."""

    def __init__(self, sealed: Iterator[Leaf], differences: list[SealDifference]) -> None:
        self._sealed = sealed
        self._differences = differences
        self._next = next(sealed, None)

    def take_in(self, leaf: Leaf) -> None:
        """Compare the log's next account."""
        while self._next is not None and self._next.account_id.encode() < leaf.account_id.encode():
            self._removed(self._next)
        sealed = self._next
        if sealed is None or sealed.account_id != leaf.account_id:
            self._say("account_inserted", leaf, f"{leaf.events} events that were not sealed")
            return
        if sealed.leaf != leaf.leaf:
            self._say("account_differs", leaf, _change(sealed, leaf))
        self._next = next(self._sealed, None)

    def finish(self) -> None:
        """Report the sealed accounts that the log has not shown."""
        while self._next is not None:
            self._removed(self._next)

    def _removed(self, sealed: Leaf) -> None:
        self._say("account_removed", sealed, f"its {sealed.events} events are gone")
        self._next = next(self._sealed, None)

    def _say(self, kind: DifferenceKind, leaf: Leaf, message: str) -> None:
        about = f"account {leaf.account_id!r}: {message}"
        self._differences.append(SealDifference(kind, about, shard_of(leaf.account_id), leaf.account_id))


def _change(sealed: Leaf, now: Leaf) -> str:
    if now.events < sealed.events:
        return f"{sealed.events} events were sealed, {now.events} are left"
    if now.events > sealed.events:
        return f"{sealed.events} events were sealed, {now.events} stand there"
    if now.hash != sealed.hash:
        return f"its event {now.events}, the last that was sealed, is another one"
    return "its events stand at other positions"
