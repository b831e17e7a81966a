"""`prorata bill`: settles what fell due by itself, until it is stopped; with --once what is due now, and
ends."""

from __future__ import annotations

import sys
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter

from domain.calendar import Instant, parse_moment
from domain.errors import TRY_AGAIN, InvalidInput
from prorata.cli.account.present import Tenant
from prorata.cli.operate.workers import Health, Once
from prorata.cli.terminal.failures import complain
from prorata.settings import Settings

if TYPE_CHECKING:
    from projections.live.projector import Projector
    from prorata.processes.running import AnnouncedProcess
    from prorata.processes.stopping import StopSignal
    from prorata.wiring import Running
    from service.billing import RunReport

PAUSE: Final = 1.0
"""Seconds between two billing runs, and between two looks of its own projector at the log."""

SAY_EVERY: Final = 10.0
"""Seconds between two lines about how far a long run is."""

ClockName = Literal["wall", "test"]


def bill(
    *,
    until: Annotated[
        str | None, Parameter(help="Bill what is due up to this date (UTC) or instant; default: now.")
    ] = None,
    test_clock: Annotated[bool, Parameter(negative="", help="Bill the accounts on a test clock.")] = False,
    once: Once = False,
    account: Annotated[str | None, Parameter(help="Bill this account only, then end.")] = None,
    tenant: Tenant = "main",
    dry_run: Annotated[
        bool,
        Parameter(negative="", help="Bill nothing: say what would be billed, by product, beside last month."),
    ] = False,
    health: Health = None,
) -> int:
    """Settle what fell due by itself: renewals, tries, reminders, ends, scheduled resumes.

    Any number may run at once: they share the accounts out, and those of one that dies are taken over within
    seconds. Exit 0: all that was due is billed; 1: some account failed (`not_billed` on stderr), and the
    others were billed; 3: no account could go on, or with --account its payment has no answer yet.
    """
    from prorata.processes.running import at_work
    from prorata.wiring import running

    settings = Settings.of()
    given = None if until is None else parse_moment(until, "UTC", "--until")
    lives_on: ClockName = "test" if test_clock else "wall"
    if dry_run and account is not None:
        raise InvalidInput("usage", "--dry-run", "see `prorata show --forecast` for one account")
    name = "bill:test-clock" if test_clock else "bill"
    # A run up to a given instant does not announce itself: it does not bill what falls due later.
    ends = once or account is not None or dry_run
    with (
        at_work(settings, name, health, goes_on=not ends and given is None) as process,
        running(settings) as system,
    ):
        if account is not None:
            return _bill_one(system, lives_on, given or system.clock.now(), f"{tenant}/{account}")
        if dry_run:
            return _foresee(system, lives_on, given or system.clock.now())
        return _bill_all(settings, system, process, lives_on, given, once=once)


def _bill_all(
    settings: Settings,
    system: Running,
    process: AnnouncedProcess,
    lives_on: ClockName,
    given: Instant | None,
    *,
    once: bool,
) -> int:
    from projections.live.projector import Projector
    from projections.registry import projection_named

    billed, failed = _Billed(process), False
    with Projector(settings.database_url, system.log, [projection_named("calendar")]) as projector:
        calendar = _Calendar(projector, process.stop, beside=not once)
        try:
            while not process.stop.is_set():
                calendar.bring_up_to_date()
                report = system.billing.run_due(
                    lives_on, given or system.clock.now(), billed.progress, stopped=process.stop.is_set
                )
                billed.count(report)
                failed = failed or bool(report.failed)
                _say_billed(report, always=once)
                if once:
                    break
                process.stop.wait(PAUSE)
        finally:
            calendar.end()
    return 1 if failed else 0


class _Calendar:
    """Keeps the calendar up to date, since a projector may not be running: once before each run, or `beside`
    them, so that a long way to the log's end makes no account late."""

    def __init__(self, projector: Projector, stop: StopSignal, *, beside: bool) -> None:
        self._projector = projector
        self._stop = stop
        self._ended = Event()
        self._error: Exception | None = None
        self._thread = Thread(target=self._follow, name="calendar") if beside else None
        if self._thread is not None:
            self._thread.start()

    def bring_up_to_date(self) -> None:
        """Fold what there is, or raise what has stopped the thread that does."""
        if self._thread is None:
            self._projector.run_once(stop=self._stop)
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """End the thread, as the process's work has ended."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _follow(self) -> None:
        try:
            while not self._ended.wait(PAUSE):
                self._projector.run_once(stop=self._ended)
        except Exception as error:  # noqa: BLE001 - the process's own thread raises it
            self._error = error


class _Billed:
    """Counts the accounts that a process has billed, for its announcement and for who watches it."""

    def __init__(self, process: AnnouncedProcess) -> None:
        self._stop = process.stop
        self._before = self._now = 0
        self._said = 0.0
        process.doing = self.doing

    def progress(self, report: RunReport) -> None:
        """Note how far the run is, and that its loop turns; now and then say it."""
        self._stop.turn()
        self._now = report.accounts
        if report.seconds >= self._said + SAY_EVERY:
            self._said = report.seconds
            print(_how_far(report), file=sys.stderr, flush=True)

    def count(self, report: RunReport) -> None:
        """Add a finished run."""
        self._before, self._now, self._said = self._before + report.accounts, 0, 0.0

    def doing(self) -> str:
        return f"billed {self._before + self._now} accounts"


def _how_far(report: RunReport) -> str:
    """How far a run is, such as "120,000 of about 1,000,000 accounts, 9,800 a second, 90 s left"."""
    said = f"{report.accounts:,}"
    if report.expected > report.accounts:
        said += f" of about {report.expected:,}"
    said += f" accounts, {report.accounts / report.seconds:,.0f} a second"
    left = report.seconds_left
    return said if left is None else f"{said}, about {left:,.0f} s left"


def _bill_one(system: Running, lives_on: ClockName, until: Instant, account_id: str) -> int:
    """Bill one account, whatever the calendar says of it."""
    from domain.tax import TaxUnavailable
    from service.errors import PaymentUnanswered

    system.billing.check(lives_on, until)
    state = system.service.account(account_id)
    if state is None:
        raise InvalidInput("unknown_account", "--account", f"there is no account {account_id!r}")
    if state.clock != lives_on:
        reason = f"{account_id!r} lives on the {state.clock} clock"
        raise InvalidInput("wrong_clock", "--account", reason)
    try:
        events = system.service.settle(account_id, until)
    except PaymentUnanswered as error:
        complain(error.code, error.what)
        return TRY_AGAIN
    except TaxUnavailable:
        complain("tax_unavailable", f"{account_id} is billed later: its taxes cannot be decided now (R71)")
        return TRY_AGAIN
    print(f"{1 if events else 0} accounts billed, {events} events", flush=True)
    return 0


def _foresee(system: Running, lives_on: ClockName, until: Instant) -> int:
    """Print what a run would bill now."""
    from prorata.cli.operate.foreseen import print_foreseen

    foreseen = system.billing.foresee(lives_on, until)
    for account in foreseen.failed:
        complain("not_billed", f"{account.account_id} could not be billed: {account.reason}")
    for untaxed in foreseen.untaxed:
        complain("tax_unavailable", f"{untaxed} is billed later: its taxes cannot be decided now (R71)")
    print_foreseen(foreseen)
    return 1 if foreseen.failed else 0


def _say_billed(report: RunReport, *, always: bool) -> None:
    for account in report.failed:
        complain("not_billed", f"{account.account_id} could not be billed: {account.reason}")
    for untaxed in report.untaxed:
        complain("tax_unavailable", f"{untaxed} is billed later: its taxes cannot be decided now (R71)")
    if not report.accounts and not always:
        return
    waiting = f", {len(report.waiting)} wait for a payment's answer" if report.waiting else ""
    print(f"{report.accounts} accounts billed, {report.events} events{waiting}", flush=True)
    for sums in report.totals:
        said = f"{sums.currency}: {sums.invoices} invoices of {sums.issued}"
        said += f", {sums.payments} paid with {sums.paid}"
        if sums.declines:
            said += f", {sums.declines} declined with {sums.declined}"
        print(said, flush=True)
