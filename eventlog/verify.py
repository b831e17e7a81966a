"""A walk over the whole log that checks every account's hash chain: what `prorata verify` runs."""

from collections.abc import Iterator

from eventlog.chain import Problem, verify_account
from eventlog.port import EventLog
from eventlog.records import StoredEvent

_PAGE = 1_000


def verify(log: EventLog) -> Problem | None:
    """The first problem in the log, account after account; None if every history is whole."""
    return next(problems(log), None)


def problems(log: EventLog) -> Iterator[Problem]:
    """The first problem of each account that has one. Holds one page of events, whatever the log's length."""
    for account_id in log.accounts():
        problem = verify_account(log.log_id, _history(log, account_id))
        if problem:
            yield problem


def _history(log: EventLog, account_id: str) -> Iterator[StoredEvent]:
    version = 0
    while page := log.read_account(account_id, after_version=version, limit=_PAGE):
        yield from page
        version = page[-1].version
