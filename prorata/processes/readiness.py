"""Check that a process can work: its servers answer, the migrations are applied, and it has not halted."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from eventlog.errors import MigrationError, WrongDatabase
from eventlog.postgres.connect import connect
from eventlog.postgres.migrate import missing
from prorata.redaction import redacted
from prorata.settings import Settings
from publishing.halts import RELAYS, Halt
from publishing.holding import transactional_id

PATIENCE: int = 2
"""Seconds to wait for a server's answer."""


def problems(settings: Settings, name: str) -> Sequence[str]:
    """A sentence for each thing that keeps the process of this name from its work."""
    kind = name.partition(":")[0]
    found = list(_of_database(settings, name))
    if kind in ("relay", "consume", "archive"):
        found += _of_broker(settings)
    return found


def _of_database(settings: Settings, name: str) -> Sequence[str]:
    from prorata.migrations import migrations

    try:
        with connect(settings.database_url, f"prorata {name}, readiness", patience=PATIENCE) as connection:
            lacking = [missed for source in migrations() for missed in missing(connection, source)]
            if lacking:
                return [f"the database lacks migrations ({', '.join(lacking)}): run `prorata migrate`"]
            return [f"{halt.name} halted: {halt.message}" for halt in _halts(connection, settings, name)]
    except psycopg.Error as error:
        return [f"the database does not answer: {redacted(str(error).partition(chr(10))[0])}"]
    except (MigrationError, WrongDatabase) as error:
        return [str(error)]


def _halts(
    connection: psycopg.Connection[tuple[object, ...]], settings: Settings, name: str
) -> Sequence[Halt]:
    from consumers.halts import CONSUMERS

    kind, _, what = name.partition(":")
    if kind == "relay":
        prefix = transactional_id(what or settings.kafka_prefix, "")
        return [halt for halt in RELAYS.all(connection) if halt.name.startswith(prefix)]
    if kind == "consume":
        return [halt for halt in CONSUMERS.all(connection) if halt.name == what]
    return []


def _of_broker(settings: Settings) -> Sequence[str]:
    from publishing.topics import answers

    return [] if answers(settings.broker, PATIENCE) else ["the broker does not answer"]
