"""A rebuild from the log alone: equal to the live tables, or it says where not; no reader notices."""

import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from threading import Thread
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace as changed

from domain.commands import PurchaseAddon
from eventlog.postgres.log import PostgresEventLog
from projections.errors import HeldBack, RebuildRunning
from projections.live import checkpoints
from projections.live.parking import parked
from projections.live.projector import Projector
from projections.live.waiting import wait_for
from projections.models import access_windows, calendar, entitlements, invoices
from projections.rebuild.comparing import RowDifference
from projections.rebuild.rebuilding import RebuildProgress, drop_old, rebuild
from projections.registry import PROJECTIONS
from projections.tables import Connection, Projection
from tests.support.projections.fold_driver import Billing, unreadable
from tests.support.projections.read_models import all_rows, folded, live_a_little, running, shown
from tests.support.projections.rebuilding import small_units

ACCOUNTS = [f"acme/a-{n}" for n in range(4)]
A = ACCOUNTS[0]

every_projection = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda p: p.name)

Rebuild = Callable[..., list[RowDifference]]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many units, so that there is something to share out."""
    small_units(monkeypatch)


@pytest.fixture
def rebuilt(owner_url: str, billing: Billing) -> Rebuild:
    """Rebuilds, and returns the differences."""

    def run(projection: Projection, **options: Any) -> list[RowDifference]:
        return list(rebuild(owner_url, billing.log, projection, **options))

    return run


@pytest.fixture
def lived(billing: Billing, projector: Projector) -> None:
    """Some accounts, projected in pages."""
    for account_id in ACCOUNTS:
        live_a_little(billing, account_id)
        projector.run_once()


def tables(connection: Connection) -> set[str]:
    found = connection.execute("select tablename from pg_tables where schemaname = 'projections'")
    return {name for (name,) in found}


@every_projection
@pytest.mark.parametrize("processes", [1, 2])
def test_a_rebuild_of_a_healthy_system_is_equal_in_every_column(
    processes: int, projection: Projection, lived: None, rebuilt: Rebuild, connection: Connection
) -> None:
    before = all_rows(connection)
    assert rebuilt(projection, processes=processes) == []
    assert all_rows(connection) == before
    assert {c.generation for c in checkpoints.read(connection, [projection.name])} == {2}


def test_every_kind_of_difference_is_reported_and_mended(
    lived: None, rebuilt: Rebuild, billing: Billing, connection: Connection
) -> None:
    connection.execute("delete from projections.accounts where account_id = %s", [ACCOUNTS[1]])
    connection.execute(
        "update projections.entitlements set status = 'paused', version = 3 "
        "where account_id = %s and product = 'standard'",
        [ACCOUNTS[2]],
    )
    connection.execute(
        "insert into projections.entitlements select account_id, 'ghost', status, renews, access_until, "
        "allowance, version, revision, fold from projections.entitlements "
        "where account_id = %s and product = 'standard'",
        [ACCOUNTS[3]],
    )
    wrong_version = f"version is 3, should be {billing.states[A].version}"
    assert sorted(map(str, rebuilt(entitlements.PROJECTION))) == [
        f"accounts {ACCOUNTS[1]} (R44): is missing in the live table",
        f"entitlements {ACCOUNTS[2]}/standard (R44): status is paused, should be active; {wrong_version}",
        f"entitlements {ACCOUNTS[3]}/ghost (R44): should not be in the live table",
    ]
    for account_id in ACCOUNTS:
        assert shown(connection, account_id) == folded(billing.log, account_id)
    assert rebuilt(entitlements.PROJECTION) == []


def test_a_comparison_alone_changes_nothing(lived: None, rebuilt: Rebuild, connection: Connection) -> None:
    connection.execute("update projections.calendar set due_at = now() where account_id = %s", [A])
    rows, names, at = all_rows(connection), tables(connection), checkpoints.read_all(connection)
    [difference] = rebuilt(calendar.PROJECTION, swap=False)
    assert (difference.table, difference.account, difference.key) == ("calendar", A, (A,))
    assert (all_rows(connection), tables(connection), checkpoints.read_all(connection)) == (rows, names, at)


def test_a_rebuild_that_is_left_early_leaves_the_live_tables_as_they_were(
    lived: None, owner_url: str, billing: Billing, connection: Connection
) -> None:
    connection.execute("update projections.calendar set clock = 'wall'")
    rows, at = all_rows(connection), checkpoints.read_all(connection)
    differences = rebuild(owner_url, billing.log, calendar.PROJECTION)
    next(differences)
    differences.close()  # type: ignore[attr-defined]
    assert all_rows(connection) == rows
    assert [c for c in checkpoints.read_all(connection) if c.projection != "calendar_v2"] == at
    assert len(list(rebuild(owner_url, billing.log, calendar.PROJECTION))) == len(ACCOUNTS)


@pytest.mark.parametrize(
    ("projection", "column", "rule"),
    [
        (entitlements.PROJECTION, "accounts.support", "R46"),
        (entitlements.PROJECTION, "accounts.anchor", "R3"),
        (entitlements.PROJECTION, "entitlements.access_until", "R44"),
        (access_windows.PROJECTION, "access_windows.ends_at", "R45"),
        (invoices.PROJECTION, "invoices.total", "R51"),
        (invoices.PROJECTION, "invoices.status", "R38"),
        (invoices.PROJECTION, "invoice_lines.amount", "R6"),
        (calendar.PROJECTION, "calendar.due_at", "R25"),
        (calendar.PROJECTION, "calendar.version", "R25"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_difference_names_its_account_and_the_rule_of_what_is_wrong(
    projection: Projection, column: str, rule: str, lived: None, rebuilt: Rebuild, connection: Connection
) -> None:
    table, _, name = column.partition(".")
    wrong = {
        "support": "not support",
        "anchor": "'1999-01-01'",
        "status": "'wrong'",
        "due_at": "'1999-01-01'",
    }
    value = wrong.get(name, f"{name} + 1" if name != "ends_at" else "ends_at + interval '1 day'")
    value = "access_until + interval '1 day'" if name == "access_until" else value
    connection.execute(f"update projections.{table} set {name} = {value} where account_id = %s", [A])
    found = rebuilt(projection, swap=False)
    assert found
    assert {(d.table, d.account, d.rules) for d in found} == {(table, A, (rule,))}
    assert all(f" ({rule}): {name} is " in str(d) for d in found)


def test_the_tables_before_are_kept_until_dropped(
    lived: None, rebuilt: Rebuild, owner_url: str, connection: Connection
) -> None:
    before = all_rows(connection)["accounts"]
    rebuilt(entitlements.PROJECTION)
    rebuilt(entitlements.PROJECTION)
    assert {f"{name}_v{n}" for name in ("accounts", "discounts", "entitlements") for n in (1, 2)} < tables(
        connection
    )
    assert connection.execute("select * from projections.accounts_v1 order by 1").fetchall() == before
    assert drop_old(owner_url, entitlements.PROJECTION) == [
        "accounts_v1",
        "accounts_v2",
        "entitlements_v1",
        "entitlements_v2",
        "discounts_v1",
        "discounts_v2",
    ]
    assert not [name for name in tables(connection) if "_v" in name]
    assert all_rows(connection)["accounts"] == before


def test_the_tables_after_a_swap_have_the_room_for_changes_in_place_of_those_before(
    lived: None, rebuilt: Rebuild, connection: Connection
) -> None:
    options = """
        select relname, reloptions from pg_class
        where relnamespace = 'projections'::regnamespace and relkind = 'r' and relname !~ '_v[0-9]+$'
        order by 1
    """
    before: dict[str, list[str] | None] = dict(connection.execute(options).fetchall())
    assert "fillfactor=70" in (before["entitlements"] or ())
    assert all(before[table.name] for projection in PROJECTIONS for table in projection.tables)
    for projection in PROJECTIONS:
        rebuilt(projection)
    assert dict(connection.execute(options).fetchall()) == before


def test_the_service_still_reads_and_writes_after_a_swap(
    lived: None, rebuilt: Rebuild, billing: Billing, projector: Projector, projector_url: str
) -> None:
    with psycopg.connect(projector_url, autocommit=True) as service:
        for _ in range(8):  # enough for the statement to be prepared
            shown(service, A)
        for projection in PROJECTIONS:
            rebuilt(projection)
        billing.give(A, PurchaseAddon("inbox_preview"), "2026-06-02")
        projector.run_once()
        assert shown(service, A) == folded(billing.log, A)


def test_commands_that_come_meanwhile_are_in_both(
    owner_url: str, billing: Billing, projector: Projector, connection: Connection, rebuilt: Rebuild
) -> None:
    live_a_little(billing, A)

    def more() -> None:
        for account_id in ACCOUNTS[1:]:
            live_a_little(billing, account_id)

    with running(projector):
        commands = Thread(target=more)
        commands.start()
        rounds = 0
        while commands.is_alive() or rounds < 2:
            for projection in PROJECTIONS:
                assert rebuilt(projection) == []
            rounds += 1
        commands.join(60)
        for account_id in ACCOUNTS:
            version = billing.states[account_id].version
            assert wait_for(connection, billing.log, account_id, version, timeout=20)
            assert shown(connection, account_id) == folded(billing.log, account_id)


def test_live_tables_that_are_behind_the_log_are_compared_where_they_are(
    lived: None, rebuilt: Rebuild, billing: Billing, projector: Projector, connection: Connection
) -> None:
    projected = billing.log.last_position()
    live_a_little(billing, "acme/later")
    for projection in PROJECTIONS:
        assert rebuilt(projection) == []
    assert {c.position for c in checkpoints.read_all(connection)} == {projected}
    projector.run_once()
    assert shown(connection, "acme/later") == folded(billing.log, "acme/later")


def test_a_writer_that_holds_the_log_back_is_named(
    lived: None, owner_url: str, billing: Billing, projector: Projector, connection: Connection
) -> None:
    rows = all_rows(connection)
    with psycopg.connect(owner_url, application_name="held open") as writer:

        def held(progress: RebuildProgress) -> None:
            """The live tables go on while it is folded; then a writer neither commits nor ends."""
            if progress.phase == "index":
                live_a_little(billing, "acme/later")
                projector.run_once()
                writer.execute("lock table events in row exclusive mode")

        with (
            closing(PostgresEventLog(owner_url, fence_patience=0.01)) as log,
            pytest.raises(HeldBack, match="application 'held open'"),
        ):
            list(rebuild(owner_url, log, calendar.PROJECTION, watch=held))
    assert all_rows(connection)["invoices"] != rows["invoices"]
    assert {c.generation for c in checkpoints.read(connection, ["calendar"])} == {1}


def test_a_reader_with_a_long_transaction_delays_the_swap_and_sees_one_generation(
    lived: None, rebuilt: Rebuild, owner_url: str, connection: Connection
) -> None:
    with psycopg.connect(owner_url) as reader:
        before = calendar.of_account(reader, A)
        swapping = Thread(target=rebuilt, args=[calendar.PROJECTION])
        swapping.start()
        while not _waits_for_a_table(connection):
            assert swapping.is_alive()
        assert calendar.of_account(reader, A) == before
        reader.rollback()
        swapping.join(60)
    assert {c.generation for c in checkpoints.read(connection, ["calendar"])} == {2}


def test_two_rebuilds_of_one_projection_do_not_meet(
    lived: None,
    owner_url: str,
    billing: Billing,
    rebuilt: Rebuild,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[rebuild.__module__], "LOCK_PATIENCE", 0.1)
    connection.execute("update projections.calendar set clock = 'wall'")
    with ExitStack() as stack:
        first = rebuild(owner_url, billing.log, calendar.PROJECTION)
        stack.callback(first.close)  # type: ignore[attr-defined]
        next(first)
        with pytest.raises(RebuildRunning, match="'calendar'"):
            rebuilt(calendar.PROJECTION)
        assert rebuilt(invoices.PROJECTION) == []
        assert len(list(first)) == len(ACCOUNTS) - 1


def test_what_a_killed_rebuild_left_is_cleared_by_the_next(
    lived: None, rebuilt: Rebuild, connection: Connection
) -> None:
    connection.execute("create table projections.calendar_v2 (leftover integer)")
    connection.execute(
        "insert into projections.checkpoints (projection, lane, generation) values ('calendar_v2', 0, 2)"
    )
    assert rebuilt(calendar.PROJECTION) == []
    assert {c.projection for c in checkpoints.read_all(connection)} == {p.name for p in PROJECTIONS}


@every_projection
def test_a_parked_account_is_parked_in_the_rebuild_too(
    projection: Projection, billing: Billing, projector: Projector, connection: Connection, rebuilt: Rebuild
) -> None:
    live_a_little(billing, A)
    billing.append(A, unreadable())
    live_a_little(billing, ACCOUNTS[1])
    projector.run_once()
    before = {(p.projection, p.account_id, p.version, p.error) for p in parked(connection)}
    assert rebuilt(projection) == []
    assert {(p.projection, p.account_id, p.version, p.error) for p in parked(connection)} == before


ODD = [
    "null",
    "",
    'say "so", then',
    "back\\slash",
    "two\nlines",
    "\\.",
    "]\n[",
    "tab\there",
    "Zoë \U0001f600",
    "{}",
]


def with_clocks(clocks: dict[str, str]) -> Projection:
    """The calendar, where some accounts live on odd clocks."""

    def rows(due: Any) -> Any:
        [[row]] = calendar.PROJECTION.rows(due)
        return ([(row[0], clocks.get(row[0], row[1]), *row[2:])],)

    return replace(calendar.PROJECTION, rows=rows)


@pytest.mark.parametrize("text", ODD, ids=repr)
def test_texts_arrive_as_they_are(text: str, lived: None, rebuilt: Rebuild, connection: Connection) -> None:
    rebuilt(with_clocks({A: text}))
    found = connection.execute("select account_id, clock from projections.calendar order by 1").fetchall()
    assert found == [(account_id, text if account_id == A else "test") for account_id in ACCOUNTS]


def test_what_postgresql_refuses_parks_its_account_alone(
    lived: None, rebuilt: Rebuild, billing: Billing, connection: Connection
) -> None:
    rebuilt(with_clocks({A: "a\0b"}))
    found = connection.execute("select account_id from projections.calendar order by 1").fetchall()
    assert found == [(account_id,) for account_id in ACCOUNTS if account_id != A]
    [entry] = parked(connection)
    version = billing.states[A].version
    assert (entry.projection, entry.account_id, entry.version) == ("calendar", A, version)


def test_an_account_with_a_hole_in_its_history_is_parked_before_it(
    billing: Billing, rebuilt: Rebuild, connection: Connection
) -> None:
    for account_id in ACCOUNTS:
        live_a_little(billing, account_id)
    connection.execute("alter table events disable trigger append_only")
    connection.execute("delete from events where account_id = %s and version = 5", [A])
    for projection in PROJECTIONS:
        rebuilt(projection)
        [entry] = [p for p in parked(connection) if p.projection == projection.name]
        assert (entry.account_id, entry.version) == (A, 6)
    assert shown(connection, ACCOUNTS[1]) == folded(billing.log, ACCOUNTS[1])


def test_a_corrected_fold_reaches_accounts_that_are_quiet(
    lived: None, rebuilt: Rebuild, connection: Connection
) -> None:
    def corrected(state: Any, version: int) -> Any:
        return tuple(
            changed(document, support=not document.support)
            for document in entitlements.FOLD.read(state, version)
        )

    newer = entitlements.FOLD.version + 1
    fold = replace(entitlements.FOLD, version=newer, read=corrected)
    differences = rebuilt(replace(entitlements.PROJECTION, fold=fold))
    assert {d.account for d in differences} == set(ACCOUNTS)
    assert {str(d).partition(" (R")[2] for d in differences} == {"46): support is True, should be False"}
    assert {c.fold for c in checkpoints.read(connection, ["entitlements"])} == {newer}
    document = entitlements.of_account(connection, A)
    assert document is not None
    assert (document.fold, document.support) == (newer, False)


def test_a_rebuild_mends_a_checkpoint_of_another_history(
    lived: None, rebuilt: Rebuild, billing: Billing, connection: Connection, projector_url: str
) -> None:
    connection.execute("update projections.checkpoints set position = 1000000 where projection = 'invoices'")
    connection.execute("delete from projections.invoices")
    assert rebuilt(invoices.PROJECTION) == []
    live_a_little(billing, "acme/later")
    with Projector(projector_url, billing.log) as projector:
        projector.run_once()
    for account_id in (*ACCOUNTS, "acme/later"):
        assert shown(connection, account_id) == folded(billing.log, account_id)


def test_a_projection_that_never_ran_is_built_whole(
    billing: Billing, rebuilt: Rebuild, connection: Connection
) -> None:
    live_a_little(billing, A)
    for projection in PROJECTIONS:
        assert rebuilt(projection) == []
    assert shown(connection, A) == folded(billing.log, A)
    assert {c.position for c in checkpoints.read_all(connection)} == {billing.log.last_position()}


def test_an_empty_log_rebuilds_to_empty_tables(rebuilt: Rebuild, connection: Connection) -> None:
    for projection in PROJECTIONS:
        assert rebuilt(projection) == []
    assert {c.position for c in checkpoints.read_all(connection)} == {0}


def _waits_for_a_table(connection: Connection) -> bool:
    waiting = connection.execute(
        "select from pg_locks where not granted and relation = 'projections.calendar'::regclass"
    ).fetchall()
    return bool(waiting)
