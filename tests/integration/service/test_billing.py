"""The billing run on PostgreSQL, by the calendar that the projector keeps."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from domain.events import Clock, CyclesRenewed
from domain.settle import next_due
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG, migrate
from projections import MIGRATIONS
from projections.live.projector import Projector
from service.billing import BillingRun
from service.billing.claims import PostgresClaims
from service.billing.opening import opened_billing
from service.clock import CheckedClock, FixedClock
from service.errors import ClockAhead
from service.gateways.port import PaymentGateway
from service.schema import SERVICE, connect
from tests.support.service.world import NOW, World

UNTIL = NOW + timedelta(days=100)


@pytest.fixture
def service_url(database_url: str) -> str:
    migrate(database_url, [EVENTLOG, MIGRATIONS, SERVICE])
    return database_url


@pytest.fixture
def billing(world: World, service_url: str) -> Iterator[BillingRun]:
    with opened_billing(
        service_url, world.service, world.log, _both(world), world.library, world.clock
    ) as run:
        yield run


def test_what_the_calendar_says_is_due_is_settled_from_the_log(
    world: World, billing: BillingRun, service_url: str
) -> None:
    for nth in range(5):
        world.open(f"a{nth}")
        world.say(do="purchase_plan", account=f"a{nth}", product="standard", at=f"2026-03-2{nth}")
    world.open("idle")

    with Projector(service_url, world.log) as projector:
        projector.run_once()
        report = billing.run_due("test", UNTIL)
        again = billing.run_due("test", UNTIL)
        projector.run_once()
        late = billing.run_due("test", UNTIL)

    assert (report.accounts, report.events, report.failed) == (5, 30, ())
    assert (again.accounts, again.events) == (0, 0), "a calendar that lags only wastes work"
    assert (late.accounts, late.events) == (0, 0)


def test_what_the_calendar_does_not_know_yet_is_found_in_the_log(world: World, billing: BillingRun) -> None:
    world.open("early")
    world.say(do="purchase_plan", account="early", product="standard", at="2026-03-20")
    assert billing.run_due("test", UNTIL).events == 6, "no projector has run"

    world.say(do="purchase_addon", account="early", product="surveys", at="2026-07-01")
    assert billing.run_due("test", UNTIL + timedelta(days=60)).events > 0


@pytest.mark.parametrize("due_at", ["2020-01-01", "2027-01-01"])
def test_a_calendar_that_says_the_wrong_instant_bills_nobody_before_it(
    due_at: str, world: World, billing: BillingRun, service_url: str
) -> None:
    world.open("a1")
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    before = world.happened()
    with Projector(service_url, world.log) as projector:
        projector.run_once()
    with psycopg.connect(service_url, autocommit=True) as connection:
        connection.execute("update projections.calendar set due_at = %s", [due_at])

    assert billing.run_due("test", NOW + timedelta(days=1)).events == 0
    assert world.happened() == before


@pytest.mark.parametrize(
    "spoiled",
    [
        "update service.kept_states set state = 'damaged'",
        "update service.kept_states set state = substr(state, 1, 200)",
        "update service.kept_states set hash = sha256(hash)",
        "update service.kept_states set version = version + 100",
        "update service.kept_states set format = 'of another release'",
        "update service.kept_states set state = (select max(state) from service.kept_states)",
        "truncate service.kept_states",
        "drop table service.kept_states",
    ],
)
def test_a_kept_state_that_is_worth_nothing_changes_no_renewal(
    spoiled: str, world: World, billing: BillingRun, service_url: str
) -> None:
    for nth, product in enumerate(("standard", "essentials")):
        world.open(f"a{nth}")
        world.say(do="purchase_plan", account=f"a{nth}", product=product, at="2026-03-20")
    assert billing.run_due("test", NOW + timedelta(days=40)).events == 4
    with psycopg.connect(service_url, autocommit=True) as connection:
        if "max(state)" in spoiled:
            connection.execute("update service.kept_states set hash = sha256(hash)")
        connection.execute(spoiled)

    assert billing.run_due("test", NOW + timedelta(days=70)).events == 4

    amounts = [
        [e.invoice.total for e in world.history(a) if isinstance(e, CyclesRenewed)] for a in ("a0", "a1")
    ]
    assert [len(set(each)) for each in amounts] == [1, 1]
    assert amounts[0] != amounts[1]


def test_a_lost_kept_state_makes_the_next_run_read_the_history_once(
    world: World, billing: BillingRun, service_url: str
) -> None:
    world.open("a1")
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    billing.run_due("test", NOW + timedelta(days=40))
    with psycopg.connect(service_url, autocommit=True) as connection:
        connection.execute("truncate service.kept_states")
        billing.run_due("test", NOW + timedelta(days=70))
        [[version, due_at]] = connection.execute("select version, due_at from service.kept_states").fetchall()

    state = world.service.account("main/a1")
    assert state is not None
    due = next_due(state)
    assert due is not None
    assert (version, due_at) == (state.version, due[1])


def test_a_dry_run_says_what_would_be_billed_and_how_it_differs_from_the_month_before(
    world: World, billing: BillingRun, service_url: str
) -> None:
    for nth in range(2):
        world.open(f"a{nth}")
        world.say(do="purchase_plan", account=f"a{nth}", product="standard", at="2026-03-20")
    billing.run_due("test", NOW + timedelta(days=40))
    world.say(do="purchase_addon", account="a0", product="custom_domain", at="2026-05-01")
    world.say(do="cancel_plan", account="a1", family="marketing", at="2026-05-02")
    with Projector(service_url, world.log) as projector:
        projector.run_once()
    before = world.happened("a0")

    foreseen = billing.foresee("test", NOW + timedelta(days=70))

    assert (foreseen.accounts, foreseen.invoices, foreseen.failed) == (2, 1, ())
    assert [(p.product, p.now.lines, p.before.lines, p.difference) for p in foreseen.products] == [
        ("custom_domain", 1, 0, Decimal("10.00")),
        ("standard", 1, 2, Decimal("-20.00")),
    ]
    assert foreseen.charged == {"EUR": Decimal("30.00")}
    assert world.happened("a0") == before


def test_a_payment_that_a_dead_process_left_open_is_taken_over(
    world: World, billing: BillingRun, service_url: str
) -> None:
    world.open("w", at=None)
    world.open("a1")
    session = world.twin(gateway=_Dying())
    with pytest.raises(_Died):
        session.say(do="buy_credits", account="a1", product="credits_5000", at="2026-03-20")

    with Projector(service_url, world.log) as projector:
        projector.run_once()
    young = billing.run_due("test", NOW)
    world.clock.advance(timedelta(seconds=31))
    old = billing.run_due("test", NOW)

    assert young.waiting == ("main/a1",)
    assert (old.accounts, old.events, old.waiting) == (1, 1, ())
    assert world.happened()[-1] == "payment_cancelled"


def test_a_part_that_another_run_has_billed_meanwhile_is_not_looked_through_again(service_url: str) -> None:
    with closing(connect(service_url, "claims", limit=2, patience=10.0)) as connections:
        ours, theirs = PostgresClaims(connections), PostgresClaims(connections)
        since = ours.began()
        assert theirs.claim("test", NOW, since, {0}, 1) == [0]
        assert ours.claim("test", NOW, since, {0}, 1) == [], "it is held"
        theirs.release("test", {0}, NOW)

        assert ours.claim("test", NOW, since, {0, 1}, 2) == [1], "the other is billed"
        further = NOW + timedelta(days=1)
        assert ours.claim("test", further, since, {0}, 1) == [0], "it is billed up to an earlier instant"
        ours.release("test", {0}, None)
        assert ours.claim("test", NOW, ours.began(), {0}, 1) == [0], "a run that begins later looks itself"


def test_a_run_whose_clock_is_ahead_of_the_database_s_charges_nobody(world: World, service_url: str) -> None:
    world.open("w", at=None)
    world.say_now(do="buy_credits", account="w", product="credits_5000")
    before = world.happened("w")
    with closing(PostgresEventLog(service_url)) as log:
        three_months = FixedClock(log.server_time() + timedelta(days=90))
        clock = CheckedClock(three_months, log.server_time, limit=timedelta(seconds=60))
        with Projector(service_url, log) as projector:
            projector.run_once()
        with (
            opened_billing(service_url, world.service, log, _both(world), world.library, clock) as run,
            pytest.raises(ClockAhead, match="set the clock of this machine"),
        ):
            run.run_due("wall", three_months.now())
        with pytest.raises(ClockAhead):
            world.twin(clock=clock).say_now(do="buy_credits", account="w", product="credits_5000")
    assert world.happened("w") == before


def _both(world: World) -> dict[Clock, PaymentGateway]:
    """The gateway, for accounts on either clock."""
    return {"wall": world.gateway, "test": world.gateway}


class _Died(BaseException):
    """Not an Exception: nothing handles it, as nothing handles a kill."""


class _Dying:
    """A gateway in whose charge the process dies."""

    async def charge(self, *_: object) -> str:
        raise _Died

    finish = charge
