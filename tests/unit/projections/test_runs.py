"""Which checkpoints move next, together, and up to where."""

from uuid import uuid4

from domain.calendar import parse_moment
from eventlog import NewEvent, StoredEvent
from eventlog.memory import MemoryEventLog
from projections.live.checkpoints import BEFORE_ALL, Checkpoint, LogPoint
from projections.live.lanes import ALL_LANES, lane_of, shards_of
from projections.live.runs import LaneRun, read, runs


def at(name: str, lane: int, place: LogPoint) -> Checkpoint:
    return Checkpoint(name, lane, 1, 1, place.position, place.hash, 0)


def place(position: int) -> LogPoint:
    return LogPoint(position, bytes([position]) * 32)


def everywhere(name: str, where: LogPoint) -> list[Checkpoint]:
    return [at(name, lane, where) for lane in ALL_LANES]


def shape(run: LaneRun) -> tuple[list[str], range, int, int | None]:
    return run.names, run.lanes, run.place.position, run.meeting and run.meeting.position


def event_of(log: MemoryEventLog, account_id: str) -> StoredEvent:
    new = NewEvent(uuid4(), None, "anything", 1, parse_moment("2026-04-01", "UTC"), None, b"{}")
    [stored] = log.append(account_id, log.head(account_id), [new])
    return stored


def account_in(lane: int, nth: int = 0) -> str:
    found = [f"acme/a-{n}" for n in range(1000) if lane_of(f"acme/a-{n}") == lane]
    return found[nth]


def test_every_shard_is_in_one_lane() -> None:
    assert [shard for lane in ALL_LANES for shard in shards_of(range(lane, lane + 1))] == list(range(64))


def test_all_at_one_place_are_one_run() -> None:
    found = everywhere("a", place(7)) + everywhere("b", place(7))
    assert [shape(run) for run in runs(found, {})] == [(["a", "b"], ALL_LANES, 7, None)]


def test_the_furthest_behind_come_first_and_stop_where_the_next_ones_are() -> None:
    found = everywhere("a", place(7)) + everywhere("b", place(3))
    assert [shape(run) for run in runs(found, {})] == [(["b"], ALL_LANES, 3, 7), (["a"], ALL_LANES, 7, None)]


def test_lanes_that_are_no_neighbours_are_runs_of_their_own() -> None:
    found = [at("a", lane, place(3 if lane in (0, 1, 5) else 7)) for lane in ALL_LANES]
    assert [shape(run)[1:] for run in runs(found, {})] == [
        (range(2), 3, 7),
        (range(5, 6), 3, 7),
        (range(2, 5), 7, None),
        (range(6, 8), 7, None),
    ]


def test_none_goes_beyond_its_limit() -> None:
    limits = {("a", lane): place(5 if lane < 4 else 3) for lane in ALL_LANES}
    assert [shape(run)[1:] for run in runs(everywhere("a", place(3)), limits)] == [(range(4), 3, 5)]


def test_a_full_page_ends_at_its_last_event_and_one_that_is_not_at_the_meeting() -> None:
    log = MemoryEventLog()
    stored = [event_of(log, account_in(0)) for _ in range(3)]
    meeting = event_of(log, account_in(1))
    run = LaneRun((), range(1), BEFORE_ALL, LogPoint(meeting.position, meeting.hash))
    full, rest = read(log, run, 2, None), read(log, run, 10, None)
    assert full is not None
    assert rest is not None
    assert (full.events, full.end.position) == (stored[:2], 2)
    assert (rest.events, rest.end) == (stored, LogPoint(meeting.position, meeting.hash))


def test_lanes_without_an_event_come_to_the_meeting_all_the_same() -> None:
    log = MemoryEventLog()
    event_of(log, account_in(1))
    meeting = event_of(log, account_in(2))
    event_of(log, account_in(3))
    run = LaneRun((), range(1), BEFORE_ALL, LogPoint(meeting.position, meeting.hash))
    quiet = read(log, run, 10, None)
    assert quiet is not None
    assert (quiet.events, quiet.end.position) == ([], meeting.position)


def test_lanes_are_not_moved_while_readers_are_held_back() -> None:
    class HeldBack(MemoryEventLog):
        def read_settled(self, after: int, limit: int, shards: range | None = None) -> list[StoredEvent]:
            return []

    assert read(HeldBack(), LaneRun((), range(1), BEFORE_ALL, place(9)), 10, None) is None


def test_nothing_is_read_beyond_the_position_asked_for() -> None:
    log = MemoryEventLog()
    stored = [event_of(log, account_in(lane)) for lane in (0, 1, 0, 1)]
    some = read(log, LaneRun((), ALL_LANES, BEFORE_ALL, None), 10, until=3)
    assert some is not None
    assert (some.events, some.end.position) == (stored[:3], 3)
    assert read(log, LaneRun((), ALL_LANES, some.end, None), 10, until=3) is None
