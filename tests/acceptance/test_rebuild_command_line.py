"""`prorata rebuild`: what it finds, how far it is, and how it ends and goes on."""

import os
import signal
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from eventlog.postgres.log import PostgresEventLog
from projections.live.projector import Projector
from projections.tables import Connection
from prorata.migrations import migrations
from tests.support.command_line import PRORATA, CommandLine
from tests.support.projections.fold_driver import Billing
from tests.support.projections.read_models import all_rows, live_a_little
from tests.support.projections.rebuilding import small_units
from tests.support.projections.stopped_rebuild import stopped_at
from tests.support.roles import migrated

ACCOUNTS = [f"main/a-{n}" for n in range(6)]


@pytest.fixture
def billing(database_url: str) -> Iterator[Billing]:
    """A migrated database with some accounts, projected."""
    migrated(database_url, migrations())
    log = PostgresEventLog(database_url)
    billing = Billing(log)
    for account_id in ACCOUNTS:
        live_a_little(billing, account_id)
    with Projector(database_url, log) as projector:
        projector.run_once()
    yield billing
    log.close()


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def test_every_difference_is_a_line_with_account_and_rule_and_the_exit_code_says_so(
    billing: Billing, database_url: str, connection: Connection
) -> None:
    prorata = CommandLine(database_url)
    connection.execute("update projections.accounts set support = not support where account_id = 'main/a-2'")
    found = prorata("rebuild", "entitlements")
    assert found.exit_code == 1
    assert found.out == "accounts main/a-2 (R46): support is False, should be True\n"
    assert "1 differences; the rebuilt tables are live" in found.err
    again = prorata("rebuild", "entitlements", "--no-swap")
    assert (again.exit_code, again.out) == (0, "")
    last = billing.log.last_position()
    assert f"entitlements: folded {last} of at most {last} events" in again.err
    assert "nothing was swapped" in again.err
    assert prorata("rebuild", "entitlements", "--discard").out == (
        "accounts_v1\nentitlements_v1\ndiscounts_v1\n"
    )
    assert prorata("rebuild", "entitlements", "--discard").out == "nothing to drop\n"


def test_a_row_that_cannot_be_read_halts_whoever_meets_it_and_verify_names_it(
    billing: Billing, database_url: str, connection: Connection
) -> None:
    before = all_rows(connection)
    connection.execute("alter table events disable trigger append_only")
    connection.execute("update events set recorded_at = 'infinity' where position = 3")
    prorata = CommandLine(database_url)
    account_id = ACCOUNTS[0]
    for line in ("rebuild entitlements", "rebuild invoices --workers 2", "history a-0"):
        done = prorata(*line.split())
        assert done.exit_code == 4, (line, done.err)
        assert "prorata: row_unreadable: " in done.err
        assert "Traceback" not in done.err
    assert all_rows(connection) == before
    assert f"{account_id!r}" in prorata("verify").out


def test_a_new_read_model_is_one_command(billing: Billing, database_url: str, connection: Connection) -> None:
    done = CommandLine(database_url)("rebuild", "monthly_revenue")
    assert (done.exit_code, done.out) == (0, "")
    [[rows]] = connection.execute("select count(distinct account_id) from projections.monthly_revenue")
    assert rows == len(ACCOUNTS)


def test_one_that_was_stopped_is_gone_on_from_and_it_is_said(
    billing: Billing, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_units(monkeypatch)
    of_units = stopped_at(3, database_url, billing)
    done = CommandLine(database_url)("rebuild", "invoices", "--workers", "2")
    assert (done.exit_code, done.out) == (0, "")
    assert f"going on after 3 of {of_units} units that an interrupted run has done" in done.err
    stopped_at(3, database_url, billing)
    done = CommandLine(database_url)("rebuild", "invoices", "--restart")
    assert "going on" not in done.err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_leaves_the_live_tables_and_what_was_done(
    workers: str, billing: Billing, database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_units(monkeypatch)
    stopped_at(0, database_url, billing)
    before = all_rows(connection)
    with psycopg.connect(database_url) as holder:
        holder.execute(
            "select from projections.rebuild_units where projection = 'invoices' and unit = 4 for update"
        )
        process = subprocess.Popen(
            [PRORATA, "rebuild", "invoices", "--workers", workers],
            env=CommandLine(database_url).environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        while not _someone_waits_for_a_unit(connection):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b""), err.decode()
    assert b"Traceback" not in err
    assert all_rows(connection) == before
    done = CommandLine(database_url)("rebuild", "invoices")
    assert (done.exit_code, done.out) == (0, "")
    assert "going on after" in done.err


def test_what_makes_no_sense_together_is_refused(database_url: str) -> None:
    for option in ("--no-swap", "--restart"):
        refused = CommandLine(database_url)("rebuild", "invoices", "--discard", option)
        assert refused.exit_code == 2
        assert "--discard" in refused.err
    assert CommandLine(database_url)("rebuild", "invoices", "--workers", "0").exit_code == 2


def _someone_waits_for_a_unit(connection: Connection) -> bool:
    waiting = connection.execute(
        "select from pg_stat_activity where wait_event_type = 'Lock' and query like '%%rebuild_units%%' "
        "and datname = current_database()"
    )
    return bool(waiting.fetchall())
