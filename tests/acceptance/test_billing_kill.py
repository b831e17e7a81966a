"""Billing runs that are killed between their stages, meet each other, and meet commands: nobody is billed
twice, and nothing is forgotten."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from random import Random

import psycopg
import pytest

from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG, migrate
from projections import MIGRATIONS
from service.catalogue_store import PostgresCatalogues
from service.clock import FixedClock
from service.gateways.postgres import PostgresTestGateway
from service.schema import SERVICE
from tests.support.service.billed_books import problems, settled_history
from tests.support.service.killed_run import MOMENTS
from tests.support.service.renewing_stories import lives
from tests.support.service.world import NOW, World, memory_world

ACCOUNTS = 24
UNTILS = [NOW + timedelta(days=31 * month) for month in (1, 2, 3)]


@pytest.fixture
def billed_url(database_url: str) -> str:
    migrate(database_url, [EVENTLOG, MIGRATIONS, SERVICE])
    return database_url


@pytest.fixture
def world(billed_url: str) -> Iterator[World]:
    with ExitStack() as stack:
        log = stack.enter_context(closing(PostgresEventLog(billed_url)))
        gateway = stack.enter_context(closing(PostgresTestGateway(billed_url)))
        store = stack.enter_context(closing(PostgresCatalogues(billed_url)))
        yield World(log, gateway, store, FixedClock(NOW), real_time=True)


def _run(url: str, until: datetime, moment: str = "never", nth: int = 1) -> int:
    """The exit code of a run that dies at that moment, if it comes."""
    command = [
        sys.executable,
        "-m",
        "tests.support.service.killed_run",
        url,
        until.isoformat(),
        moment,
        str(nth),
    ]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode in (0, 1, -9), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def _play(world: World, seed: int) -> list[str]:
    for line in lives(Random(seed), ACCOUNTS):
        world.say(**line)
    return list(world.log.accounts())


def _undisturbed(seed: int) -> dict[str, list[tuple[str, bytes]]]:
    """The histories that the same commands have where nobody is killed and each account is settled alone."""
    world = memory_world()
    for account_id in _play(world, seed):
        for until in UNTILS:
            world.service.settle(account_id, until)
    return {account_id: settled_history(world.log, account_id) for account_id in world.log.accounts()}


def _forget_leases(url: str) -> None:
    """As after five seconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update service.billing_parts set expires_at = now() - interval '1 second'")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_between_any_two_stages_bills_everyone_once(
    seed: int, world: World, billed_url: str
) -> None:
    chance, killed, expected = Random(seed), 0, _undisturbed(seed)
    accounts = _play(world, seed)
    moments = chance.sample(MOMENTS, len(MOMENTS))

    for nth, until in enumerate(UNTILS):
        for moment in moments[nth :: len(UNTILS)]:
            killed += _run(billed_url, until, moment, chance.randint(1, 2)) != 0
            _forget_leases(billed_url)
        assert _run(billed_url, until) == 0

    assert killed >= 4
    assert problems(billed_url) == []
    assert {account_id: settled_history(world.log, account_id) for account_id in accounts} == expected


@pytest.mark.timeout(300)
def test_two_runs_side_by_side_bill_everyone_once(world: World, billed_url: str) -> None:
    expected, accounts = _undisturbed(11), _play(world, 11)

    for until in UNTILS:
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(lambda _, until=until: _run(billed_url, until), range(2))) == [0, 0]

    assert problems(billed_url) == []
    assert {account_id: settled_history(world.log, account_id) for account_id in accounts} == expected


@pytest.mark.timeout(300)
def test_what_a_killed_run_held_is_billed_by_the_next_within_seconds(world: World, billed_url: str) -> None:
    _play(world, 12)
    assert _run(billed_url, UNTILS[0], "after_claim") == -9

    began = time.monotonic()
    assert _run(billed_url, UNTILS[0]) == 0

    assert 1.0 < time.monotonic() - began < 30.0
    assert problems(billed_url) == []


@pytest.mark.timeout(300)
def test_a_run_beside_commands_on_the_same_accounts_charges_nothing_twice(
    world: World, billed_url: str
) -> None:
    accounts = _play(world, 13)
    last = max(UNTILS)
    lines = [
        {
            "do": "purchase_addon",
            "account": account_id.partition("/")[2],
            "product": product,
            "id": f"{n}-{product}",
        }
        for n in range(3)
        for account_id in accounts
        for product in ("inbox_preview", "custom_domain")
    ]

    def give() -> None:
        for line in lines:
            world.say(**line, at=last.isoformat())

    with ThreadPoolExecutor(2) as pool:
        giving = pool.submit(give)
        while not giving.done():
            assert _run(billed_url, last) in (0, 1)
        giving.result()
    assert _run(billed_url, last) == 0

    assert problems(billed_url) == []
    for account_id in accounts:
        state = world.service.account(account_id)
        assert state is not None
        assert state.payment is None
