"""What a topic of events may not be after a chaos run is found: each test breaks one promise."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from eventlog import StoredEvent
from eventlog.memory import MemoryEventLog
from publishing.topics import partition_of
from scripts.chaos.broker_checks import event_problems
from scripts.chaos.log_checks import rows_of
from scripts.chaos.reading import Published
from tests.support.publishing.histories import append_all, history_of

ACCOUNT = "acme/a-1"
NTH = partition_of(ACCOUNT)


@pytest.fixture(scope="module")
def rows() -> list[StoredEvent]:
    """A log of one account, so that all is in one partition."""
    log = MemoryEventLog()
    append_all(log, {ACCOUNT: history_of(ACCOUNT, 1)}, 3)
    return rows_of(log)


@pytest.fixture
def events(rows: list[StoredEvent]) -> list[Published]:
    """As they have to be in the topic."""
    return [
        Published(row.account_id, row.version, row.position, previous, row.state, row.hash.hex())
        for row, previous in zip(rows, [0, *[row.position for row in rows]], strict=False)
    ]


def problems(events: list[Published], rows: list[StoredEvent]) -> str:
    return "\n".join(event_problems({NTH: events}, rows))


def test_a_topic_that_holds_every_event_once_and_in_order_has_no_problem(
    events: list[Published], rows: list[StoredEvent]
) -> None:
    assert len(events) > 5
    assert problems(events, rows) == ""


def test_a_lost_event_is_found(events: list[Published], rows: list[StoredEvent]) -> None:
    of = f"partition {NTH} of the events: it holds {len(rows) - 1} for {len(rows)} of the log: "
    assert problems(events[:-1], rows) == f"{of}1 lost [{rows[-1].position}]"
    assert problems(events[1:], rows) == f"{of}1 lost [{rows[0].position}]"
    assert "1 lost" in problems([*events[:2], *events[3:]], rows)
    assert f"{len(rows)} lost" in problems([], rows)


def test_a_doubled_event_is_found(events: list[Published], rows: list[StoredEvent]) -> None:
    assert f"1 doubled [{events[2].position}]" in problems([*events[:3], *events[2:]], rows)
    assert "1 doubled" in problems([*events, events[0]], rows)


def test_events_out_of_order_are_found(events: list[Published], rows: list[StoredEvent]) -> None:
    first, second, *rest = events
    assert problems([second, first, *rest], rows).endswith(f": 1 out of order [{first.position}]")


def test_an_event_that_is_in_no_log_is_found(events: list[Published], rows: list[StoredEvent]) -> None:
    """Such as one of a Kafka transaction that was rolled back in the database."""
    assert f"1 not of the log [{rows[-1].position}]" in problems(events, rows[:-1])
    assert "1 not of the log" in "\n".join(
        event_problems({NTH: events, NTH + 1: [replace(events[0], position=99)]}, rows)
    )


@pytest.mark.parametrize("changed", ["state", "hash", "account_id", "version", "previous"])
def test_an_event_with_another_content_or_predecessor_is_found(
    events: list[Published], rows: list[StoredEvent], changed: str
) -> None:
    other = {"state": b"{}", "hash": "00", "account_id": "acme/a-2", "version": 99, "previous": 0}[changed]
    events[3] = replace(events[3], **{changed: other})
    assert problems(events, rows).endswith(f": 1 altered [{events[3].position}]")


def test_an_event_in_another_account_s_partition_is_found(
    events: list[Published], rows: list[StoredEvent]
) -> None:
    found = list(event_problems({NTH: events[:-1], NTH + 1: events[-1:]}, rows))
    assert len(found) == 2
    assert "1 lost" in found[0]
    assert "1 not of the log" in found[1]
