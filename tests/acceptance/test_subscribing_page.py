"""The readers in docs/subscribing.md work as they are written there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from publishing import MIGRATIONS
from publishing.relay import run_relay
from publishing.topics import Topics
from tests.support.publishing.histories import append_all, history_of
from tests.support.publishing.promises import FOLDS, folded
from tests.support.roles import migrated

PAGE = Path(__file__).parents[2] / "docs" / "subscribing.md"


@pytest.fixture
def published(database_url: str, kafka_bootstrap: str, topic_prefix: str) -> Iterator[PostgresEventLog]:
    """The log of five accounts, published."""
    migrated(database_url, [EVENTLOG, MIGRATIONS])
    log = PostgresEventLog(database_url)
    append_all(log, {f"acme/a-{nth}": history_of(f"acme/a-{nth}", 1) for nth in range(5)}, 1)
    run_relay(log, kafka_bootstrap, database_url, prefix=topic_prefix, once=True)
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
    published: PostgresEventLog, kafka_bootstrap: str, topic_prefix: str
) -> None:
    names = run_example(
        "kafka",
        {
            "127.0.0.1:9092": kafka_bootstrap,
            "billing.access-windows.v1": Topics(topic_prefix).access_windows.name,
            'auto_offset_reset="none",': 'auto_offset_reset="none", consumer_timeout_ms=6000,',
        },
    )
    expected = folded(published, FOLDS["billing.access-windows.v1"])
    assert sorted(names["windows"]) == sorted(expected)
    assert sorted(names["heard"]) == list(range(6))


def test_the_example_with_the_other_client_reads_the_events_without_a_gap(
    published: PostgresEventLog, kafka_bootstrap: str, topic_prefix: str
) -> None:
    names = run_example(
        "confluent_kafka",
        {
            "127.0.0.1:9092": kafka_bootstrap,
            "billing.events.v1": Topics(topic_prefix).events.name,
            "poll(10)": "poll(6)",
        },
    )
    paid: dict[str, Decimal] = {}
    for stored in published.read_settled(0, 10_000):
        if stored.type == "invoice_paid":
            amount = Decimal(json.loads(stored.state)["amount"])
            paid[stored.account_id] = paid.get(stored.account_id, Decimal()) + amount
    assert names["paid"] == paid
    assert paid
    assert max(names["last"].values()) == published.last_position()
