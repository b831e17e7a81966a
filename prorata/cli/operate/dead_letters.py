"""`prorata dlq`: records that a consumer could not handle, and the keys that wait behind them."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from domain.texts import escaped
from prorata.cli.terminal.failures import complain
from prorata.settings import Settings

if TYPE_CHECKING:
    from consumers.checkpoints import Connection
    from consumers.dead_letters import DeadLetter

Consumer = Annotated[str, Parameter(help="Which consumer, such as entitlement_cache.")]
Key = Annotated[str, Parameter(help="The parked key, as `dlq list` shows it.")]


def list_(*, json: Annotated[bool, Parameter(negative="", help="One JSON object a line.")] = False) -> int:
    """Every parked key: where, since when, how many records wait, and why."""
    from consumers.dead_letters import all_parked
    from prorata.cli.terminal.tables import console, table

    with _connection() as connection:
        found = all_parked(connection)
    shown = table("consumer", "key", "topic", ">waiting", "since", "error")
    for entry in found:
        key, since = _text(entry.key), f"{entry.parked_at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
        if json:
            print(msgspec.json.encode({**asdict(entry), "key": key}).decode())
        else:
            shown.add_row(entry.consumer, key, entry.topic, str(entry.records), since, escaped(entry.error))
    if not json:
        console().print(shown if found else "nothing is parked")
    return 0


def show(consumer: Consumer, key: Key) -> int:
    """The parked records of a key, in order, with everything that was read: one JSON object a line."""
    with _connection() as connection:
        for letter in _letters(connection, consumer, key):
            print(jsonlib.dumps(_shown(letter), ensure_ascii=False))
    return 0


def refused(
    consumer: Consumer,
    *,
    seen: Annotated[bool, Parameter(negative="", help="Somebody has looked: count anew.")] = False,
) -> int:
    """Where a consumer refused records that the relay cannot have written: how many, the last one, and why.

    Exit 1: there are any.
    """
    from consumers.checkpoints import forget_refused
    from consumers.checkpoints import refused as refusals
    from prorata.cli.terminal.tables import console, table

    with _connection() as connection:
        found = [one for one in refusals(connection) if one.consumer == consumer]
        if seen:
            forget_refused(connection, consumer)
    shown = table("topic", ">partition", ">refused", ">last offset", "why")
    for one in found:
        shown.add_row(one.topic, str(one.partition), str(one.records), str(one.last_offset), one.last_reason)
    console().print(shown if found else "nothing was refused")
    return 1 if found and not seen else 0


def release(
    consumer: Consumer,
    key: Key,
    *,
    without_unreadable: Annotated[
        bool,
        Parameter(negative="", help="Leave out what is no event of the log: altered, or forged."),
    ] = False,
) -> int:
    """Handle the parked records of a key, in order, and let it go on; all of them, or none.

    Exit 1: one still cannot be handled (said on stderr), and the key stays parked.
    """
    import psycopg

    from consumers.effects import release as released
    from consumers.errors import ConsumerError
    from consumers.registry import handler_named
    from publishing.topics import Topics

    handler = handler_named(consumer)
    prefix = Settings.of().kafka_prefix
    with _connection() as connection:
        letters = _letters(connection, consumer, key)
        for name, parked_key in sorted({(letter.topic, bytes(letter.key)) for letter in letters}):
            topic = Topics(prefix).find(name.removeprefix(prefix))
            try:
                done = released(connection, handler, topic, parked_key, without_unreadable=without_unreadable)
            except (psycopg.OperationalError, ConsumerError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is printed, and nothing has changed
                complain("still_parked", f"{type(error).__name__}: {error}")
                return 1
            print(f"{done} records of {key} in {name} handled")
    return 0


@contextmanager
def _connection() -> Iterator[Connection]:
    from eventlog.postgres.connect import connect

    with connect(Settings.of().database_url, "prorata dlq") as connection:
        yield connection


def _letters(connection: Connection, consumer: str, key: str) -> list[DeadLetter]:
    from consumers.dead_letters import parked

    found = [letter for letter in parked(connection, consumer) if _text(letter.key) == key]
    if not found:
        raise InvalidInput(
            "not_parked", "KEY", f"{key!r} is not parked by {consumer!r}: see `prorata dlq list`"
        )
    return found


def _text(content: bytes) -> str:
    """The content on one line: hexadecimal if it is not UTF-8, with escapes for what is not printable."""
    return escaped(bytes(content).decode(errors="backslashreplace"))


def _shown(letter: DeadLetter) -> dict[str, Any]:
    headers = zip(letter.header_names, letter.header_values, strict=True)
    return {
        "consumer": letter.consumer,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.record_offset,
        "key": _text(letter.key),
        "sent_at": letter.sent_at.isoformat(),
        "parked_at": letter.parked_at.isoformat(),
        "error": letter.error,
        "headers": {name: _text(value) for name, value in headers},
        "value": None if letter.value is None else _text(letter.value),
    }
