"""The hash chain: what a hash covers, and how a history that was tampered with is found."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from struct import pack
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from eventlog import NO_HASH, Head, StoredEvent, event_hash, hash_of, verify_account
from eventlog.appending import chained_rows
from tests.support.eventlog.sample_events import LOG_ID, NOON, an_append

VECTOR: dict[str, Any] = {
    "account_id": "acme/Zoë-1",
    "version": 2,
    "event_id": UUID("7f9c24e5-2b1d-4d67-8d1a-3c5e6f708192"),
    "command_id": None,
    "event_type": "addon_purchased",
    "schema_version": 1,
    "effective_at": datetime(2026, 4, 5, 8, 30, tzinfo=UTC),
    "recorded_at": datetime(2026, 4, 5, 8, 30, 0, 250_000, tzinfo=UTC),
    "actor": "",
    "state": b'{"type":"addon_purchased"}',
    "previous_hash": bytes(range(32)),
}
VECTOR_HASH = "05f125416c9917840f20a9c1b77e696812faee0481f9c64be1ac11aafbbc5524"


def test_the_hash_of_the_documented_vector() -> None:
    assert event_hash(LOG_ID, **VECTOR).hex() == VECTOR_HASH


def test_the_vector_is_the_one_in_the_document() -> None:
    document = (Path(__file__).parents[3] / "docs" / "eventlog.md").read_text()
    shown = [
        str(LOG_ID),
        VECTOR["account_id"],
        str(VECTOR["event_id"]),
        VECTOR["state"].decode(),
        VECTOR_HASH,
    ]
    assert [value for value in shown if f"`{value}`" not in document] == []


def test_the_layout_is_the_documented_one() -> None:
    """Written a second time, as an auditor would from the document alone."""

    def text(value: str) -> bytes:
        return pack(">I", len(value.encode())) + value.encode()

    def number(value: int) -> bytes:
        return pack(">Iq", 8, value)

    layout = (
        pack(">I", 16) + LOG_ID.bytes,
        text("acme/Zoë-1"),
        number(2),
        pack(">I", 16) + VECTOR["event_id"].bytes,
        b"\xff\xff\xff\xff",
        text("addon_purchased"),
        number(1),
        number(1_775_377_800_000_000),
        number(1_775_377_800_250_000),
        pack(">I", 0),
        text('{"type":"addon_purchased"}'),
        pack(">I", 32) + bytes(range(32)),
    )
    assert event_hash(LOG_ID, **VECTOR) == sha256(b"".join(layout)).digest()


OTHER_VALUES: dict[str, Any] = {
    "account_id": "acme/Zoë-2",
    "version": 3,
    "event_id": uuid4(),
    "command_id": "",
    "event_type": "addon_purchase",
    "schema_version": 2,
    "effective_at": VECTOR["effective_at"] + timedelta(microseconds=1),
    "recorded_at": VECTOR["recorded_at"] - timedelta(microseconds=1),
    "actor": None,
    "state": b'{"type":"addon_purchased"} ',
    "previous_hash": NO_HASH,
}


@pytest.mark.parametrize("field", VECTOR)
def test_every_field_changes_the_hash(field: str) -> None:
    assert event_hash(LOG_ID, **(VECTOR | {field: OTHER_VALUES[field]})) != event_hash(LOG_ID, **VECTOR)


def test_the_log_s_id_changes_the_hash() -> None:
    assert event_hash(uuid4(), **VECTOR) != event_hash(LOG_ID, **VECTOR)


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_text_cannot_move_from_one_field_to_the_next(a: str, b: str, c: str, d: str) -> None:
    one = event_hash(LOG_ID, **(VECTOR | {"command_id": a, "event_type": b}))
    other = event_hash(LOG_ID, **(VECTOR | {"command_id": c, "event_type": d}))
    assert (one == other) == ((a, b) == (c, d))


def test_an_instant_without_a_time_zone_has_no_hash() -> None:
    with pytest.raises(TypeError, match="offset-naive"):
        event_hash(LOG_ID, **(VECTOR | {"effective_at": datetime(2026, 4, 5)}))  # noqa: DTZ001


def history(count: int = 5, account_id: str = "acme/a") -> list[StoredEvent]:
    """An account's events, as a log stored them."""
    sealed = chained_rows(LOG_ID, an_append(account_id, count=count), NOON)
    return [replace(event, position=nth) for nth, event in enumerate(sealed, 1)]


def rewritten(event: StoredEvent, **changes: Any) -> StoredEvent:
    """The event changed by someone who also computed its hash anew."""
    changed = replace(event, **changes)
    return replace(changed, hash=hash_of(LOG_ID, changed))


@given(st.integers(0, 6), st.data())
def test_a_history_that_was_left_alone_is_whole_from_any_head_on(count: int, data: st.DataObject) -> None:
    events = history(count) if count else []
    assert verify_account(LOG_ID, events) is None
    cut = data.draw(st.integers(0, count))
    after = events[cut - 1].head if cut else Head.NONE
    assert verify_account(LOG_ID, iter(events[cut:]), after=after) is None


def test_position_and_shard_may_change_since_they_say_where_a_row_lies() -> None:
    moved = [replace(event, position=event.position + 1_000, shard=0) for event in history()]
    assert verify_account(LOG_ID, moved) is None


ALTERATIONS: dict[str, Any] = {
    "event_id": uuid4(),
    "command_id": None,
    "type": "addon_removed",
    "schema_version": 2,
    "recorded_at": NOON + timedelta(days=1),
    "effective_at": NOON,
    "actor": "owner:u-2",
    "state": b"{}",
    "previous_hash": b"\x01" * 32,
    "hash": b"\x01" * 32,
}


@pytest.mark.parametrize("field", ALTERATIONS)
def test_an_altered_event_is_named(field: str) -> None:
    events = history()
    events[2] = replace(events[2], **{field: ALTERATIONS[field]})
    problem = verify_account(LOG_ID, events)
    assert problem is not None
    assert (problem.kind, problem.account_id, problem.version) == ("altered", "acme/a", 3)


Tampering = Callable[[list[StoredEvent]], list[StoredEvent]]


@pytest.mark.parametrize(
    ("tamper", "kind", "version"),
    [
        (lambda e: e[1:], "missing", 1),
        (lambda e: e[:2] + e[3:], "missing", 3),
        (lambda e: [e[0], e[2], e[1], *e[3:]], "reordered", 2),
        (lambda e: e[::-1], "reordered", 1),
        (lambda e: [*e[:2], e[1], *e[2:]], "repeated", 3),
        (lambda e: [*e[:2], e[0], *e[3:]], "repeated", 3),
        (lambda e: [*e[:2], history(account_id="acme/b")[2], *e[3:]], "misplaced", 3),
        (lambda e: [*e[:2], rewritten(e[2], state=b"{}"), *e[3:]], "unlinked", 4),
        (lambda e: [*e[:2], rewritten(e[2], previous_hash=NO_HASH), *e[3:]], "unlinked", 3),
        (lambda e: [*e[:4], rewritten(e[4], recorded_at=NOON - timedelta(hours=1))], "backdated", 5),
        (lambda e: [rewritten(e[0], previous_hash=b"\x01" * 32), *e[1:]], "unlinked", 1),
    ],
)
def test_the_first_place_that_was_tampered_with_is_named(tamper: Tampering, kind: str, version: int) -> None:
    problem = verify_account(LOG_ID, tamper(history()))
    assert problem is not None
    assert (problem.kind, problem.version) == (kind, version)
    assert str(problem).startswith(f"{kind}: account 'acme/a', version {version}: ")


def test_events_of_another_log_do_not_verify() -> None:
    problem = verify_account(uuid4(), history())
    assert problem is not None
    assert (problem.kind, problem.version) == ("altered", 1)


def test_a_history_does_not_follow_another_head() -> None:
    events = history()
    problem = verify_account(LOG_ID, events[2:], after=replace(events[1].head, hash=b"\x01" * 32))
    assert problem is not None
    assert (problem.kind, problem.version) == ("unlinked", 3)


def test_a_consumer_of_the_chain_needs_no_database() -> None:
    loaded = (
        "import sys, eventlog.chain; heavy = ('psycopg', 'eventsourcing', 'domain.events', 'domain.money'); "
        "print(*(name for name in heavy if name in sys.modules))"
    )
    root = Path(__file__).parents[3]
    assert subprocess.check_output([sys.executable, "-c", loaded], cwd=root, text=True).strip() == ""
