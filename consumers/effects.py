"""Writing a batch: effects, offset, parked records and revisions in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import psycopg

from consumers import checkpoints, dead_letters, revisions
from consumers.batches import Batch, Letter, newest_of, read_letter
from consumers.checkpoints import Connection
from consumers.errors import ConsumerError, PartitionMoved
from consumers.handler import Handler, at_home
from publishing.envelope import PublishedState
from publishing.topics import Topic

logger = logging.getLogger(__name__)

_NOT_THE_MESSAGES_FAULT: Final = (
    psycopg.OperationalError,  # also deadlocks: what is tried again may succeed
    psycopg.InterfaceError,
    psycopg.InternalError,
    psycopg.ProgrammingError,  # a missing table would park every key
    ConsumerError,
)


def write(connection: Connection, handler: Handler, batch: Batch) -> None:
    """All of the batch's effects, or nothing. A record that cannot be handled parks its key.

    Raises PartitionMoved where another instance has gone on, and errors that are not a record's.
    """
    try:
        with connection.transaction():
            letters = _begin(connection, handler.name, batch)
            _handle(connection, handler, letters)
    except _NOT_THE_MESSAGES_FAULT:
        raise
    except Exception as error:  # noqa: BLE001 - some record's fault: find out whose
        logger.info("consumer %s: one by one after %s: %s", handler.name, type(error).__name__, error)
        with connection.transaction():
            for letter in _begin(connection, handler.name, batch):
                _write_alone(connection, handler, letter, batch)


def release(
    connection: Connection, handler: Handler, topic: Topic, key: bytes, *, without_unreadable: bool = False
) -> int:
    """Handle all that is parked of the key, in order, and let it go on; how many records that were.

    Of a state topic the newest state is handled alone. `without_unreadable`: leave out records that are no
    events of the log: altered, or forged.

    One transaction: if one of them still cannot be handled its error is raised, and all stay parked. Records
    of the key that a running consumer reads meanwhile wait for the end of it.
    """
    name = handler.name
    with connection.transaction():
        at_home(connection, handler.name)
        for dead in dead_letters.of_key(connection, name, topic.name, key)[:1]:
            checkpoints.lock(connection, name, topic.name, dead.partition)
        letters = [
            read_letter(topic, d.record) for d in dead_letters.of_key(connection, name, topic.name, key)
        ]
        if topic.kind == "state":
            letters = newest_of(letters)  # a whole state makes up for one before it that cannot be handled
        for letter in letters:
            if letter.error is not None:
                if without_unreadable:
                    continue
                raise ValueError(f"offset {letter.record.offset}: {letter.error}")
            _handle(connection, handler, _not_lower(connection, name, topic.name, [letter]))
        dead_letters.remove(connection, name, topic.name, key)
    return len(letters)


def _begin(connection: Connection, consumer: str, batch: Batch) -> list[Letter]:
    """Move the offset, park what is unreadable or waits behind it; the letters that are left to handle."""
    if not checkpoints.move(connection, batch.before, batch.after):
        raise PartitionMoved(
            f"{batch.before.topic}/{batch.before.partition} is not at {batch.before.next_offset}"
        )
    topic = batch.before.topic
    parked = dead_letters.parked_among(connection, consumer, topic, [letter.key for letter in batch.letters])
    left = []
    for letter in batch.letters:
        if letter.key in parked or letter.error is not None:
            dead_letters.park(connection, consumer, letter, None if letter.key in parked else letter.error)
            parked.add(letter.key)
        else:
            left.append(letter)
    return _not_lower(connection, consumer, topic, left)


def _not_lower(connection: Connection, consumer: str, topic: str, letters: Sequence[Letter]) -> list[Letter]:
    """Of states, those that are not lower than what was taken in of their keys; of events, all."""
    orders = {
        letter.key: letter.message.order for letter in letters if isinstance(letter.message, PublishedState)
    }
    taken = revisions.take(connection, consumer, topic, sorted(orders.items()))
    return [letter for letter in letters if letter.key not in orders or letter.key in taken]


def _write_alone(connection: Connection, handler: Handler, letter: Letter, batch: Batch) -> None:
    parked = dead_letters.parked_among(connection, handler.name, batch.before.topic, [letter.key])
    if parked:
        dead_letters.park(connection, handler.name, letter, None)
        return
    try:
        with connection.transaction():
            _handle(connection, handler, [letter])
    except _NOT_THE_MESSAGES_FAULT:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this key alone
        reason = f"{type(error).__name__}: {error}"
        logger.error(
            "consumer %s: parked key %r of %s at offset %d: %s",
            handler.name,
            letter.key,
            batch.before.topic,
            letter.record.offset,
            reason,
            extra={"consumer": handler.name, "account": letter.message and letter.message.account_id},
        )
        dead_letters.park(connection, handler.name, letter, reason)


def _handle(connection: Connection, handler: Handler, letters: Sequence[Letter]) -> None:
    messages = [letter.message for letter in letters if letter.message is not None]
    if messages:
        handler.handle(connection, messages)
