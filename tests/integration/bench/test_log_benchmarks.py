"""`prorata bench append|read|live|rebuild|verify`: both sides do the same work, and each line says what was
measured. How fast is not tested."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql
from psycopg.conninfo import make_conninfo

from domain import events as domain_events
from domain.errors import InvalidInput
from domain.events import Event
from eventlog.postgres.log import PostgresEventLog
from projections.live.projector import Projector
from projections.models import access_windows, entitlements, invoices
from projections.registry import FOLDS
from scripts.bench import __main__ as bench
from scripts.bench import append as appending
from scripts.bench import generate, stock, uma
from scripts.bench import scratch as places
from scripts.bench import stock_as_shipped as shipped
from scripts.bench.append import Round
from scripts.bench.pgbench import Pgbench
from scripts.bench.read import in_order, of_histories, pages, stock_pages
from scripts.bench.stock_as_shipped import Shipped
from scripts.bench.uma import UmaServer
from tests.support.eventlog.sample_events import new_event

EVENTS = 600

COLUMNS = {"name", "unit", "ours", "peer", "ratio", "peer_is", "rounds", "events", "bytes_per_event", "about"}


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in lines:
        assert line.keys() >= COLUMNS
        assert line["ours"] > 0
        assert (line["peer"] is None) == (line["ratio"] is None)
    return lines


def _databases(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("select datname from pg_database").fetchall()}


def test_appends_are_measured_against_the_package_pgbench_and_uma_db(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.append(callers=3, seconds=0.1, rounds=1, json=True) == 0
    lines = _lines(capsys)
    assert [(line["name"], line["unit"], line["peer_is"]) for line in lines] == [
        ("append", "events/s", stock.NAME),
        ("append", "events/s", "pgbench, plain INSERT, our columns and indexes"),
        ("append", "events/s", "pgbench, prepared INSERT, our columns and indexes"),
        ("append", "events/s", "pgbench, plain INSERT, id and bytes"),
        ("append", "events/s", uma.NAME),
        ("append by threads", "events/s", stock.NAME),
        ("append p50", "ms", stock.NAME),
        ("append p99", "ms", stock.NAME),
    ]
    assert all(line["peer"] > 0 for line in lines)
    assert all(line["about"]["callers"] == 3 for line in lines)


def test_without_a_peer_the_line_says_so(
    server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pgbench, "found", lambda: None)
    monkeypatch.setattr(uma, "is_there", lambda: False)
    assert bench.append(callers=2, seconds=0.1, rounds=1, json=True) == 0
    without = [line for line in _lines(capsys) if line["peer"] is None]
    assert [line["peer_is"] for line in without] == [
        "pgbench, plain INSERT, our columns and indexes: not found",
        "pgbench, prepared INSERT, our columns and indexes: not found",
        "pgbench, plain INSERT, id and bytes: not found",
        f"{uma.NAME}: not found",
    ]


def test_an_answer_that_nothing_stands_behind_is_noticed(server: str) -> None:
    with places.database(server) as url, stock.stock_application(url):
        found = {side: [Round(1.0, stored=0)] for side in (stock.NAME, "ours", "ours, threads")}
        appending.check(url, found, None)
        with pytest.raises(RuntimeError, match=r"public\.events holds 0 events, and 1 were answered"):
            appending.check(url, found | {"ours": [Round(1.0, stored=1)]}, None)


def test_uma_db_does_what_ours_does() -> None:
    """It refuses an append where another was before, and answers a repeated one with what is stored."""
    first, second, third = (replace(new_event(), event_id=uuid4()) for _ in range(3))
    with UmaServer(None) as server:
        append = server.appending()
        assert append("bench/a", 0, first) == 1
        append("bench/b", 0, second)
        assert append("bench/a", 0, first) == 1
        with pytest.raises(ValueError, match="condition"):
            append("bench/a", 0, third)
        assert append("bench/a", 1, third) == 3
        assert server.last_position() == 3


def test_every_way_of_reading_gives_the_same_events(server: str) -> None:
    with _filled(server) as url:
        with closing(PostgresEventLog(url)) as log:
            ways = [list(way(log)) for way in (in_order, pages, of_histories)]
        with stock.stock_application(url) as application:
            stock.fill(application, EVENTS)
            ways.append([[told.event for told in page] for page in stock_pages(application)])
        with stock.opened(Shipped, url) as application:
            stock.fill(application, EVENTS, stored=application.stored)
            ways.append([[_of_the_domain(told) for told in page] for page in stock_pages(application)])
    ours, *others = [sorted(msgspec.json.encode(event) for page in way for event in page) for way in ways]
    assert len(ours) == EVENTS
    assert all(theirs == ours for theirs in others)


def _of_the_domain(told: Any) -> Event:
    """A dataclass of the peer's as the domain's event of that name, with the same values in it."""
    fields = {name: value for name, value in vars(told).items() if not name.startswith("originator_")}
    made: Event = getattr(domain_events, type(told).__name__)(**fields)
    return made


def test_the_runner_makes_the_documents_that_the_projector_makes(server: str) -> None:
    with _filled(server) as url, stock.stock_application(url) as application:
        stock.fill(application, EVENTS)
        _, documents = stock.project(url, EVENTS, list(FOLDS.values()))
        with closing(PostgresEventLog(url)) as log, Projector(url, log) as projector:
            projector.run_once()
            accounts = list(log.accounts())
        with psycopg.connect(url) as connection:
            for account in accounts:
                assert _same(
                    entitlements.of_account(connection, account), documents["entitlements", account, ""]
                )
                assert _same(
                    access_windows.of_account(connection, account), documents["access_windows", account, ""]
                )
                for invoice in invoices.of_account(connection, account):
                    assert _same(invoice, documents["invoices", account, str(invoice.number)])


def _same(ours: Any, theirs: dict[str, Any]) -> bool:
    """But for positions: the two logs are two."""
    found = json.loads(msgspec.json.encode(ours))
    return bool(found | {"revision": 0} == theirs | {"revision": 0})


def test_reading_is_measured_in_every_way_with_one_process_and_more(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.read(events=EVENTS, workers=2, rounds=1, json=True) == 0
    lines = _lines(capsys)
    assert [(line["name"], line["about"]["workers"], line["peer_is"]) for line in lines] == [
        (f"read and decode, {way}", workers, peer)
        for workers in (1, 2)
        for way in ("in order", "in order, all columns", "histories")
        for peer in (f"{stock.NAME} with our codec", shipped.NAME)
    ]
    assert all(line["events"] == EVENTS for line in lines)


def test_live_projections_are_measured_against_the_packages_runner(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.live(events=EVENTS, peer_events=50, workers=2, rounds=1, json=True) == 0
    lines = _lines(capsys)
    assert [(line["about"]["workers"], line["peer_is"]) for line in lines] == [
        (1, stock.NAME),
        (1, f"{stock.NAME}, synchronous_commit off"),
        (2, stock.NAME),
        (2, f"{stock.NAME}, synchronous_commit off"),
    ]
    assert all(line["about"]["the peer's events"] == 50 for line in lines)


def test_a_rebuild_says_how_much_memory_it_took(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.rebuild(events=EVENTS, peer_events=50, workers=2, rounds=1, json=True) == 0
    lines = _lines(capsys)
    assert [(line["name"], line["about"]["workers"]) for line in lines] == [
        ("rebuild entitlements", 1),
        ("rebuild entitlements", 2),
    ]
    assert all(line["about"]["MB a process"] > 0 and line["peer"] > 0 for line in lines)


def test_a_long_log_is_rebuilt_at_two_lengths(
    server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.bench.rebuild.FIRST_PART", 200)
    assert bench.rebuild(events=EVENTS, peer_events=50, workers=1, rounds=1, json=True) == 0
    lines = _lines(capsys)
    assert [(line["name"], line["events"], line["peer_is"]) for line in lines] == [
        ("rebuild entitlements", 200, stock.NAME),
        ("rebuild entitlements", EVENTS, stock.NAME),
        ("rebuild entitlements, long against short", EVENTS, "ours at 200 events"),
    ]


def test_verifying_has_no_peer(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.verify(events=EVENTS, workers=2, rounds=1, json=True) == 0
    lines = _lines(capsys)
    assert [(line["name"], line["about"]["workers"], line["peer"]) for line in lines] == [
        ("verify", 1, None),
        ("verify", 2, None),
    ]


def test_people_get_a_table(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.verify(events=EVENTS, workers=1, rounds=1) == 0
    out = capsys.readouterr().out
    assert "verify" in out
    assert "rounds: 1, medians; 600 events of" in out


def test_the_users_database_is_left_alone(
    server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, token_hex = [], secrets.token_hex

    def noted(length: int) -> str:
        made.append(token_hex(length))
        return made[-1]

    monkeypatch.setattr("scripts.bench.scratch.secrets.token_hex", noted)
    bench.live(events=200, peer_events=50, workers=1, rounds=1, json=True)
    assert made
    assert not [name for name in _databases(server) if name.endswith(tuple(made))]
    with psycopg.connect(server) as connection:
        [[tables]] = connection.execute(
            "select count(*) from pg_tables where schemaname = 'public'"
        ).fetchall()
    assert tables == 0


def test_a_role_that_may_not_make_databases_is_told_so(server: str) -> None:
    role = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
        try:
            with (
                pytest.raises(InvalidInput, match="CREATEDB"),
                places.database(make_conninfo(server, user=role)),
            ):
                pass
        finally:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@contextmanager
def _filled(server: str) -> Iterator[str]:
    with places.database(server) as url:
        generate.fill(url, EVENTS)
        yield url
