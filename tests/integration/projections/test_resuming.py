"""A rebuild that ends early, however it does: the live tables are as they were, and the next one goes on."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import active_children
from random import Random
from threading import Thread
from typing import Any

import psycopg
import pytest

from projections.live import checkpoints
from projections.live.parking import parked
from projections.live.projector import Projector
from projections.models import calendar, entitlements, invoices
from projections.rebuild import units
from projections.rebuild.rebuilding import RebuildProgress, drop_old, rebuild
from projections.registry import projection_named
from projections.tables import Connection
from tests.support.forked import exit_code_of
from tests.support.projections.fold_driver import Billing, unreadable
from tests.support.projections.read_models import all_rows, live_a_little
from tests.support.projections.rebuilding import rebuild_until, small_units
from tests.support.projections.stopped_rebuild import Watcher, stopped_at

ACCOUNTS = [f"acme/a-{n}" for n in range(9)]

REBUILDS = """
    select from pg_stat_activity
    where application_name = 'prorata rebuild' and datname = current_database()
"""
"""The sessions of rebuilds of this test."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_units(monkeypatch)


@pytest.fixture
def lived(billing: Billing, projector: Projector) -> None:
    """Accounts, one of them parked, projected."""
    for account_id in ACCOUNTS:
        live_a_little(billing, account_id)
    billing.append(ACCOUNTS[3], unreadable())
    projector.run_once()


def test_what_was_done_is_not_done_again(
    lived: None, owner_url: str, billing: Billing, connection: Connection
) -> None:
    before = all_rows(connection)
    of_units = stopped_at(3, owner_url, billing)
    assert of_units > 4
    assert all_rows(connection) == before
    watcher = Watcher()
    assert list(rebuild(owner_url, billing.log, invoices.PROJECTION, watch=watcher)) == []
    assert (watcher.seen[0].units, watcher.seen[0].resumed_events) == (3, watcher.seen[0].events)
    assert watcher.seen[0].events > 0
    assert watcher.seen[-1].events == billing.log.last_position()
    assert all_rows(connection) == before
    assert [p.account_id for p in parked(connection) if p.projection == "invoices"] == [ACCOUNTS[3]]
    assert units.find(connection, "invoices") is None


def test_more_events_meanwhile_are_caught_up(
    lived: None, owner_url: str, billing: Billing, projector: Projector, connection: Connection
) -> None:
    stopped_at(2, owner_url, billing)
    live_a_little(billing, "acme/later")
    billing.settle(ACCOUNTS[0], "2026-07-01")
    projector.run_once()
    before = all_rows(connection)
    watcher = Watcher()
    assert list(rebuild(owner_url, billing.log, invoices.PROJECTION, watch=watcher)) == []
    assert watcher.seen[0].units == 2
    assert all_rows(connection) == before


@pytest.mark.parametrize("reason", ["other code", "restart", "a newer generation", "another history"])
def test_it_begins_anew_where_going_on_would_be_wrong(
    reason: str, lived: None, owner_url: str, billing: Billing, connection: Connection
) -> None:
    stopped_at(3, owner_url, billing)
    if reason == "other code":
        connection.execute("update projections.rebuilds set code = 'of last week'")
    elif reason == "a newer generation":
        connection.execute("update projections.checkpoints set generation = 7 where projection = 'invoices'")
    elif reason == "another history":
        connection.execute(
            "update projections.checkpoints set hash = decode(repeat('ab', 32), 'hex') "
            "where projection = 'invoices_v2'"
        )
    watcher = Watcher()
    restart = reason == "restart"
    assert list(rebuild(owner_url, billing.log, invoices.PROJECTION, restart=restart, watch=watcher)) == []
    assert (watcher.seen[0].units, watcher.seen[0].events, watcher.seen[0].resumed_events) == (0, 0, 0)


def test_what_an_ended_one_left_can_be_dropped(
    lived: None, owner_url: str, billing: Billing, connection: Connection
) -> None:
    at = checkpoints.read_all(connection)
    stopped_at(3, owner_url, billing)
    tables = [f"{table.name}_v2" for table in invoices.PROJECTION.tables]
    assert drop_old(owner_url, invoices.PROJECTION) == tables
    assert checkpoints.read_all(connection) == at
    assert units.find(connection, "invoices") is None
    assert not [p for p in parked(connection) if p.projection == "invoices_v2"]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ["entitlements", "invoices"])
def test_killed_at_any_statements_it_ends_with_the_same_tables(
    name: str, seed: int, lived: None, owner_url: str, connection: Connection
) -> None:
    before, random = all_rows(connection), Random(seed)
    killed = 0
    while True:
        statement = random.randint(1, 60) if killed < 8 else 10**6
        ended = exit_code_of(rebuild_until, owner_url, name, statement)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        killed += 1
        assert all_rows(connection) == before
    assert killed > 0
    assert all_rows(connection) == before
    assert {c.generation for c in checkpoints.read(connection, [name])} == {2}
    assert [p.account_id for p in parked(connection) if p.projection == name] == [ACCOUNTS[3]]


def test_the_next_one_waits_for_the_session_of_the_one_before_to_end(
    lived: None, owner_url: str, billing: Billing, connection: Connection
) -> None:
    asks = f"{REBUILDS} and wait_event = 'advisory'"
    connection.execute("update projections.calendar set clock = 'wall'")
    before = rebuild(owner_url, billing.log, calendar.PROJECTION)
    next(before)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(lambda: list(rebuild(owner_url, billing.log, calendar.PROJECTION)))
        while not connection.execute(asks).fetchall():
            assert not following.done()
        before.close()  # type: ignore[attr-defined]  # it is a generator
        assert len(following.result(60)) == len(ACCOUNTS)
    assert {c.generation for c in checkpoints.read(connection, ["calendar"])} == {2}


def test_what_a_killed_worker_was_at_is_done_by_another(
    lived: None, owner_url: str, billing: Billing, connection: Connection
) -> None:
    """It is killed while it waits to write its first unit: nobody else can have done that one."""
    before = all_rows(connection)
    killed: list[int] = []
    with psycopg.connect(owner_url) as holder:

        def kill_it(progress: RebuildProgress) -> None:
            if progress.units == 0:
                Thread(target=kill_when_both_wait).start()
                holder.execute("lock table projections.entitlements_v2")

        def kill_when_both_wait() -> None:
            while len(connection.execute(f"{REBUILDS} and wait_event_type = 'Lock'").fetchall()) < 2:
                pass
            [worker] = active_children()
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
            killed.append(worker.pid)
            holder.rollback()

        watcher = Watcher()

        def watch(progress: RebuildProgress) -> None:
            watcher(progress)
            kill_it(progress)

        found = rebuild(owner_url, billing.log, entitlements.PROJECTION, processes=2, watch=watch)
        assert list(found) == []
    assert len(killed) == 1
    assert active_children() == []
    assert watcher.seen[-1].units == watcher.seen[-1].of_units
    assert all_rows(connection) == before


def test_processes_end_with_the_one_that_started_them(
    lived: None, owner_url: str, billing: Billing, connection: Connection
) -> None:
    stopped_at(0, owner_url, billing)
    before = all_rows(connection)
    with psycopg.connect(owner_url) as holder:
        holder.execute("select from projections.rebuild_units where unit = 5 for update")
        command = [sys.executable, "-m", "tests.support.projections.rebuilding", owner_url, "invoices"]
        parent = subprocess.Popen([*command, "1000000", "2"])
        waiting = f"{REBUILDS} and wait_event_type = 'Lock'"
        while not connection.execute(waiting).fetchall():
            assert parent.poll() is None
        parent.kill()
        parent.wait(60)
    while connection.execute(REBUILDS).fetchall():
        pass
    assert all_rows(connection) == before
    assert list(rebuild(owner_url, billing.log, invoices.PROJECTION)) == []
    assert all_rows(connection) == before


def test_memory_holds_a_page_and_a_batch_however_long_the_log_is(
    owner_url: str, billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for account_id in ACCOUNTS:
        live_a_little(billing, account_id)
    copied: list[int] = []
    projection = projection_named("invoices")
    copy = type(projection).copy

    def counted(self: Any, connection: Connection, documents: Any) -> None:
        copied.append(len(documents))
        copy(self, connection, documents)

    monkeypatch.setattr(type(projection), "copy", counted)
    list(rebuild(owner_url, billing.log, projection))
    of_an_account = 8
    assert len(copied) > len(ACCOUNTS) / 2
    assert max(copied) <= 3 + of_an_account
