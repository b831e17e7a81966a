"""Lanes: each follows the log by itself, and those that can go together do."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copy
from typing import Any

import msgspec
import psycopg
import pytest

from domain.commands import PurchaseAddon
from eventlog.migration_source import MigrationSource
from eventlog.postgres.migrate import EVENTLOG, migrate
from projections import MIGRATIONS
from projections.live import checkpoints
from projections.live.checkpoints import BEFORE_ALL, LogPoint
from projections.live.lag import lags
from projections.live.lanes import ALL_LANES, LANES, lane_of
from projections.live.parking import parked
from projections.live.projector import Projector
from projections.live.waiting import wait_for
from projections.models import invoices
from projections.registry import PROJECTIONS
from projections.tables import Connection, Rows
from tests.support.projections.fold_driver import Billing, unreadable
from tests.support.projections.read_models import folded, live_a_little, shown

LOW = next(f"acme/a-{n}" for n in range(100) if lane_of(f"acme/a-{n}") < LANES // 2)
HIGH = next(f"acme/a-{n}" for n in range(100) if lane_of(f"acme/a-{n}") >= LANES // 2)
LOWER, HIGHER = range(LANES // 2), range(LANES // 2, LANES)


@pytest.fixture
def lower(projector_url: str, billing: Billing) -> Iterator[Projector]:
    with Projector(projector_url, billing.log, lanes=LOWER, page=7) as projector:
        yield projector


@pytest.fixture
def higher(projector_url: str, billing: Billing) -> Iterator[Projector]:
    with Projector(projector_url, billing.log, lanes=HIGHER, page=5) as projector:
        yield projector


def places(connection: Connection) -> list[set[int]]:
    """Where all projections stand, lane by lane."""
    found = checkpoints.read_all(connection)
    return [{c.position for c in found if c.lane == lane} for lane in ALL_LANES]


def test_a_projector_keeps_to_its_lanes(billing: Billing, lower: Projector, connection: Connection) -> None:
    for account_id in (LOW, HIGH):
        live_a_little(billing, account_id)
    lower.run_once()
    assert shown(connection, LOW) == folded(billing.log, LOW)
    assert set(shown(connection, HIGH).values()) == {()}
    assert places(connection)[LANES // 2 :] == [{0}] * (LANES // 2)


def test_projectors_of_all_lanes_together_make_what_one_makes(
    billing: Billing, lower: Projector, higher: Projector, connection: Connection
) -> None:
    for account_id in (LOW, HIGH):
        live_a_little(billing, account_id)
    assert lower.run_once().events + higher.run_once().events == billing.log.last_position()
    for account_id in (LOW, HIGH):
        assert shown(connection, account_id) == folded(billing.log, account_id)


def test_lanes_that_were_left_behind_catch_up_and_then_go_with_the_others(
    billing: Billing, lower: Projector, projector: Projector, connection: Connection
) -> None:
    for account_id in (LOW, HIGH):
        live_a_little(billing, account_id)
    lower.run_once()
    billing.settle(LOW, "2026-08-01")
    lower.run_once()
    projector.run_once()
    assert places(connection) == [{billing.log.last_position()}] * LANES
    for account_id in (LOW, HIGH):
        assert shown(connection, account_id) == folded(billing.log, account_id)


def test_who_waits_for_an_account_waits_for_its_lane_only(
    billing: Billing, lower: Projector, connection: Connection
) -> None:
    for account_id in (LOW, HIGH):
        live_a_little(billing, account_id)
    lower.run_once()
    assert wait_for(connection, billing.log, LOW, billing.states[LOW].version, timeout=0)
    assert not wait_for(connection, billing.log, HIGH, 1, timeout=0.01)


def test_lanes_come_to_where_another_generation_stands(
    billing: Billing, lower: Projector, higher: Projector, projector_url: str, connection: Connection
) -> None:
    """What a rebuild needs to be compared: every lane where the live one is, whosever event stands there."""
    for account_id in (LOW, HIGH):
        live_a_little(billing, account_id)
    lower.run_once()
    higher.run_once(until=9)
    live = checkpoints.read(connection, ["invoices"])
    other = replace(invoices.PROJECTION, suffix="_v9")
    for table in other.tables:
        connection.execute(f"create table projections.{table.name}_v9 (like projections.{table.name})")
        connection.execute(f"grant all on projections.{table.name}_v9 to prorata_projector")
    checkpoints.begin(connection, other, 9, [BEFORE_ALL] * LANES)
    with Projector(projector_url, billing.log, [other], page=4) as projector:
        projector.run_once(up_to=live)
    assert [c.place for c in checkpoints.read(connection, [other.name])] == [c.place for c in live]


def test_a_checkpoint_moves_only_from_where_it_was_found(connection: Connection) -> None:
    found = checkpoints.read(connection, ["calendar"], [0, 1])
    there = LogPoint(5, bytes(32))
    assert checkpoints.move(connection, found, there, [1, 1])
    assert not checkpoints.move(connection, found, there, [1, 1])
    mixed = [found[0], checkpoints.read(connection, ["calendar"], [1])[0]]
    assert not checkpoints.move(connection, mixed, there, [1, 1])


def test_an_account_that_a_page_stopped_stays_out_of_the_page_folded_meanwhile(
    billing: Billing, projector_url: str, connection: Connection
) -> None:
    def refused(document: Any) -> Rows:
        if (document.account, document.number) == (LOW, 2):
            document = msgspec.structs.replace(document, currency="EU\0R")
        return invoices.PROJECTION.rows(document)

    for account_id in (LOW, HIGH):
        live_a_little(billing, account_id)
    projections = [replace(p, rows=refused) if p.name == "invoices" else p for p in PROJECTIONS]
    with Projector(projector_url, billing.log, projections, page=3) as projector:
        projector.run_once()
    [entry] = parked(connection)
    assert (entry.projection, entry.account_id) == ("invoices", LOW)
    assert shown(connection, LOW)["invoices"] == folded(billing.log, LOW, entry.position - 1)["invoices"]
    assert shown(connection, LOW)["calendar"] == folded(billing.log, LOW)["calendar"]
    assert shown(connection, HIGH) == folded(billing.log, HIGH)


def test_checkpoints_from_before_the_lanes_are_those_of_every_lane(database_url: str, tmp_path: Path) -> None:
    for file in MIGRATIONS.folder.glob("000[12]_*.sql"):
        copy(file, tmp_path)
    migrate(database_url, [EVENTLOG, MigrationSource("projections", tmp_path)])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "update projections.checkpoints set position = 7, hash = sha256('x'), fold = 2, generation = 3 "
            "where projection = 'invoices'"
        )
        migrate(database_url, [EVENTLOG, MIGRATIONS])
        found = checkpoints.read(connection, ["invoices"])
        assert [c.lane for c in found] == list(ALL_LANES)
        [hash_of_x] = connection.execute("select sha256('x')").fetchone() or ()
        assert {(c.place, c.fold, c.generation) for c in found} == {(LogPoint(7, hash_of_x), 2, 3)}
        assert {c.place for c in checkpoints.read(connection, ["calendar"])} == {BEFORE_ALL}


def test_the_lag_is_what_each_lane_lacks(
    billing: Billing, lower: Projector, projector: Projector, connection: Connection
) -> None:
    for account_id in (LOW, HIGH):
        live_a_little(billing, account_id)
    missing = billing.log.head(HIGH).version
    lower.run_once()
    for lag in lags(connection):
        assert (lag.events, lag.parked) == (missing, 0)
        assert lag.seconds > 0
        assert {lane.lane: lane.events for lane in lag.lanes if lane.events} == {lane_of(HIGH): missing}
    projector.run_once()
    for lag in lags(connection):
        assert (lag.events, lag.seconds, lag.position) == (0, 0.0, billing.log.last_position())


def test_the_lag_counts_parked_accounts(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    live_a_little(billing, LOW)
    billing.append(LOW, unreadable())
    billing.open(HIGH, "2026-03-20")
    billing.give(HIGH, PurchaseAddon("surveys"), "2026-03-21")
    projector.run_once()
    assert {lag.projection: lag.parked for lag in lags(connection)} == dict.fromkeys(
        sorted(p.name for p in PROJECTIONS), 1
    )
