"""Runs: which checkpoints move next, together, and up to which position.

Normally all projections are at one position in all lanes, and there is one run. After a rebuild, or after a
worker took lanes over, those furthest behind go first, up to where the next ones are, then on with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from eventlog import EventLog, StoredEvent
from projections.live.checkpoints import Checkpoint, LogPoint
from projections.live.lanes import LANES, shards_of

Limits = Mapping[tuple[str, int], LogPoint]
"""(projection, lane) → the point at which its checkpoint stops."""


class LaneRun(msgspec.Struct, frozen=True):
    """Checkpoints of the same projections in adjacent lanes, all at `place`. They stop at `meeting`, where
    other checkpoints are, or at their limit; None: they do not stop."""

    checkpoints: tuple[Checkpoint, ...]
    lanes: range
    place: LogPoint
    meeting: LogPoint | None

    @property
    def names(self) -> list[str]:
        """The names of the projections."""
        return [c.projection for c in self.checkpoints if c.lane == self.lanes.start]


class RunChunk(msgspec.Struct, frozen=True):
    """The next events of a run's lanes: all of them up to `end`, inclusive."""

    events: list[StoredEvent]
    end: LogPoint


def runs(found: Sequence[Checkpoint], limits: Limits) -> Iterator[LaneRun]:
    """The runs that there are to do, those furthest behind first."""
    places = sorted({c.place for c in found})
    for nth, place in enumerate(places):
        later = places[nth + 1 : nth + 2]
        by_lane: dict[int, list[Checkpoint]] = {}
        for checkpoint in found:
            if checkpoint.place == place and _may_move(checkpoint, limits):
                by_lane.setdefault(checkpoint.lane, []).append(checkpoint)
        for lanes in _matching_lanes(by_lane, limits):
            members = tuple([c for lane in lanes for c in by_lane[lane]])
            stops = [limits[key] for key in map(_key, members) if key in limits]
            yield LaneRun(members, lanes, place, min(later + stops, default=None))


def _matching_lanes(by_lane: Mapping[int, Sequence[Checkpoint]], limits: Limits) -> Iterator[range]:
    """Ranges of adjacent lanes with the same projections and the same limits."""

    def kind(numbered: tuple[int, int]) -> object:
        nth, lane = numbered
        return lane - nth, [(c.projection, limits.get(_key(c))) for c in by_lane[lane]]

    for _, group in groupby(enumerate(sorted(by_lane)), key=kind):
        lanes = [lane for _, lane in group]
        yield range(lanes[0], lanes[-1] + 1)


def _may_move(checkpoint: Checkpoint, limits: Limits) -> bool:
    limit = limits.get(_key(checkpoint))
    return limit is None or checkpoint.position < limit.position


def _key(checkpoint: Checkpoint) -> tuple[str, int]:
    return checkpoint.projection, checkpoint.lane


def read(log: EventLog, run: LaneRun, page: int, until: int | None) -> RunChunk | None:
    """Up to `page` settled events of the run's lanes, up to the position `until` (inclusive); None if there
    is nothing to do now."""
    after, shards = run.place.position, None if len(run.lanes) == LANES else shards_of(run.lanes)
    meeting = run.meeting if until is None or run.meeting is None or run.meeting.position <= until else None
    last = until if meeting is None else meeting.position
    if last is not None and last <= after:
        return None
    events = log.read_settled(after, page, shards)
    if events:
        return _up_to(events, last, None if _cut_before(events, page, meeting) else meeting)
    if shards is None or meeting is None:
        return None
    # Either these lanes have no event up to the meeting, or an open transaction holds readers back. The
    # events of the other lanes tell which.
    events = log.read_settled(after, page)
    chunk = _up_to(events, last, None)
    return chunk and RunChunk([stored for stored in chunk.events if stored.shard in shards], chunk.end)


def _cut_before(events: Sequence[StoredEvent], page: int, meeting: LogPoint | None) -> bool:
    """Whether there may be more events before the meeting than this page holds."""
    return meeting is None or (len(events) == page and events[-1].position < meeting.position)


def _up_to(events: list[StoredEvent], last: int | None, meeting: LogPoint | None) -> RunChunk | None:
    if last is not None:
        events = [stored for stored in events if stored.position <= last]
    if meeting is not None:
        return RunChunk(events, meeting)
    return RunChunk(events, LogPoint(events[-1].position, events[-1].hash)) if events else None
