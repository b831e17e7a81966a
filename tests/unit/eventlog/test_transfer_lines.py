"""A log as a file of JSON lines is read back as it was, and an altered file is refused with the line and the
reason."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidInput
from eventlog import Head
from eventlog.memory import MemoryEventLog
from eventlog.records import StoredEvent
from eventlog.transfer.lines import Reading, written
from tests.support.eventlog.sample_events import LOG_ID, new_event
from tests.support.publishing.histories import append_all, history_of

MADE = datetime(2026, 1, 1, 12, 0, 0, 654_321, tzinfo=UTC)


@lru_cache(maxsize=1)
def events() -> tuple[StoredEvent, ...]:
    log = MemoryEventLog(log_id=LOG_ID)
    names = [f"acme/Zoë-{nth}" for nth in range(4)]
    append_all(log, {name: history_of(name, 7, corrected=True) for name in names}, 7)
    return tuple(log.read_settled(0, 100_000))


@lru_cache(maxsize=1)
def lines() -> tuple[bytes, ...]:
    return tuple(written(LOG_ID, MADE, events()))


def read(text: bytes) -> list[StoredEvent]:
    reading = Reading(io.BytesIO(text))
    found = list(reading.events())
    assert reading.holds.events == len(found)
    return found


def refused(text: bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as refusal:
        read(text)
    assert refusal.value.code == "invalid_export"
    return refusal.value


def test_what_was_written_is_read_and_written_again_byte_for_byte() -> None:
    found = read(b"".join(lines()))
    assert found == list(events())
    assert tuple(written(LOG_ID, MADE, found)) == lines()


def test_an_empty_log_is_a_file_too() -> None:
    assert read(b"".join(written(LOG_ID, MADE, []))) == []


def test_bytes_that_cannot_stand_in_a_line_are_kept_too() -> None:
    log = MemoryEventLog(log_id=LOG_ID)
    log.append("acme/a1", Head.NONE, [new_event(state=b' {"type":\n "addon_purchased"}\xff')])
    [_, line, _] = written(LOG_ID, MADE, log.read_settled(0, 10))
    assert b'"state_hex":"207b' in line


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_a_file_in_which_any_byte_was_changed_is_refused(seed: int) -> None:
    rnd = random.Random(seed)
    text = bytearray(b"".join(lines()))
    place = rnd.randrange(len(text))
    other = rnd.choice([byte for byte in range(256) if byte != text[place]])
    text[place] = other
    refused(bytes(text))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_a_file_in_which_lines_were_taken_out_doubled_or_swapped_is_refused(seed: int) -> None:
    rnd, changed = random.Random(seed), list(lines())
    nth = rnd.randrange(len(changed) - 1)
    match rnd.randrange(3):
        case 0:
            del changed[nth]
        case 1:
            changed.insert(nth, changed[nth])
        case _:
            changed[nth], changed[nth + 1] = changed[nth + 1], changed[nth]
    refused(b"".join(changed))


@pytest.mark.parametrize("cut", [0, 1, 40, 5_000, -1, -2, -60])
def test_a_file_that_was_cut_off_is_refused(cut: int) -> None:
    assert "line " in refused(b"".join(lines())[:cut]).place


def test_an_altered_line_is_named_with_what_is_wrong_with_it() -> None:
    changed = list(lines())
    changed[3] = changed[3].replace(b"standard", b"premium_")
    refusal = refused(b"".join(changed))
    assert refusal.place == "line 4"
    assert "altered: account 'acme/Zoë-" in refusal.message


def test_a_history_whose_chain_was_made_anew_still_needs_the_digest_of_the_file() -> None:
    """Who computes hashes can write another file: a seal of the log tells."""
    whole = msgspec.json.decode(lines()[-1])
    forged = msgspec.json.encode({**whole, "events": whole["events"] - 1}) + b"\n"
    assert "events of" in refused(b"".join([*lines()[:-1], forged])).message


def test_something_behind_the_last_line_is_refused() -> None:
    assert "follows" in refused(b"".join(lines()) + b"\n").message


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000 + b"\n",
        b'{"position":9223372036854775808}\n',
        b"\xff\xfe\n",
        b'{"position":1,"colour":2}\n',
    ],
)
def test_hostile_lines_are_refused(line: bytes) -> None:
    assert refused(lines()[0] + line).place == "line 2"
