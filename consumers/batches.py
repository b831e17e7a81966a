"""From a partition's records to what is to be done with them: pure, with the proof that none is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from kafka.consumer.fetcher import ConsumerRecord
from msgspec.structs import replace

from consumers.checkpoints import PartitionCheckpoint
from consumers.errors import ConsumerHalted, HaltCode
from publishing.contract import known_types
from publishing.envelope import (
    HEARTBEAT_TYPE,
    Heartbeat,
    PublishedEvent,
    PublishedState,
    decode,
    log_id_of,
)
from publishing.errors import EnvelopeUnreadable
from publishing.topics import Topic

_HEARTBEAT: Final = HEARTBEAT_TYPE.encode()


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
    """Records in order, and the checkpoint before and after them."""

    before: PartitionCheckpoint
    after: PartitionCheckpoint
    letters: tuple[Letter, ...]


def read_batch(topic: Topic, before: PartitionCheckpoint, records: Sequence[ConsumerRecord]) -> Batch:
    """What the records say.

    Raises ConsumerHalted where an event is missing or doubled, or the records are those of another log. Of a
    state topic only the newest state of each key is left.
    """
    known = {of_type.encode() for of_type in known_types(topic)}
    after, letters = before, list[Letter]()
    for record in records:
        headers = dict(record.headers)
        after = _follow(topic, after, record, headers)
        of_type = headers.get("ce_type")
        if of_type == _HEARTBEAT:
            after = _heard(topic, after, record)
        elif of_type in known:
            letters.append(read_letter(topic, record))
        else:
            after = replace(after, skipped=after.skipped + 1)
    return Batch(before, after, tuple(letters if topic.kind == "events" else _newest(letters)))


def read_letter(topic: Topic, record: ConsumerRecord) -> Letter:
    """The record's message, or why it has none."""
    try:
        message = decode(topic, record.key, record.value, record.headers)
    except EnvelopeUnreadable as unreadable:
        return Letter(record, None, str(unreadable))
    if isinstance(message, PublishedEvent) and not message.is_intact():
        return Letter(record, None, "its fields do not give its hash: it was altered after it was appended")
    assert not isinstance(message, Heartbeat)
    return Letter(record, message)


def _follow(
    topic: Topic, checkpoint: PartitionCheckpoint, record: ConsumerRecord, headers: Mapping[str, bytes]
) -> PartitionCheckpoint:
    """The checkpoint after the record, with its log and, of an event, its position, once both are right."""
    log_id, next_offset = _log_id(headers) or checkpoint.log_id, record.offset + 1
    if checkpoint.log_id not in (None, log_id):
        raise _halted("foreign_log", checkpoint, record, f"it is of log {log_id}, not {checkpoint.log_id}")
    if topic.kind != "events" or headers.get("ce_type") == _HEARTBEAT:
        return replace(checkpoint, log_id=log_id, next_offset=next_offset)
    try:
        position, previous = int(headers["pos"]), int(headers["prev"])
    except (KeyError, ValueError) as error:
        raise _halted("unchained", checkpoint, record, "it does not say which event it follows") from error
    if position <= checkpoint.last_position:
        raise _halted("repeated", checkpoint, record, f"position {position} after {checkpoint.last_position}")
    if previous != checkpoint.last_position:
        message = f"it follows position {previous}, and the last one read is {checkpoint.last_position}"
        raise _halted("gap", checkpoint, record, message)
    return replace(
        checkpoint,
        log_id=log_id,
        next_offset=next_offset,
        last_position=position,
        last_offset=record.offset,
        last_hash=headers.get("hash", b""),
    )


def is_last_of(checkpoint: PartitionCheckpoint, record: ConsumerRecord) -> bool:
    """Whether the record is the event that was taken in last there."""
    headers = dict(record.headers)
    known = b"%d" % checkpoint.last_position, checkpoint.last_hash
    return record.offset == checkpoint.last_offset and (headers.get("pos"), headers.get("hash", b"")) == known


def _log_id(headers: Mapping[str, bytes]) -> UUID | None:
    try:
        return log_id_of(headers.get("ce_source", b"").decode())
    except ValueError:
        return None  # decoding says what is wrong


def _heard(topic: Topic, checkpoint: PartitionCheckpoint, record: ConsumerRecord) -> PartitionCheckpoint:
    try:
        heartbeat = decode(topic, record.key, record.value, record.headers)
    except EnvelopeUnreadable as error:
        raise _halted("unchained", checkpoint, record, str(error)) from error
    assert isinstance(heartbeat, Heartbeat)
    if heartbeat.position < checkpoint.heard_of:
        message = (
            f"the log ends at position {heartbeat.position}, and {checkpoint.heard_of} was heard of before"
        )
        raise _halted("log_restored", checkpoint, record, message)
    return replace(checkpoint, heartbeat_position=heartbeat.position, heartbeat_at=heartbeat.log_time)


def _newest(letters: Sequence[Letter]) -> list[Letter]:
    """States are whole: one that a later, not lower one of its key follows is as if it had been compacted."""
    newest: dict[bytes, int] = {}
    left: list[Letter | None] = []
    for letter in letters:
        if letter.message is None:
            newest.pop(letter.key, None)  # what comes after it waits behind it
        elif (nth := newest.get(letter.key)) is not None:
            if _order(left[nth]) > _order(letter):
                continue
            left[nth] = None
        if letter.message is not None:
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
