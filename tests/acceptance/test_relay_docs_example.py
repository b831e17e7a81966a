"""The reader in docs/subscribing.md works as it is written there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eventlog.migrate import EVENTLOG, migrate
from eventlog.postgres import PostgresEventLog
from publishing import MIGRATIONS
from publishing.relay import run_relay
from publishing.topics import Topics
from tests.integration.publishing.histories import append_all, history_of
from tests.integration.publishing.promises import FOLDS, folded

PAGE = Path(__file__).parents[2] / "docs" / "subscribing.md"


def example(replaced: dict[str, str]) -> str:
    """The page's program that imports the client, with these texts instead of others."""
    programs: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [program] = [program for program in programs if "import json" in program]
    for old, new in replaced.items():
        assert old in program
        program = program.replace(old, new)
    return program


def test_the_example_reads_the_access_windows(
    database_url: str, kafka_bootstrap: str, topic_prefix: str
) -> None:
    migrate(database_url, [EVENTLOG, MIGRATIONS])
    log, topics = PostgresEventLog(database_url), Topics(topic_prefix)
    append_all(log, {f"acme/a-{nth}": history_of(f"acme/a-{nth}", 1) for nth in range(5)}, 1)
    run_relay(log, kafka_bootstrap, database_url, prefix=topic_prefix, once=True)
    program = example(
        {
            "127.0.0.1:9092": kafka_bootstrap,
            "billing.access-windows.v1": topics.access_windows.name,
            'auto_offset_reset="none",': 'auto_offset_reset="none", consumer_timeout_ms=3000,',
        }
    )
    names: dict[str, Any] = {}
    run: Callable[[str, dict[str, Any]], None] = exec
    run(program, names)
    names["consumer"].close()
    expected = folded(log, FOLDS["billing.access-windows.v1"])
    assert sorted(names["windows"]) == sorted(expected)
    assert sorted(names["heard"]) == list(range(6))
    log.close()
