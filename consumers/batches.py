"""From a partition's records to what is to be done with them: pure, with the proof that none is missing.

    batch = read_batch(topic, checkpoint, records, horizon)
    batch.letters                       # for the handler
    waiting = records[batch.taken :]    # what comes next decides what these are

Whoever can write to a topic can put records between the relay's. Those that cannot be its own are refused:
counted in the checkpoint, and otherwise as if they were not there. The relay's events are a chain, each names
the one before it; its states never go beyond the heartbeats that follow them.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
from kafka.consumer.fetcher import ConsumerRecord
from msgspec.structs import replace

from consumers.checkpoints import PartitionCheckpoint
from consumers.errors import ConsumerHalted, HaltCode
from consumers.horizon import UNKNOWN, Horizon, heartbeat_of
from eventlog.records import NO_HASH, StoredEvent
from publishing.contract import known_types
from publishing.envelope import (
    HEARTBEAT_KEY,
    HEARTBEAT_TYPE,
    Heartbeat,
    PublishedEvent,
    PublishedState,
    decode,
)
from publishing.errors import EnvelopeUnreadable
from publishing.topics import Topic

_HEARTBEAT: Final = HEARTBEAT_TYPE.encode()

MOST_WAITING: Final = 10_000
"""Records, behind one that waits, after which it is decided: no transaction of a relay is as long."""

_IN_A_ROW: Final = 2
"""Heartbeats that have to say the same before they outweigh what was known."""


Ends: TypeAlias = MutableMapping[str, tuple[int, bytes]]
"""Version and hash of the last event of each account that was seen."""


class Letter(msgspec.Struct, frozen=True):
    """A record for the handler: its message, or what makes it unreadable."""

    record: ConsumerRecord
    message: PublishedEvent | PublishedState | None
    error: str | None = None

    @property
    def key(self) -> bytes:
        key: bytes | None = self.record.key
        return b"" if key is None else key


class Batch(msgspec.Struct, frozen=True):
    """Records in order, and the checkpoint before and after them.

    `taken`: how many of the records these are; what the next one is only later records can tell. `undecided`:
    the halt that it is if none does.
    """

    before: PartitionCheckpoint
    after: PartitionCheckpoint
    letters: tuple[Letter, ...]
    taken: int
    undecided: ConsumerHalted | None = None


def read_batch(
    topic: Topic,
    before: PartitionCheckpoint,
    records: Sequence[ConsumerRecord],
    horizon: Horizon = UNKNOWN,
    most: int | None = None,
    ends: Ends | None = None,
) -> Batch:
    """What the records say, or the first `most` of them. `ends` is brought up to date.

    Raises ConsumerHalted where two heartbeats in a row contradict what was taken in. Of a state topic only
    the newest state of each key is left.
    """
    reading: _Reading
    if topic.kind == "events":
        reading = _Events(topic, before, records, horizon, {} if ends is None else ends)
    else:
        reading = _States(topic, before, records, horizon)
    for nth, record in enumerate(records[:most]):
        if not reading.take(nth, record):
            break
    letters = reading.letters if topic.kind == "events" else newest_of(reading.letters)
    return Batch(before, reading.after, tuple(letters), reading.taken, reading.undecided)


def read_letter(topic: Topic, record: ConsumerRecord) -> Letter:
    """The record's message, or why it has none."""
    try:
        message = decode(topic, record.key, record.value, record.headers)
    except EnvelopeUnreadable as unreadable:
        return Letter(record, None, unreadable.reason)
    if isinstance(message, Heartbeat):
        return Letter(record, None, "it is a heartbeat")
    if topic.partition_of(message.account_id) != record.partition:
        return Letter(record, None, f"account {message.account_id!r} has another partition")
    if isinstance(message, PublishedEvent) and not message.is_intact():
        return Letter(record, None, "its fields do not give its hash: it was altered after it was appended")
    return Letter(record, message)


def is_last_of(checkpoint: PartitionCheckpoint, record: ConsumerRecord) -> bool:
    """Whether the record is the event that was taken in last there."""
    headers = dict(record.headers)
    known = b"%d" % checkpoint.last_position, checkpoint.last_hash
    return record.offset == checkpoint.last_offset and (headers.get("pos"), headers.get("hash", b"")) == known


class _Reading:
    """A batch while it is read."""

    def __init__(
        self, topic: Topic, before: PartitionCheckpoint, records: Sequence[ConsumerRecord], horizon: Horizon
    ) -> None:
        self.after = before
        self.letters: list[Letter] = []
        self.taken = 0
        self.undecided: ConsumerHalted | None = None
        self._topic = topic
        self._records = records
        self._horizon = horizon
        self._known = {of_type.encode() for of_type in known_types(topic)}

    def take(self, nth: int, record: ConsumerRecord) -> bool:
        """Take the record in, or refuse it; False: that is not decided yet."""
        headers = dict(record.headers)
        if record.key == HEARTBEAT_KEY or headers.get("ce_type") == _HEARTBEAT:
            self._hear(record)
        elif not self._follow(nth, record, headers):
            return False
        self.after = replace(self.after, next_offset=record.offset + 1)
        self.taken = nth + 1
        return True

    def _follow(self, nth: int, record: ConsumerRecord, headers: Mapping[str, bytes | None]) -> bool:
        raise NotImplementedError

    def _refuse(self, record: ConsumerRecord, reason: str) -> bool:
        """Count it; it changes nothing else."""
        self.after = replace(
            self.after,
            refused=self.after.refused + 1,
            refused_offset=record.offset,
            refused_reason=reason[:500].replace("\0", "\\0"),
        )
        return True

    def _is_of_this_log(self, message: PublishedEvent | PublishedState) -> bool:
        return self.after.log_id in (None, message.log_id)

    def _hear(self, record: ConsumerRecord) -> None:
        """A heartbeat is believed if it contradicts nothing. One that does leaves it unknown how fresh all
        is; the second in a row halts."""
        found = heartbeat_of(self._topic, record)
        if found is None:
            self._refuse(record, "it is no heartbeat, and has the key or the type of one")
            return
        heartbeat, before = found[1], self.after
        code: HaltCode = "log_restored"
        if before.log_id not in (None, heartbeat.log_id):
            code, problem = "foreign_log", f"it is of log {heartbeat.log_id}, not {before.log_id}"
        elif heartbeat.position < before.last_position:
            if self._horizon.outweighs(before.last_position, record.offset):
                self._refuse(record, "a heartbeat that names a lower position than a later one does")
                return
            problem = (
                f"the log ends at position {heartbeat.position}, and {before.last_position} was taken in"
            )
        else:
            self._believe(record, heartbeat)
            return
        if before.doubts + 1 >= _IN_A_ROW:
            raise _halted(code, before, record, problem)
        self._refuse(record, problem)
        self.after = replace(self.after, doubts=before.doubts + 1, heartbeat_at=None)

    def _believe(self, record: ConsumerRecord, heartbeat: Heartbeat) -> None:
        at: datetime | None = heartbeat.log_time
        if heartbeat.position < (self.after.heartbeat_position or 0):
            self._refuse(
                record, "it names a lower position than the heartbeat before it: one of them is forged"
            )
            at = None
        self.after = replace(
            self.after,
            log_id=heartbeat.log_id,
            heartbeat_position=heartbeat.position,
            heartbeat_at=at,
            doubts=0,
        )


class _Events(_Reading):
    """The events topic: each event names the one before it in the partition, and that of its account."""

    def __init__(
        self,
        topic: Topic,
        before: PartitionCheckpoint,
        records: Sequence[ConsumerRecord],
        horizon: Horizon,
        ends: Ends,
    ) -> None:
        super().__init__(topic, before, records, horizon)
        self._ends = ends

    def _follow(self, nth: int, record: ConsumerRecord, headers: Mapping[str, bytes | None]) -> bool:
        letter = read_letter(self._topic, record)
        message = letter.message
        if not isinstance(message, PublishedEvent):
            return self._unreadable(nth, letter, headers)
        position, last = message.event.position, self.after.last_position
        if not self._is_of_this_log(message):
            return self._refuse(record, f"it is of log {message.log_id}, not {self.after.log_id}")
        if position <= last:
            return self._refuse(record, f"position {position} after {last}: it is there already, or forged")
        if self._horizon.contradicts(position, record.offset):
            return self._refuse(record, f"position {position} is beyond what the relay had published then")
        follows = message.prev in self._predecessors()
        if (problem := self._breaks_its_account(message.event, follows=follows)) is not None:
            return self._refuse(record, problem)
        if not follows:
            if any(self._is_next(later) for later in self._records[nth + 1 :]):
                return self._refuse(record, f"it follows position {message.prev}; another follows {last}")
            problem = f"it follows position {message.prev}, and the last one read is {last}"
            self.undecided = _halted("gap", self.after, record, problem)
            return False
        self._ends[message.account_id] = message.event.version, message.event.hash
        if headers["ce_type"] in self._known:
            self.letters.append(letter)
        else:
            self.after = replace(self.after, skipped=self.after.skipped + 1)
        self.after = replace(
            self.after,
            log_id=message.log_id,
            last_position=position,
            last_offset=record.offset,
            last_hash=message.event.hash.hex().encode(),
            astray_position=None,
        )
        return True

    def _unreadable(self, nth: int, letter: Letter, headers: Mapping[str, bytes | None]) -> bool:
        """It is the next event, altered, only if another event follows it: then it parks its account."""
        chained, last = _chained(headers), self.after.last_position
        reason = letter.error or "it is no event"
        if chained is not None and chained[1] == last < chained[0]:
            for later in self._records[nth + 1 :]:
                following = self._event_in(later)
                if following is not None and following.prev in (last, chained[0]):
                    if following.prev == chained[0]:
                        self.letters.append(letter)
                        self._ends.pop(letter.key.decode(errors="replace"), None)
                        self.after = replace(self.after, astray_position=chained[0])
                    break
        return self._refuse(letter.record, reason)

    def _predecessors(self) -> tuple[int | None, ...]:
        return self.after.last_position, self.after.astray_position

    def _is_next(self, record: ConsumerRecord) -> bool:
        """Whether the record is an event that follows what was taken in last."""
        event = self._event_in(record)
        return event is not None and event.prev in self._predecessors()

    def _event_in(self, record: ConsumerRecord) -> PublishedEvent | None:
        """The event that a later record is, if it can be one of what comes next."""
        message = read_letter(self._topic, record).message
        if not isinstance(message, PublishedEvent) or not self._is_of_this_log(message):
            return None
        end = self._ends.get(message.account_id, (0, NO_HASH))
        is_later = message.event.position > self.after.last_position and message.event.version > end[0]
        return message if is_later else None

    def _breaks_its_account(self, event: StoredEvent, *, follows: bool) -> str | None:
        """A copy of an event has a hash that holds, whatever position it is given."""
        end = self._ends.get(event.account_id)
        if end is None:
            end = (0, NO_HASH) if event.version == 1 else (event.version - 1, event.previous_hash)
        if (event.version - 1, event.previous_hash) == end:
            return None
        if event.version <= end[0]:
            return f"version {event.version} of account {event.account_id!r} is there already"
        if not follows:
            return None  # events may be missing, of the account too
        return f"version {event.version} of account {event.account_id!r} does not follow version {end[0]}"


class _States(_Reading):
    """A state topic: a state is believed once a heartbeat behind it covers its revision and fold."""

    def __init__(
        self, topic: Topic, before: PartitionCheckpoint, records: Sequence[ConsumerRecord], horizon: Horizon
    ) -> None:
        super().__init__(topic, before, records, horizon)
        beats = [(nth, heartbeat_of(topic, record)) for nth, record in enumerate(records)]
        self._beats = [(nth, found[1]) for nth, found in beats if found is not None]
        self._next_beat = 0

    def _follow(self, nth: int, record: ConsumerRecord, headers: Mapping[str, bytes | None]) -> bool:
        kind = headers.get("ce_type")
        if kind is not None and kind not in self._known and record.value is not None:
            self.after = replace(self.after, skipped=self.after.skipped + 1)
            return True
        letter = read_letter(self._topic, record)
        state = letter.message
        if not isinstance(state, PublishedState):
            return self._refuse(record, letter.error or "it is no state")
        if not self._is_of_this_log(state):
            return self._refuse(record, f"it is of log {state.log_id}, not {self.after.log_id}")
        match self._is_covered(nth, state, record.offset):
            case None:
                return False
            case False:
                beyond = f"revision {state.as_of} or fold {state.fold} is beyond what the relay has published"
                return self._refuse(record, beyond)
            case True:
                self.letters.append(letter)
                highest = max(self.after.last_position, state.as_of)
                self.after = replace(self.after, log_id=state.log_id, last_position=highest)
                return True

    def _is_covered(self, nth: int, state: PublishedState, offset: int) -> bool | None:
        """Whether one of the next two heartbeats covers the state; None: they have not come yet."""
        if self._horizon.covers(state.as_of, state.fold):
            return True
        if self._horizon.contradicts(state.as_of, offset):
            return False
        while self._next_beat < len(self._beats) and self._beats[self._next_beat][0] < nth:
            self._next_beat += 1
        ours = self.after.log_id or state.log_id
        coming = [beat for _, beat in self._beats[self._next_beat :][:8] if beat.log_id == ours][:_IN_A_ROW]
        if any(beat.covers(state.as_of, state.fold) for beat in coming):
            return True
        if len(coming) == _IN_A_ROW or len(self._records) - nth > MOST_WAITING:
            return False
        return None


def _chained(headers: Mapping[str, bytes | None]) -> tuple[int, int] | None:
    """The position, and that of the event before it, of a record that may say anything."""
    try:
        position, previous = int(headers["pos"] or b""), int(headers["prev"] or b"")
    except (KeyError, ValueError):
        return None
    return (position, previous) if 0 <= previous < 1 << 63 and 0 < position < 1 << 63 else None


def newest_of(letters: Sequence[Letter]) -> list[Letter]:
    """States are whole: one that a later, not lower one of its key follows is as if it had been compacted."""
    newest: dict[bytes, int] = {}
    left: list[Letter | None] = []
    for letter in letters:
        if (nth := newest.get(letter.key)) is not None:
            if _order(left[nth]) > _order(letter):
                continue
            left[nth] = None
        newest[letter.key] = len(left)
        left.append(letter)
    return [letter for letter in left if letter is not None]


def _order(letter: Letter | None) -> tuple[int, int]:
    message = None if letter is None else letter.message
    return message.order if isinstance(message, PublishedState) else (-1, -1)


def _halted(
    code: HaltCode, checkpoint: PartitionCheckpoint, record: ConsumerRecord, message: str
) -> ConsumerHalted:
    return ConsumerHalted(code, checkpoint.topic, checkpoint.partition, f"offset {record.offset}: {message}")
