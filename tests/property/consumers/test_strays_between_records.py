"""Random records between the relay's own: nothing passes that the log does not say, and nothing stops."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.consumer.fetcher import ConsumerRecord

from consumers.batches import Letter, read_batch
from consumers.horizon import Horizon
from publishing.envelope import PublishedEvent, Record
from publishing.topics import Topic
from publishing.wire import encoded
from tests.support.consumers.records import (
    EVENTS,
    OFFSET,
    WINDOWS,
    beginning,
    event_records,
    events,
    heartbeat,
    sent,
    state,
    stored_events,
    with_header,
)

FAR = 1 << 60
STORED = stored_events(*["plan_purchased", "addon_purchased", "addon_removed"] * 3)
GENUINE_EVENTS = event_records(STORED)
NUMBERS = st.sampled_from([b"0", b"1", b"2", b"7", b"%d" % FAR, b"-1", b"", b"\xff", b"9" * 400])
NAMES = st.sampled_from(
    ["pos", "prev", "ce_type", "ce_source", "ce_subject", "hash", "fold", "revision", "x"]
)


def altered(records: Sequence[Record]) -> st.SearchStrategy[Record]:
    """One of these with a header, its value or its key changed."""
    return st.one_of(
        st.builds(with_header, st.sampled_from(records), NAMES, st.none() | NUMBERS),
        st.builds(lambda record, value: record._replace(value=value), st.sampled_from(records), st.binary()),
        st.builds(lambda record: record._replace(value=None), st.sampled_from(records)),
        st.builds(lambda record, key: record._replace(key=key), st.sampled_from(records), st.binary()),
        st.builds(lambda record: record._replace(headers=encoded([])), st.sampled_from(records)),
        st.builds(
            lambda record: record._replace(headers=encoded([*record.pairs, *record.pairs])),
            st.sampled_from(records),
        ),
    )


def mixed(
    genuine: Sequence[Record], strays: list[tuple[int, Record]], beats: Sequence[Record]
) -> list[Record]:
    """The strays, each before that genuine record; the relay's heartbeats come behind everything."""
    found: list[Record] = []
    for nth, record in enumerate(genuine):
        found += [stray for at, stray in strays if at == nth]
        found.append(record)
    return [*found, *beats]


def taken_in(topic: Topic, records: Sequence[Record], cuts: list[int]) -> tuple[list[Letter], int]:
    """What a consumer gives its handler, read in pieces; and how many records it refused."""
    checkpoint, letters, waiting = beginning(topic), list[Letter](), list[ConsumerRecord]()
    ends: dict[str, tuple[int, bytes]] = {}
    everything = [sent(record, nth) for nth, record in enumerate(records, OFFSET)]
    borders = sorted({0, *[cut % len(everything) for cut in cuts], len(everything)})
    for start, end in pairwise(borders):
        waiting += everything[start:end]
        batch = read_batch(topic, checkpoint, waiting, Horizon(), ends=ends)
        letters += batch.letters
        checkpoint, waiting = batch.after, waiting[batch.taken :]
    assert waiting == []
    return letters, checkpoint.refused


def stray_before(at: int) -> st.SearchStrategy[tuple[int, Record]]:
    """Made of what was published until then: what nobody has seen nobody can copy."""
    return st.tuples(st.just(at), altered(GENUINE_EVENTS[:at]))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 8).flatmap(stray_before), min_size=1, max_size=6),
    st.lists(st.integers(0, 99), max_size=3),
)
def test_every_genuine_event_is_taken_in_once_and_nothing_else(strays: Any, cuts: list[int]) -> None:
    beats = [heartbeat(EVENTS, STORED[-1].position)] * 2
    letters, refused = taken_in(EVENTS, mixed(GENUINE_EVENTS, strays, beats), cuts)
    messages = [letter.message for letter in letters if isinstance(letter.message, PublishedEvent)]
    assert [message.event for message in messages] == STORED
    assert [letter for letter in letters if letter.message is None] == []
    assert refused == len(strays)


GENUINE_STATES = [state("a/1", 1, revision) for revision in (3, 5, 8)] + [state("a/2", 1, 9)]
BEYOND = st.builds(
    state, st.sampled_from(["a/1", "a/2"]), st.sampled_from([1, 1 << 30]), st.integers(10, FAR)
)
STATES = st.tuples(st.integers(0, 3), altered(GENUINE_STATES) | BEYOND)


@settings(max_examples=100, deadline=None)
@given(st.lists(STATES, min_size=1, max_size=6), st.lists(st.integers(0, 99), max_size=3))
def test_no_state_is_taken_in_that_the_relay_did_not_write(strays: Any, cuts: list[int]) -> None:
    beats = [heartbeat(WINDOWS, 9, fold=1)] * 2
    letters, _ = taken_in(WINDOWS, mixed(GENUINE_STATES, strays, beats), cuts)
    values = {record.value for record in GENUINE_STATES}
    assert {letter.record.value for letter in letters} <= values
    newest = {letter.key: letter.record.value for letter in letters}
    assert newest == {b"a/1": GENUINE_STATES[2].value, b"a/2": GENUINE_STATES[3].value}


def test_records_of_these_tests_are_taken_in_as_they_are() -> None:
    letters, refused = taken_in(EVENTS, events("plan_purchased", "addon_removed"), [])
    assert (len(letters), refused) == (2, 0)
