"""The readers in docs/subscribing.md work as they are written there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

import consumers
from consumers.finance_ledger.handler import FinanceLedger
from consumers.runtime import Consumer
from eventlog.migration_source import MigrationSource
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from prorata.roles import CONSUMER, RELAY
from publishing import MIGRATIONS
from publishing.clients import Broker, to
from publishing.relay import run_relay
from publishing.topics import Topics
from tests.support.publishing.histories import append_all, history_of
from tests.support.publishing.promises import FOLDS, folded
from tests.support.roles import kafka_as, migrated

PAGE = Path(__file__).parents[2] / "docs" / "subscribing.md"


@pytest.fixture
def published(database_url: str, kafka_bootstrap: Broker, topic_prefix: str) -> Iterator[PostgresEventLog]:
    """The log of seven accounts on the wall clock, most of them with corrections, and one on a test clock;
    published."""
    migrated(database_url, [EVENTLOG, MIGRATIONS])
    log = PostgresEventLog(database_url)
    histories = {
        f"acme/a-{nth}": history_of(f"acme/a-{nth}", 1, 9, clock="wall", corrected=nth > 1)
        for nth in range(7)
    }
    append_all(log, histories | {"acme/t-1": history_of("acme/t-1", 1)}, 1)
    run_relay(log, kafka_as(kafka_bootstrap, RELAY), database_url, prefix=topic_prefix, once=True)
    yield log
    log.close()


def run_example(client: str, replaced: dict[str, str]) -> dict[str, Any]:
    """The names that the page's program with this client leaves, with these texts instead of others."""
    programs: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [program] = [program for program in programs if f"from {client} import" in program]
    for old, new in replaced.items():
        assert old in program
        program = program.replace(old, new)
    names: dict[str, Any] = {}
    run: Callable[[str, dict[str, Any]], None] = exec
    run(program, names)
    names["consumer"].close()
    return names


def test_the_example_reads_the_access_windows(
    published: PostgresEventLog, kafka_bootstrap: Broker, topic_prefix: str
) -> None:
    names = run_example(
        "kafka",
        {
            "127.0.0.1:9092": ",".join(to(kafka_bootstrap)["bootstrap_servers"]),
            "billing.access-windows.v1": Topics(topic_prefix).access_windows.name,
            'auto_offset_reset="none",': 'auto_offset_reset="none", consumer_timeout_ms=6000,',
        },
    )
    expected = folded(published, FOLDS["billing.access-windows.v1"])
    assert sorted(names["windows"]) == sorted(expected)
    assert sorted(names["heard"]) == list(range(6))


def test_the_example_with_the_other_client_reads_all_events_and_sums_what_was_paid(
    published: PostgresEventLog, database_url: str, kafka_bootstrap: Broker, topic_prefix: str
) -> None:
    names = run_example(
        "confluent_kafka",
        {
            "127.0.0.1:9092": ",".join(to(kafka_bootstrap)["bootstrap_servers"]),
            "billing.events.v1": Topics(topic_prefix).events.name,
            "poll(10)": "poll(6)",
        },
    )
    assert max(names["last"].values()) == published.last_position()
    assert names["paid"] == cash_of_the_ledger(
        published, database_url, kafka_as(kafka_bootstrap, CONSUMER), topic_prefix
    )
    assert min(names["paid"].values()) < max(names["paid"].values())


def cash_of_the_ledger(
    log: PostgresEventLog, database_url: str, broker: Broker, prefix: str
) -> dict[str, Decimal]:
    """What each account on the wall clock has paid, less what went back, as the finance ledger booked it."""
    sources = [MigrationSource(name, folder) for name, folder in consumers.MIGRATIONS]
    migrated(database_url, [EVENTLOG, MIGRATIONS, *sources])
    Consumer(FinanceLedger(), database_url, broker, prefix=prefix).run_once()
    moved = """
        select account_id, sum(case when debit = 'cash' then amount else -amount end)
        from finance_ledger.transfers where clock = 'wall' and 'cash' in (debit, credit) group by account_id
    """
    with psycopg.connect(database_url) as connection:
        return dict(connection.execute(moved).fetchall())
