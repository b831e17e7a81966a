"""`prorata status` is never well while something that should run does not: each component is stopped alone,
and named with the command that starts it."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from publishing.clients import Broker
from scripts.servers.processes import free_port
from tests.support.command_line import OPEN, PRORATA, CommandLine, Done, step
from tests.support.eventlog.sessions import until

STATES = "select name from operations.processes where ended_at is null"
PASS = """
    update operations.processes
    set beat_at = beat_at + %(time)s::interval, turned_at = turned_at + %(time)s::interval
    where pid = %(pid)s
"""

Running = dict[str, subprocess.Popen[bytes]]


@pytest.fixture
def prorata(database_url: str, kafka_bootstrap: Broker, topic_prefix: str) -> CommandLine:
    """A database with an account, and topics."""
    prorata = CommandLine(database_url, kafka_bootstrap, topic_prefix)
    assert prorata("migrate").exit_code == 0
    assert prorata.commands(OPEN, step("2026-03-20", "purchase_plan", product="standard")).exit_code == 0
    for command in ("relay --once", "ledger recognise"):
        assert prorata(*command.split()).exit_code == 0
    return prorata


@pytest.fixture
def running(prorata: CommandLine, tmp_path: Path) -> Iterator[Running]:
    """Every long-running process there is, by name."""
    commands = {
        "bill": ["bill"],
        "project": ["project"],
        "relay": ["relay"],
        "consume:entitlement_cache": ["consume", "entitlement_cache"],
        "consume:finance_ledger": ["consume", "finance_ledger"],
        f"archive:{tmp_path}": ["archive", "run", str(tmp_path)],
        "metrics": ["metrics", "--port", str(free_port())],
    }
    begun = {
        name: subprocess.Popen([PRORATA, *command], env=prorata.environment, stdout=subprocess.DEVNULL)
        for name, command in commands.items()
    }
    yield begun
    for process in begun.values():
        process.kill()
        process.wait()


def asked(prorata: CommandLine) -> Done:
    return prorata("status", "--json", "--patience", "30", timeout=110)


def troubles(prorata: CommandLine) -> list[str]:
    done = asked(prorata)
    [status] = done.answers
    found: list[str] = status["troubles"]
    assert done.exit_code == (1 if found else 0)
    return found


def test_each_process_that_is_killed_makes_a_status_that_is_not_well(
    prorata: CommandLine, running: Running, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        until(lambda: {name for (name,) in connection.execute(STATES)} == running.keys())
        until(lambda: not troubles(prorata))
        for name, process in running.items():
            process.kill()
            process.wait()
            # Time passes for its row alone, and for the next one's turn it is as if it had not died.
            connection.execute(PASS, {"time": "-30 seconds", "pid": process.pid})
            [trouble] = troubles(prorata)
            assert trouble.startswith(f"{name} does not run")
            assert "start it with `prorata " in trouble
            connection.execute(PASS, {"time": "1 hour", "pid": process.pid})


def test_a_database_that_is_away_is_not_well(kafka_bootstrap: Broker) -> None:
    prorata = CommandLine("postgresql://prorata@127.0.0.1:1/prorata", kafka_bootstrap)
    assert prorata("status").exit_code == 3


def test_a_process_offers_its_health_at_a_port_of_loopback(prorata: CommandLine) -> None:
    port = free_port()
    with subprocess.Popen(
        [PRORATA, "relay", "--health", str(port)], env=prorata.environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            until(lambda: _answers(port, "healthz") and _answers(port, "readyz"))
        finally:
            process.terminate()
        assert process.wait(30) == 0


def test_before_the_migrations_a_status_says_so(database_url: str) -> None:
    done = CommandLine(database_url)("status")
    assert done.exit_code != 0
    assert done.err.startswith("prorata: not_migrated: ")


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
            return bool(answer.read() == b"ok\n")
    except (urllib.error.URLError, ConnectionError):
        return False
