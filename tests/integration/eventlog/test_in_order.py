"""The whole log in order, streamed: every event once, however blocks and statements cut it."""

from collections.abc import Iterator

import pytest

from eventlog import SHARDS, LogUnavailable, StoredEvent
from eventlog.codec import kind
from eventlog.postgres import log_stream
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.log_stream import LogChunk
from tests.support.eventlog.sample_events import given_history
from tests.support.eventlog.sessions import Session, end_others, insert, until


@pytest.fixture
def written(log: PostgresEventLog) -> list[StoredEvent]:
    """Accounts in several shards, events between one another, burnt positions between them."""
    return [event for nth in range(20) for event in given_history(log, f"acme/{nth % 7}", nth % 3 + 1)]


def rows_of(blocks: Iterator[LogChunk]) -> list[tuple[object, ...]]:
    return [
        row
        for b in blocks
        for row in zip(
            b.positions,
            b.account_ids,
            b.versions,
            b.kinds.split(","),
            b.states,
            b.recorded_at,
            strict=True,
        )
    ]


def rows_as_read(events: list[StoredEvent]) -> list[tuple[object, ...]]:
    return [
        (e.position, e.account_id, e.version, kind(e.type, e.schema_version), e.state, e.recorded_at)
        for e in events
    ]


@pytest.mark.parametrize("block", [1, 3, 100])
@pytest.mark.parametrize("page", [1, 2, 7, 10_000])
def test_blocks_join_to_the_whole_log(
    log: PostgresEventLog,
    written: list[StoredEvent],
    page: int,
    block: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_stream, "BLOCK", block)
    blocks = list(log.in_order(page=page))
    assert all(1 <= len(one) <= min(block, page) for one in blocks)
    assert rows_of(iter(blocks)) == rows_as_read(written)


def test_a_reader_goes_on_after_the_last_event_it_has(
    log: PostgresEventLog, written: list[StoredEvent]
) -> None:
    assert rows_of(log.in_order(after=written[4].position)) == rows_as_read(written[5:])
    assert list(log.in_order(after=written[-1].position)) == []


def test_an_empty_log_has_no_blocks(log: PostgresEventLog) -> None:
    assert list(log.in_order()) == []


@pytest.mark.parametrize("width", [1, 8, 9, 32])
def test_ranges_of_shards_share_it_out(log: PostgresEventLog, written: list[StoredEvent], width: int) -> None:
    for first in range(0, SHARDS, width):
        shards = range(first, min(first + width, SHARDS))
        found = rows_of(log.in_order(shards=shards, page=3))
        assert found == rows_as_read([event for event in written if event.shard in shards])


def test_what_is_appended_meanwhile_is_for_the_next_reading(
    log: PostgresEventLog, written: list[StoredEvent]
) -> None:
    reading = log.in_order(page=5)
    first = next(reading)
    later = given_history(log, "acme/later", 2)
    assert rows_of(iter([first, *reading])) == rows_as_read(written)
    assert rows_of(log.in_order(after=written[-1].position)) == rows_as_read(later)


def test_nothing_behind_an_open_transaction_is_read(
    log: PostgresEventLog, session: Session, service_url: str
) -> None:
    impatient = PostgresEventLog(service_url, fence_patience=0)
    with session.transaction():
        slow = insert(session, "acme/slow")
        [fast] = given_history(log, "acme/fast", 1)
        assert list(impatient.in_order()) == []
    assert [position for block in impatient.in_order() for position in block.positions] == [
        slow,
        fast.position,
    ]
    impatient.close()


def test_after_a_lost_connection_a_reader_goes_on_where_it_was(
    log: PostgresEventLog, written: list[StoredEvent], session: Session
) -> None:
    reading = log.in_order(page=3)
    first = next(reading)
    end_others(session)
    with pytest.raises(LogUnavailable):
        list(reading)
    rest = log.in_order(after=first.positions[-1])
    assert rows_of(iter([first, *rest])) == rows_as_read(written)


def test_a_reader_that_leaves_early_leaves_no_session_behind(
    log: PostgresEventLog, written: list[StoredEvent], session: Session
) -> None:
    def sessions() -> int:
        [[count]] = session.execute(
            "select count(*) from pg_stat_activity where datname = current_database()"
        ).fetchall()
        assert isinstance(count, int)
        return count

    before = sessions()
    reading = log.in_order(page=10)
    next(reading)
    assert sessions() == before + 1
    reading.close()
    until(lambda: sessions() == before)
