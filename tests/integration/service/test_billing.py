"""The billing run on PostgreSQL, by the calendar that the projector keeps."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG, migrate
from projections import MIGRATIONS
from projections.live.projector import Projector
from service.billing import BillingRun, ProjectedCalendar
from service.clock import CheckedClock, FixedClock
from service.errors import ClockAhead
from service.schema import SERVICE
from tests.support.service.world import NOW, World

UNTIL = NOW + timedelta(days=100)


@pytest.fixture
def service_url(database_url: str) -> str:
    migrate(database_url, [EVENTLOG, MIGRATIONS, SERVICE])
    return database_url


@pytest.fixture
def calendar(service_url: str) -> Iterator[ProjectedCalendar]:
    with closing(ProjectedCalendar(service_url)) as calendar:
        yield calendar


def test_what_the_calendar_says_is_due_is_settled_from_the_log(
    world: World, calendar: ProjectedCalendar, service_url: str
) -> None:
    for nth in range(5):
        world.open(f"a{nth}")
        world.say(do="purchase_plan", account=f"a{nth}", product="standard", at=f"2026-03-2{nth}")
    world.open("idle")
    run = BillingRun(world.service, calendar, world.clock)
    assert run.run_due("test", UNTIL).accounts == 0, "the projector has not run"

    with Projector(service_url, world.log) as projector:
        projector.run_once()
        report = run.run_due("test", UNTIL)
        again = run.run_due("test", UNTIL)
        projector.run_once()
        late = run.run_due("test", UNTIL)

    assert (report.accounts, report.events, report.failed) == (5, 30, ())
    assert (again.accounts, again.events) == (5, 0), "a calendar that lags only wastes work"
    assert late.accounts == 0


def test_a_payment_that_a_dead_process_left_open_is_found_by_the_calendar(
    world: World, calendar: ProjectedCalendar, service_url: str
) -> None:
    world.open("w", at=None)
    world.open("a1")
    session = world.twin(gateway=_Dying())
    with pytest.raises(_Died):
        session.say(do="buy_credits", account="a1", product="credits_5000", at="2026-03-20")
    run = BillingRun(world.service, calendar, world.clock)

    with Projector(service_url, world.log) as projector:
        projector.run_once()
    young = run.run_due("test", NOW)
    world.clock.advance(timedelta(seconds=31))
    old = run.run_due("test", NOW)

    assert young.waiting == ("main/a1",)
    assert (old.accounts, old.events, old.waiting) == (1, 1, ())
    assert world.happened()[-1] == "payment_cancelled"


def test_a_run_whose_clock_is_ahead_of_the_database_s_charges_nobody(
    world: World, calendar: ProjectedCalendar, service_url: str
) -> None:
    world.open("w", at=None)
    world.say_now(do="buy_credits", account="w", product="credits_5000")
    before = world.happened("w")
    with closing(PostgresEventLog(service_url)) as log:
        three_months = FixedClock(log.server_time() + timedelta(days=90))
        clock = CheckedClock(three_months, log.server_time, limit=timedelta(seconds=60))
        with Projector(service_url, log) as projector:
            projector.run_once()
        with pytest.raises(ClockAhead, match="set the clock of this machine"):
            BillingRun(world.service, calendar, clock).run_due("wall", three_months.now())
        with pytest.raises(ClockAhead):
            world.twin(clock=clock).say_now(do="buy_credits", account="w", product="credits_5000")
    assert world.happened("w") == before


class _Died(BaseException):
    """Not an Exception: nothing handles it, as nothing handles a kill."""


class _Dying:
    """A gateway in whose charge the process dies."""

    def charge(self, *_: object) -> str:
        raise _Died

    finish = charge
