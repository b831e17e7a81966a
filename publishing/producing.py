"""A transactional producer from `init_transactions` to its first error; then it is dropped, never mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError
from kafka.producer.future import FutureRecordMetadata

from publishing.batches import append_all
from publishing.checkpoints import MARK_KEY, StreamCheckpoint
from publishing.clients import CLIENT, Broker, to
from publishing.envelope import Record
from publishing.errors import RelayHalted
from publishing.headers import CONTENT
from publishing.kafka_internals import force_close, refuse_commit
from publishing.topics import Topic
from publishing.watchdog import Watchdog
from publishing.wire import encoded

_BLOCK_SECONDS: Final = 20
"""For metadata, and for `init_transactions`, which waits for the end of the last holder's transaction."""

_CLOSE_SECONDS: Final = 1

_MOST_BYTES: Final = 8 * 1024 * 1024
"""Before compression; what a topic takes (max.message.bytes, 1 MB) is measured after it."""


@dataclass(frozen=True)
class Mark:
    """Where a mark is, and when the broker took it: the position topic is dated by the broker."""

    offset: int
    broker_time: datetime


class ProducerSession:
    """One incarnation of a stream's producer. It fences every earlier one with the same transactional id.

    After any error, also from `publish`, the only thing left to do is to leave the session: what was sent is
    aborted, or was committed, and the position topic says which.
    """

    def __init__(
        self,
        stream: str,
        transactional_id: str,
        bootstrap: Broker,
        positions: Topic,
        partition: int,
        watchdog: Watchdog,
        *,
        commit_seconds: float,
    ) -> None:
        self._stream = stream
        self._positions = positions
        self._partition = partition
        self._watchdog = watchdog
        self._commit_seconds = commit_seconds
        self._bootstrap = bootstrap
        self._transactional_id = transactional_id
        self._ends: dict[tuple[str, int], int] = {}
        self._shortened: str | None = None
        self._producer = self._made()

    def __enter__(self) -> Self:
        try:
            with self._watchdog.limit(self._commit_seconds + _BLOCK_SECONDS):
                self._producer.init_transactions()
        except BaseException:
            self._drop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def mark(self) -> Mark:
        """Commit a mark in the stream's partition of the position topic. Whoever can read it can read all
        that was committed there before.

        By a producer of its own, which the session's then fences: after a committed transaction a refused
        record would make the next commit hang.
        """
        with self._watchdog.limit(self._commit_seconds + _BLOCK_SECONDS):
            self._producer.begin_transaction()
            sent = self._producer.send(self._positions.name, b"", MARK_KEY, partition=self._partition)
            self._producer.commit_transaction()
            self._drop()
            self._producer = self._made()
            self._producer.init_transactions()
        if not sent.succeeded():
            raise KafkaError("a transaction was committed without its mark")
        metadata: Any = sent.value
        return Mark(int(metadata.offset), datetime.fromtimestamp(metadata.timestamp / 1000, UTC))

    def expect(self, ends: Mapping[str, Sequence[int]]) -> None:
        """The offsets that the broker has acknowledged, which it has to go on behind."""
        self._ends = {
            (topic, nth): last for topic, offsets in ends.items() for nth, last in enumerate(offsets)
        }

    def ends(self) -> dict[str, tuple[int, ...]]:
        """By topic, the highest offset that was acknowledged in each partition, -1: none."""
        topics: dict[str, dict[int, int]] = {}
        for (topic, partition), last in self._ends.items():
            topics.setdefault(topic, {})[partition] = last
        return {
            topic: tuple(last.get(nth, -1) for nth in range(max(last) + 1))
            for topic, last in sorted(topics.items())
        }

    def publish(self, records: Sequence[Record], position: StreamCheckpoint | None) -> None:
        """All of the records and the position, or nothing of them. None leaves the position as it is.

        Bounded by the caller: what it gives is all in memory until it is committed. Raises RelayHalted for a
        record that Kafka will never take, and where the broker has lost what it had acknowledged.
        """
        sent: list[FutureRecordMetadata] = []
        try:
            with self._watchdog.limit(self._commit_seconds):
                self._producer.begin_transaction()
                self._send([*records, *([] if position is None else [self._record(position)])], sent)
                for future in sent:
                    _ = future.add_callback(self._acknowledged)
                self._commit()
        except KafkaError as error:
            if self._shortened is not None:
                raise RelayHalted(self._stream, "topic_shortened", self._shortened) from error
            refusals = [error, *[future.exception for future in sent]]
            if any(isinstance(refusal, MessageSizeTooLargeError) for refusal in refusals):
                last = "" if position is None else f" up to position {position.position}"
                message = f"one of the records{last}: {error}"
                raise RelayHalted(self._stream, "record_too_large", message) from error
            raise
        if not all(future.succeeded() for future in sent):
            raise KafkaError("a transaction was committed without all of its records")

    def _acknowledged(self, batch: Any) -> None:
        """Refuse the commit where the broker has lost what it had acknowledged: it would be published over.

        The client calls this for each batch of a transaction, in its own thread, before it asks the broker to
        commit: no thread has to be woken in between.
        """
        if batch.topic == self._positions.name:
            return
        last = self._ends.get(batch.topic_partition, -1)
        if batch.offset > last:
            self._ends[batch.topic_partition] = batch.offset
            return
        self._shortened = (
            f"partition {batch.partition} of {batch.topic} took a record at offset {batch.offset}, "
            f"and {last} was acknowledged before"
        )
        refuse_commit(self._producer, KafkaError(self._shortened))

    def _record(self, position: StreamCheckpoint) -> Record:
        value, key = msgspec.json.encode(position), self._stream.encode()
        return Record(self._positions.name, self._partition, key, value, encoded([CONTENT]))

    def _send(self, records: Sequence[Record], sent: list[FutureRecordMetadata]) -> None:
        sent += append_all(self._producer, records)

    def _commit(self) -> None:
        self._producer.commit_transaction()

    def _drop(self) -> None:
        try:
            self._producer.close(timeout=_CLOSE_SECONDS)
        except KafkaError:
            # Its flush ran out of time, and the rest of `close` with it: a thread that would try for ever.
            force_close(self._producer)

    def _made(self) -> KafkaProducer:
        return KafkaProducer(
            **to(self._bootstrap),
            transactional_id=self._transactional_id,
            acks="all",
            compression_type="lz4",
            linger_ms=5,
            batch_size=256 * 1024,
            # A dead relay's open transaction holds back every read_committed reader for so long.
            transaction_timeout_ms=15_000,
            max_block_ms=_BLOCK_SECONDS * 1000,
            max_request_size=_MOST_BYTES,
            # Commit answers before its markers are written, and the next begin is told to retry: not in 100.
            retry_backoff_ms=5,
            **CLIENT,
        )
