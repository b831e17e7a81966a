"""`prorata status` and the metrics say how everything stands, and name what a person has to look at."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest

from publishing.clients import Broker
from scripts.servers.processes import free_port
from tests.support.command_line import OPEN, PRORATA, CommandLine, step


@pytest.fixture
def prorata(database_url: str, kafka_bootstrap: Broker, topic_prefix: str) -> CommandLine:
    """Everything is at work, and up to date."""
    prorata = CommandLine(database_url, kafka_bootstrap, topic_prefix)
    prorata.environment["PRORATA_EXPECTED"] = "none"
    assert prorata("migrate").exit_code == 0
    assert prorata.commands(OPEN, step("2026-03-20", "purchase_plan", product="standard")).exit_code == 0
    for command in (["project"], ["relay"], ["consume", "entitlement_cache"]):
        assert prorata(*command, "--once").exit_code == 0
    return prorata


def test_all_is_well_when_everything_is_up_to_date(prorata: CommandLine) -> None:
    done = prorata("status", "--json", "--patience", "30")
    assert done.exit_code == 0, done
    [status] = done.answers
    assert status["troubles"] == []
    assert {lag["name"]: lag["position"] for lag in status["relays"]} == {
        "events": status["log_position"],
        "state": status["log_position"],
    }
    assert {lag["seconds"] for lag in status["projections"]} == {0.0}
    [consumer] = status["consumers"]
    assert consumer["name"] == "entitlement_cache"
    assert 0 <= consumer["seconds"] < 60
    assert prorata("status", "--patience", "30").out.endswith("all is well\n")


def test_before_there_are_topics_the_relays_have_no_position_and_lag(
    database_url: str, kafka_bootstrap: Broker, topic_prefix: str
) -> None:
    prorata = CommandLine(database_url, kafka_bootstrap, topic_prefix)
    assert prorata("migrate").exit_code == 0
    assert prorata.commands(OPEN).exit_code == 0
    [status] = prorata("status", "--json", "--patience", "30", timeout=60).answers
    assert [(lag["name"], lag["position"]) for lag in status["relays"]] == [("events", None), ("state", None)]
    assert all(lag["seconds"] > 0 for lag in status["relays"])


def test_what_lags_is_said_with_its_lag(prorata: CommandLine) -> None:
    assert prorata.commands(step("2026-04-05", "purchase_addon", product="surveys")).exit_code == 0
    [status] = prorata("status", "--json", "--patience", "30").answers
    assert all(lag["seconds"] > 0 for lag in (*status["projections"], *status["relays"]))


def test_a_halted_relay_stays_known_until_it_is_mended(prorata: CommandLine, database_url: str) -> None:
    """A log restored from a backup holds another event where one was published."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table events disable trigger append_only")
        last = "select max(position) from events"
        [[kept]] = connection.execute(f"select hash from events where position = ({last})").fetchall()
        connection.execute(f"update events set hash = sha256('other') where position = ({last})")
        assert prorata("relay", "--once").exit_code == 4
        done = prorata("status", "--patience", "30")
        assert done.exit_code == 1
        assert "halted" in done.out
        assert "log_differs" in done.out
        connection.execute(f"update events set hash = %s where position = ({last})", [kept])
    assert prorata("relay", "--once").exit_code == 0
    assert prorata("status", "--patience", "30").exit_code == 0


def test_parked_keys_are_counted(prorata: CommandLine, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table finance_ledger.invoices add check (number <> 1)")
    assert prorata("consume", "finance_ledger", "--once").exit_code == 0
    [status] = prorata("status", "--json", "--patience", "30").answers
    assert status["parked"] == [{"name": "finance_ledger", "keys": 1}]
    assert status["troubles"] == ["finance_ledger: 1 parked"]


def test_a_broker_that_is_away_is_said_and_the_rest_is_known(database_url: str) -> None:
    prorata = CommandLine(database_url)
    assert prorata("migrate").exit_code == 0
    done = prorata("status", "--json")
    assert done.exit_code == 1
    [status] = done.answers
    assert status["broker"] is False
    assert status["projections"]


@pytest.fixture
def scraped(prorata: CommandLine) -> Iterator[Callable[[], str]]:
    """Asks the metrics as Prometheus does."""
    port = free_port()
    served = subprocess.Popen([PRORATA, "metrics", "--port", str(port)], env=prorata.environment)

    def scrape() -> str:
        while True:
            assert served.poll() is None
            with (
                suppress(urllib.error.URLError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer,
            ):
                text = str(answer.read().decode())
                if 'prorata_processes{name="metrics"} ' in text:  # it announces itself while it serves
                    return text
            time.sleep(0.05)

    yield scrape
    served.terminate()
    assert served.wait(30) == 0


def test_prometheus_gets_the_same_figures(scraped: Callable[[], str]) -> None:
    text = scraped()
    assert "prorata_database_up 1.0" in text
    assert "prorata_overdue_accounts 0.0" in text
    assert 'prorata_processes{name="metrics"} ' in text
    assert 'prorata_skipped_records{name="entitlement_cache"} 0.0' in text
    assert "prorata_troubles 0.0" in text
    assert 'prorata_lag_seconds{kind="projection",name="entitlements"} 0.0' in text
    assert 'prorata_position{kind="relay",name="events"}' in text


def test_metrics_listen_on_loopback_and_a_port_that_is_used_is_a_sentence(prorata: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        for command in ("metrics --port", "bill --health"):
            done = prorata(*command.split(), str(port))
            assert done.exit_code == 2
            assert done.err.startswith(f"prorata: port_unusable: port {port} of 127.0.0.1 is in use")


def test_records_of_types_that_a_consumer_does_not_know_are_no_all_is_well(
    prorata: CommandLine, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update consumers.partitions set skipped = 1 where partition = 0")
    [status] = prorata("status", "--json", "--patience", "30").answers
    [trouble] = status["troubles"]
    assert "`prorata replay entitlement_cache`" in trouble


def test_a_status_fits_80_columns(prorata: CommandLine) -> None:
    del prorata.environment["PRORATA_EXPECTED"]
    done = prorata("status", "--patience", "30")
    assert done.exit_code == 1
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_process_that_is_gone_for_good_is_forgotten(prorata: CommandLine, database_url: str) -> None:
    del prorata.environment["PRORATA_EXPECTED"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into operations.processes (id, name, host, pid, version, turned_at, doing, ended_at) "
            "values (gen_random_uuid(), 'metrics', 'here', 1, '1', now(), 'stopped', now())"
        )
    assert "metrics does not run" in " ".join(prorata("status", "--patience", "30").out.split())
    assert prorata("status", "--forget", "metrics").exit_code == 0
    assert "metrics" not in prorata("status", "--patience", "30").out
    assert prorata("status", "--forget", "metrics").exit_code == 2


def test_a_locked_table_is_not_waited_for_and_said(prorata: CommandLine, database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("lock table projections.calendar in access exclusive mode")
        [status] = prorata("status", "--json", "--patience", "30").answers
        assert [said.partition(" could")[0] for said in status["troubles"]] == ["overdue accounts"]
