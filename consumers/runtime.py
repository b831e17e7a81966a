"""The runtime of consumers: each record's effect exactly once, in PostgreSQL.

    consumer = Consumer(EntitlementCache(), database_url, "127.0.0.1:9092")
    consumer.run_once()         # up to what is in the topics now
    consumer.run(stop)          # until `stop` is set

The effects of records and the offset after them are written in one transaction, and the offset only moves
from where it was read to be: whatever dies, and however many instances run, each effect is there once.

Partitions are assigned by claims in the same table, not by a consumer group: offsets are not Kafka's business
here, so a group would only add rebalances that take a partition away in the middle of a transaction. The
first instance reads all partitions; a further one stands by, and takes over when the claims run out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from threading import Event
from typing import Any, Final
from uuid import uuid4

import psycopg
from kafka import KafkaConsumer
from kafka.errors import KafkaError

from consumers import checkpoints
from consumers.errors import ConsumerHalted, PartitionMoved, PartitionsHeld
from consumers.halts import CONSUMERS
from consumers.handler import Handler
from consumers.session import ConsumerSession
from eventlog.postgres.connect import connect
from publishing.clients import ENDING_READER, READER, Broker, to
from publishing.kafka_internals import read_at_once
from publishing.topics import Topics

logger = logging.getLogger(__name__)

_SHORTEST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 5.0
_PATIENCE_ONCE: Final = 5.0
_WAIT_MS: Final = 200
_WAIT_MS_ONCE: Final = 20

_STANDS_STILL: Final = "60s"
"""An instance that stands still in the middle of a batch, or whose host is gone, is ended after so long: its
partitions are free then."""

_PASSING: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    KafkaError,
    PartitionMoved,
)
"""What is over after a while: begin anew from where the table says."""


class Consumer:
    """An instance of a consumer. Call it from one thread.

    `claim_seconds`: how long a dead instance holds its partitions. `batch`: most records in a transaction.
    """

    def __init__(
        self,
        handler: Handler,
        database_url: str,
        bootstrap: Broker,
        *,
        prefix: str = "",
        claim_seconds: float = 10.0,
        batch: int = 1_000,
    ) -> None:
        self._handler = handler
        self._database_url = database_url
        self._bootstrap = bootstrap
        self._topics = [Topics(prefix).find(base) for base in handler.topics]
        self._claim_seconds = claim_seconds
        self._batch = batch
        self._instance = uuid4()

    def run(self, stop: Event) -> None:
        """Take records in as they come, until `stop` is set. Raises ConsumerHalted."""
        backoff = _SHORTEST_BACKOFF
        while not stop.is_set():
            try:
                with self._session(READER) as session:
                    while not stop.is_set():
                        session.claim()
                        session.turn(_WAIT_MS)
                        backoff = _SHORTEST_BACKOFF
            except _PASSING as error:
                name, kind = self._handler.name, type(error).__name__
                logger.warning("consumer %s: starting over after %s: %s", name, kind, error)
                stop.wait(backoff)
                backoff = min(2 * backoff, _LONGEST_BACKOFF)

    def run_once(self) -> None:
        """Take in what is in the topics now; wait for a dead instance's claims to run out.

        Raises ConsumerHalted; PartitionsHeld while another instance reads; what failed.
        """
        with self._session(ENDING_READER) as session:
            deadline = time.monotonic() + self._claim_seconds + _PATIENCE_ONCE
            while not session.claim(at_once=True):
                if time.monotonic() > deadline:
                    raise PartitionsHeld(f"another instance of {self._handler.name} reads the topics")
                time.sleep(self._claim_seconds / 20)
            ends = session.ends()
            while not session.is_at(ends):
                session.claim()
                session.turn(_WAIT_MS_ONCE)

    @contextmanager
    def _session(self, reader: dict[str, Any]) -> Iterator[ConsumerSession]:
        kafka = KafkaConsumer(**to(self._bootstrap), max_poll_records=self._batch, **reader)
        read_at_once(kafka)
        name = self._handler.name
        settings = {"search_path": f'"{name}", public', "idle_in_transaction_session_timeout": _STANDS_STILL}
        connecting = connect(self._database_url, f"prorata consume {name}", settings=settings)
        with closing(kafka), connecting as connection:
            try:
                yield ConsumerSession(
                    self._handler, self._topics, connection, kafka, self._instance, self._claim_seconds
                )
            except ConsumerHalted as halted:
                CONSUMERS.keep(connection, self._handler.name, halted.code, str(halted))
                raise
            finally:
                with suppress(psycopg.Error):
                    checkpoints.unclaim(connection, self._handler.name, self._instance)
