"""A walk over the whole log that checks every account's hash chain: what `prorata verify` runs.

    report = verify_database(database_url, workers=2)
    report.events, report.problems          # 1204332, []

`verify` and `problems` do the same through the port, for any log, an event at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from typing import Final, Self
from uuid import UUID

from eventlog.audit import raw_rows
from eventlog.audit.diagnosis import never_handed_out
from eventlog.audit.raw_rows import WalkPart
from eventlog.audit.walking import MOST_PROBLEMS, Highest, Walked, walk
from eventlog.chain import Problem, verify_account
from eventlog.errors import LogUnavailable, SequenceBehind
from eventlog.garbage_collection import without_garbage_collection
from eventlog.port import EventLog
from eventlog.postgres.guards import missing_guards
from eventlog.postgres.log import PostgresEventLog
from eventlog.records import StoredEvent

Progress = Callable[[int, int], None]
"""Called now and then with the events walked so far and an estimate of all of them."""

_PAGE = 1_000
_PART_EVENTS: Final = 50_000
_MOST_PARTS: Final = 4_096
_HANDED_OUT: Final = "select coalesce(pg_sequence_last_value('public.events_position'), 0)"


def verify(log: EventLog) -> Problem | None:
    """The first problem in the log, account after account; None if every history is whole."""
    return next(problems(log), None)


def problems(log: EventLog) -> Iterator[Problem]:
    """The first problem of each account that has one. Holds one page of events, whatever the log's length."""
    for account_id in log.accounts():
        problem = verify_account(log.log_id, _history(log, account_id))
        if problem:
            yield problem


@dataclass
class VerifyReport:
    """What a walk over a log in PostgreSQL found."""

    log_id: UUID
    events: int = 0
    accounts: int = 0
    problems: list[Problem] = field(default_factory=list)
    """The first problem of each account that has one, ordered by account; at most MOST_PROBLEMS."""
    more_problems: int = 0
    """The number of further accounts with a problem, which `problems` leaves out."""
    unguarded: list[str] = field(default_factory=list)
    """A sentence for each trigger or index that should protect the table and is missing."""

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return not (self.problems or self.more_problems or self.unguarded)


def verify_database(
    database_url: str,
    *,
    workers: int = 1,
    accounts: Sequence[str] | None = None,
    until: int = 0,
    progress: Progress | None = None,
    each: Callable[[Walked], None] | None = None,
) -> VerifyReport:
    """Walk the whole log, or some accounts, in so many processes, each with a connection of its own.

    `each` is given every part in the order of the accounts, with leaves up to the position `until`. Memory
    does not grow with the log. Raises LogUnavailable, WrongDatabase and psycopg's errors.
    """
    with closing(PostgresEventLog(database_url, connections=1)) as log, log.connect() as connection:
        report = VerifyReport(log.log_id, unguarded=missing_guards(connection))
        expected = raw_rows.estimate(connection)
        parts = [WalkPart.only(account) for account in accounts or ()]
        if accounts is None:
            parts = raw_rows.parts(connection, min(max(expected // _PART_EVENTS, 1), _MOST_PARTS))
        highest: Highest = (0, "", 0)
        for walked in _walked(database_url, parts, until, min(workers, len(parts))):
            _take_in(report, walked)
            highest = max(highest, walked.highest)
            if each is not None:
                each(walked)
            if progress is not None:
                progress(report.events, max(expected, report.events))
        [[handed_out]] = connection.execute(_HANDED_OUT).fetchall()
        if highest[0] > handed_out:
            _take_in_first(report, never_handed_out(*highest))
            report.unguarded.append(str(SequenceBehind(handed_out, highest[0])))
    return report


def _take_in_first(report: VerifyReport, problem: Problem) -> None:
    """Report this problem instead of one found later in the same account."""
    others = [other for other in report.problems if other.account_id != problem.account_id]
    report.problems = sorted([*others, problem], key=lambda other: other.account_id.encode())


def _take_in(report: VerifyReport, walked: Walked) -> None:
    report.events += walked.events
    report.accounts += walked.accounts
    told = MOST_PROBLEMS - len(report.problems)
    report.problems += walked.problems[:told]
    report.more_problems += walked.more_problems + len(walked.problems[told:])


def _walked(database_url: str, parts: Sequence[WalkPart], until: int, workers: int) -> Iterator[Walked]:
    """Yield what the walk saw of each part, in the order of the parts."""
    if workers < 2:
        with _Walker(database_url) as walker:
            for part in parts:
                yield walker.walk(part, until)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            yield from _in_order(pool, database_url, parts, until, ahead=4 * workers)
        except BrokenProcessPool as error:
            raise LogUnavailable("a process that walked it was killed") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, database_url: str, parts: Sequence[WalkPart], until: int, *, ahead: int
) -> Iterator[Walked]:
    """Yield results in order; at most `ahead` parts are under way or wait for their turn."""
    under_way: deque[Future[Walked]] = deque()
    for part in parts:
        under_way.append(pool.submit(_walk_in_worker, database_url, part, until))
        if len(under_way) == ahead:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


class _Walker:
    """A worker's connection, on which it streams the rows of its parts."""

    def __init__(self, database_url: str) -> None:
        with closing(PostgresEventLog(database_url, connections=1)) as log:
            self._log_id = log.log_id
            self._connection = log.connect(raw_rows.SETTINGS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def walk(self, part: WalkPart, until: int) -> Walked:
        with without_garbage_collection():
            return walk(raw_rows.rows(self._connection, self._log_id, part), self._log_id, until=until)


_walker_at = lru_cache(_Walker)
"""The walker of a worker process: made for its first part, and gone when the process ends."""


def _walk_in_worker(database_url: str, part: WalkPart, until: int) -> Walked:
    return _walker_at(database_url).walk(part, until)


def _history(log: EventLog, account_id: str) -> Iterator[StoredEvent]:
    version = 0
    while page := log.read_account(account_id, after_version=version, limit=_PAGE):
        yield from page
        version = page[-1].version
