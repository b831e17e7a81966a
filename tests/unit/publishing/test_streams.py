"""What the streams publish depends on the log alone: not on pages, restarts or other accounts."""

from __future__ import annotations

import json
import logging
import random

import pytest

from domain.commands import PurchasePlan
from eventlog import EventLog, Head
from eventlog.memory import MemoryEventLog
from publishing.envelope import PublishedEvent, PublishedState, Record, decode
from publishing.streams import EventStream, StateStream, Stream
from publishing.topics import Topics
from tests.support.projections.fold_driver import Billing, unreadable
from tests.support.publishing.histories import append_all, history_of
from tests.support.publishing.promises import FOLDS, folded

TOPICS = Topics()


@pytest.fixture
def log() -> MemoryEventLog:
    """Some accounts' events, mixed."""
    log = MemoryEventLog()
    append_all(
        log, {f"acme/a-{nth}": history_of(f"acme/a-{nth}", 3, corrected=nth % 2 == 1) for nth in range(8)}, 3
    )
    return log


def records_of(stream: Stream, log: EventLog, *sizes: int) -> list[Record]:
    """All records, made of pages of these sizes in turn."""
    records: list[Record] = []
    after, last = 0, (0,) * TOPICS.partitions
    for nth in range(10_000):
        page = log.read_settled(after, sizes[nth % len(sizes)])
        if not page:
            return records
        made, last = stream.records(page, last)
        records += made
        after = page[-1].position
    raise AssertionError("the log does not end")


def newest(records: list[Record]) -> dict[tuple[str, str], bytes]:
    """The last value of each topic and key."""
    return {(record.topic, record.key.decode()): record.value for record in records}


@pytest.mark.parametrize("sizes", [(1000,), (1,), (7, 1, 40)])
def test_events_name_the_one_before_them_in_their_partition_whatever_the_pages(
    log: MemoryEventLog, sizes: tuple[int, ...]
) -> None:
    records = records_of(EventStream(log, TOPICS), log, *sizes)
    assert records == records_of(EventStream(log, TOPICS), log, 13)
    last = dict.fromkeys(range(TOPICS.partitions), 0)
    for record, stored in zip(records, log.read_settled(0, 10_000), strict=True):
        message = decode(TOPICS.events, record.key, record.value, record.pairs)
        assert isinstance(message, PublishedEvent)
        assert (message.event, message.prev) == (stored, last[record.partition])
        last[record.partition] = stored.position


@pytest.mark.parametrize("sizes", [(1000,), (1,), (7, 1, 40)])
@pytest.mark.parametrize("remembered", [1, 1000])
def test_states_are_what_the_folds_say_whatever_the_pages_and_the_memory(
    log: MemoryEventLog, sizes: tuple[int, ...], remembered: int
) -> None:
    records = records_of(StateStream(log, TOPICS, remembered=remembered), log, *sizes)
    expected = {
        (base, key): value for base, fold in FOLDS.items() for key, value in folded(log, fold).items()
    }
    assert newest(records) == expected


@pytest.mark.parametrize("remembered", [2, 1000])
def test_every_event_and_state_says_its_accounts_clock_wherever_a_relay_begins(
    log: MemoryEventLog, remembered: int
) -> None:
    billing = Billing(log)
    billing.open("acme/w", "2026-03-20", clock="wall")
    billing.open("acme/t", "2026-03-20", clock="test")
    for account_id in ("acme/w", "acme/t"):
        billing.give(account_id, PurchasePlan("standard"), "2026-03-21")
    events, states = log.read_settled(0, 10_000), records_of(StateStream(log, TOPICS), log, 50)
    for begin in range(0, len(events), 7):
        stream = EventStream(log, TOPICS, remembered_clocks=remembered)
        records, after = list[Record](), events[begin].position
        while page := log.read_settled(after, 13):
            records += stream.records(page, (0,) * TOPICS.partitions)[0]
            after = page[-1].position
        for record in (*records, *states):
            said = "wall" if record.key.startswith(b"acme/w") else "test"
            assert dict(record.pairs)["ce_clock"].decode() == said
            if record.topic != TOPICS.events.name:
                assert json.loads(record.value)["clock"] == said


def test_an_account_that_no_opening_begins_is_published_without_a_clock() -> None:
    log = MemoryEventLog()
    log.append("acme/x", Head.NONE, [unreadable()])
    [record] = records_of(EventStream(log, TOPICS), log, 10)
    assert "ce_clock" not in dict(record.pairs)


def test_a_page_given_again_after_a_failure_gives_the_same_records(log: MemoryEventLog) -> None:
    stream, rnd, last = StateStream(log, TOPICS), random.Random(11), (0,) * TOPICS.partitions
    untroubled = StateStream(log, TOPICS)
    after = 0
    while page := log.read_settled(after, 10):
        expected, _ = untroubled.records(page, last)
        for _ in range(rnd.randint(0, 2)):
            stream.records(page[: rnd.randint(1, len(page))], last)  # a transaction that came to nothing
        assert stream.records(page, last)[0] == expected
        after = page[-1].position


def test_each_states_revision_is_the_position_of_the_event_that_made_it(log: MemoryEventLog) -> None:
    for record in records_of(StateStream(log, TOPICS), log, 25):
        topic = next(topic for topic in TOPICS.public if topic.name == record.topic)
        state = decode(topic, record.key, record.value, record.pairs)
        assert isinstance(state, PublishedState)
        stored = log.at_position(state.revision)
        assert stored is not None
        assert stored.account_id == state.account_id
        assert dict(record.pairs)["ce_time"] == stored.recorded_at.isoformat().encode()
        assert record.partition == topic.partition_of(state.account_id)


def test_an_account_that_cannot_be_read_is_left_out_and_the_others_go_on(
    log: MemoryEventLog, caplog: pytest.LogCaptureFixture
) -> None:
    before = folded(log, FOLDS["billing.entitlements.v1"])
    log.append("acme/a-3", log.head("acme/a-3"), [unreadable()])
    append_all(log, {"acme/b-1": history_of("acme/b-1", 3)}, 4)
    with caplog.at_level(logging.ERROR, "publishing.streams"):
        states = newest(records_of(StateStream(log, TOPICS), log, 9))
    assert states["billing.entitlements.v1", "acme/a-3"] == before["acme/a-3"]
    assert ("billing.entitlements.v1", "acme/b-1") in states
    assert "account_id='acme/a-3'" in caplog.text
