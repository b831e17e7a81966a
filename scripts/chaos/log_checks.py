"""Checks of the log once everything is quiet: each function yields what does not hold.

`rows` is the whole log, in order; `entries` are those of all journals.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from eventlog import EventLog, StoredEvent, verify_account
from scripts.chaos.journal import Answered, Entry, Given, Lost, Sent, Stored

_PAGE: Final = 2_000
_TEMPORARY: Final = ("payment_in_progress", "payment_cancelled")
"""Answers that record nothing, so that the same line may later get another answer."""

INTENTS: Final = ("payment_started", "cycles_renewed")


def rows_of(log: EventLog) -> list[StoredEvent]:
    """The whole log, read as followers do."""
    rows: list[StoredEvent] = []
    while page := log.read_settled(rows[-1].position if rows else 0, _PAGE):
        rows += page
    return rows


def chain_problems(log: EventLog, rows: Sequence[StoredEvent], stored: int) -> Iterator[str]:
    """Check versions for gaps, every hash, and that positions and ids are unique; `stored`: the table's
    number of rows."""
    if len(rows) != stored:
        yield f"the table holds {stored} events, and its followers read {len(rows)}"
    for name, values in (("position", [r.position for r in rows]), ("event id", [r.event_id for r in rows])):
        for value, times in Counter(values).items():
            if times > 1:
                yield f"{name} {value} stands in the log {times} times"
    for account_id, history in _by_account(rows).items():
        if (problem := verify_account(log.log_id, history)) is not None:
            yield f"{account_id}: {problem}"


def append_problems(rows: Sequence[StoredEvent], entries: Sequence[Entry], tenant: str) -> Iterator[str]:
    """Check that acknowledged appends are stored as acknowledged, refused ones not at all, those with an
    unknown outcome whole or not at all, and that nothing else is stored."""
    found = {row.event_id: row for row in rows if row.account_id.startswith(f"{tenant}/")}
    sent: dict[tuple[UUID, ...], Sent] = {e.ids: e for e in entries if isinstance(e, Sent)}
    for entry in entries:
        if isinstance(entry, Stored):
            for event_id, row in zip(entry.ids, entry.rows, strict=True):
                stored = found.get(event_id)
                if stored is None:
                    yield f"event {event_id} was acknowledged at position {row.position} and is not there"
                elif (stored.position, stored.version, stored.hash.hex()) != (
                    row.position,
                    row.version,
                    row.hash,
                ):
                    yield f"event {event_id} was acknowledged as {row} and is {stored}"
        elif isinstance(entry, Lost):
            for event_id in entry.ids:
                if event_id in found:
                    yield f"event {event_id} was refused for a conflict and is there"
    for ids, append in sent.items():
        there = [found.pop(event_id, None) for event_id in ids]
        versions = [None if row is None else row.version for row in there]
        expected = list(range(append.version + 1, append.version + 1 + len(ids)))
        if any(versions) and versions != expected:
            yield f"of an append to {append.account} after version {append.version} there is {versions}"
    for event_id in found:
        yield f"event {event_id} is in the log and nobody sent it"


def command_problems(rows: Sequence[StoredEvent], entries: Sequence[Entry], tenant: str) -> Iterator[str]:
    """Check that every command is answered, done at most once and as answered, and that repeats get the same
    answer."""
    given = {entry.id for entry in entries if isinstance(entry, Given)}
    own = [row for row in rows if row.account_id.startswith(f"{tenant}/")]
    concluding = [row for row in own if row.type not in (*INTENTS, "payment_cancelled")]
    done = Counter((row.command_id, row.type) for row in concluding if row.command_id is not None)
    for (command_id, _), times in done.items():
        if times > 1:
            yield f"command {command_id} was done {times} times"
        if command_id not in given:
            yield f"command {command_id} is in the log and nobody gave it"
    answers = _answers(entries)
    for command_id in given - answers.keys():
        yield f"command {command_id} was never answered"
    at = {(row.account_id, row.version): row for row in own}
    for command_id, found in answers.items():
        recorded = [answer for answer in found if answer["events"] and answer["code"] not in _TEMPORARY]
        if any(answer != recorded[0] for answer in recorded):
            yield f"command {command_id} was answered in different ways: {recorded}"
        for answer in recorded[:1]:
            row = at.get((f"{tenant}/{answer['account']}", answer["version"]))
            if row is not None and row.type == "credit_applied":  # it was recorded with the command's events
                row = at.get((row.account_id, row.version - 1))
            if row is None or row.type not in answer["events"] or row.command_id != command_id:
                yield f"command {command_id} was answered {answer}, and the log has {row}"


def _answers(entries: Sequence[Entry]) -> dict[str, list[dict[str, Any]]]:
    answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        if isinstance(entry, Answered):
            answers[entry.id].append(entry.answer)
    return answers


def _by_account(rows: Sequence[StoredEvent]) -> dict[str, list[StoredEvent]]:
    histories: dict[str, list[StoredEvent]] = defaultdict(list)
    for row in rows:
        histories[row.account_id].append(row)
    return histories
