"""The billing run: what fell due by itself is settled, account by account.

    report = BillingRun(service, ProjectedCalendar(database_url), clock).run_due("wall", clock.now())

The calendar says which accounts to look at; what is due in them is decided from the log, so a calendar that
lags makes a run late and never wrong, and runs that overlap only waste work: of two that settle the same
date one append wins (R25).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec
from msgspec.structs import replace

from domain.calendar import Instant
from domain.errors import InvalidInput
from domain.events import Clock as ClockName
from domain.tax import TaxUnavailable
from eventlog.errors import LogUnavailable, WrongDatabase
from projections import MIGRATIONS
from projections.models import calendar
from projections.models.calendar import Due
from service.blocking import BlockingService
from service.clock import Clock
from service.errors import ClockAhead, PaymentUnanswered
from service.schema import connect

PAGE = 500
"""Accounts read from the calendar at once."""

_logger = logging.getLogger(__name__)


class Calendar(Protocol):
    """Which accounts have something due."""

    def due(self, clock: ClockName, until: Instant, limit: int, after: Due | None) -> list[Due]:
        """Up to `limit` accounts with a pending payment or due at the instant, after the last one of the
        page before."""
        ...


class ProjectedCalendar:
    """The calendar that the projector keeps."""

    def __init__(self, database_url: str, *, patience: float = 10.0) -> None:
        self._connections = connect(
            database_url, "prorata calendar", limit=1, patience=patience, source=MIGRATIONS
        )

    def close(self) -> None:
        """Close the connection."""
        self._connections.close()

    def due(self, clock: ClockName, until: Instant, limit: int, after: Due | None) -> list[Due]:
        return self._connections.run(lambda connection: calendar.due(connection, clock, until, limit, after))


class Failed(msgspec.Struct, frozen=True):
    """An account that could not be settled."""

    account_id: str
    reason: str


class RunReport(msgspec.Struct, frozen=True):
    """What a run did: accounts looked at, events recorded, accounts whose payment or refund has no answer yet
    and that a later run settles, those whose taxes cannot be decided now (R71), and those that failed."""

    accounts: int = 0
    events: int = 0
    waiting: tuple[str, ...] = ()
    untaxed: tuple[str, ...] = ()
    failed: tuple[Failed, ...] = ()


Progress = Callable[[RunReport], None]
"""Told after each account, with the report so far."""


class BillingRun:
    """Settles what is due. `workers`: accounts at once, since most of the time is waiting for commits."""

    def __init__(
        self, service: BlockingService, calendar: Calendar, clock: Clock, *, workers: int = 4
    ) -> None:
        self._service = service
        self._calendar = calendar
        self._clock = clock
        self._workers = workers

    def run_due(self, lives_on: ClockName, until: Instant, progress: Progress | None = None) -> RunReport:
        """Settle every account of the clock up to the instant, its boundaries included. One that fails is
        reported, and the others go on.

        Raises InvalidInput `until_in_future` on the wall clock, `test_clocks_refused`,
        `test_gateway_refused`, and LogUnavailable, WrongDatabase or ClockAhead where no account could go on.
        """
        self._service.check_clock(lives_on)
        if lives_on == "wall" and until > self._clock.now():
            message = (
                f"{until.isoformat()} lies in the future: on the wall clock nothing is billed before its time"
            )
            raise InvalidInput("until_in_future", "$.until", message)
        report = RunReport()
        with ThreadPoolExecutor(self._workers, "billing") as pool:
            try:
                for account_id, outcome in self._outcomes(pool, lives_on, until):
                    report = _with(report, account_id, outcome)
                    if progress is not None:
                        progress(report)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return report

    def _outcomes(
        self, pool: ThreadPoolExecutor, lives_on: ClockName, until: Instant
    ) -> Iterator[tuple[str, int | Exception]]:
        page = self._calendar.due(lives_on, until, PAGE, None)
        while page:
            accounts = [due.account for due in page]
            yield from zip(
                accounts, pool.map(lambda account: self._settle(account, until), accounts), strict=True
            )
            page = self._calendar.due(lives_on, until, PAGE, page[-1])

    def _settle(self, account_id: str, until: Instant) -> int | Exception:
        """The number of events recorded, or why not."""
        try:
            recorded = self._service.settle(account_id, until)
        except (LogUnavailable, WrongDatabase, ClockAhead):
            raise
        except (PaymentUnanswered, TaxUnavailable) as error:
            return error
        except Exception as error:
            _logger.exception("account %s could not be settled", account_id, extra={"account": account_id})
            return error
        _logger.info("account settled", extra={"account": account_id, "events": recorded})
        return recorded


def _with(report: RunReport, account_id: str, outcome: int | Exception) -> RunReport:
    accounts = report.accounts + 1
    if isinstance(outcome, int):
        return replace(report, accounts=accounts, events=report.events + outcome)
    if isinstance(outcome, PaymentUnanswered):
        return replace(report, accounts=accounts, waiting=(*report.waiting, account_id))
    if isinstance(outcome, TaxUnavailable):
        return replace(report, accounts=accounts, untaxed=(*report.untaxed, account_id))
    failure = Failed(account_id, f"{type(outcome).__name__}: {outcome}")
    return replace(report, accounts=accounts, failed=(*report.failed, failure))
