"""Read the accounts' events and documents as a subscriber does: committed records from the topics'
beginning."""

from __future__ import annotations

from contextlib import closing
from typing import Any, TypeVar

import msgspec
from kafka import KafkaConsumer, TopicPartition

from consumers.entitlement_cache import Permission, may_use
from domain.calendar import Instant
from domain.events import Event
from domain.happened import Chronicle
from eventlog.postgres.connect import connect
from projections.models.access_windows import AccessWindowsDocument
from projections.models.credit_notes import CreditNoteDocument
from projections.models.entitlements import EntitlementsDocument
from projections.models.invoices import InvoiceDocument
from prorata.settings import Settings
from prorata.simulation.shown import Documents, Shown
from publishing.clients import to
from publishing.envelope import HEARTBEAT_KEY
from publishing.topics import Topic, Topics

Document = TypeVar("Document")


class Received(msgspec.Struct, frozen=True):
    """What arrived over Kafka, by account id: the events in order, and the newest document of each key."""

    events: dict[str, list[Event]]
    entitlements: dict[str, EntitlementsDocument]
    invoices: dict[str, list[InvoiceDocument]]
    credit_notes: dict[str, list[CreditNoteDocument]]
    windows: dict[str, AccessWindowsDocument]

    def documents(self, account: str) -> Documents:
        """What arrived of that account; what happened to it by itself is told by its events."""
        held = self.entitlements[account]
        return Documents(
            held,
            self.windows[account],
            self.invoices.get(account, []),
            self.credit_notes.get(account, []),
            Chronicle(held.time_zone).take_all(self.events[account]).happened,
        )


def receive(settings: Settings) -> Received:
    """Read all five topics up to their last committed record."""
    topics = Topics(settings.kafka_prefix)
    events: dict[str, list[Event]] = {}
    for key, value in _records(settings, topics.events):
        events.setdefault(key.decode(), []).append(msgspec.json.decode(value, type=Event))
    invoices: dict[str, list[InvoiceDocument]] = {}
    for invoice in _newest(settings, topics.invoices, InvoiceDocument).values():
        invoices.setdefault(invoice.account, []).append(invoice)
    notes: dict[str, list[CreditNoteDocument]] = {}
    for note in _newest(settings, topics.credit_notes, CreditNoteDocument).values():
        notes.setdefault(note.account, []).append(note)
    return Received(
        events,
        _newest(settings, topics.entitlements, EntitlementsDocument),
        invoices,
        notes,
        _newest(settings, topics.access_windows, AccessWindowsDocument),
    )


def cached(settings: Settings, account: str, shown: Shown, at: Instant) -> dict[str, Permission]:
    """What the entitlement cache answers for each product at the instant (R45)."""
    with connect(settings.database_url, "prorata demo") as connection:
        products = [held.product for held in shown.entitlements]
        return {p: may_use(connection, account, p, at, prefix=settings.kafka_prefix) for p in products}


def _newest(settings: Settings, topic: Topic, kind: type[Document]) -> dict[str, Document]:
    return {key.decode(): msgspec.json.decode(value, type=kind) for key, value in _records(settings, topic)}


def _records(settings: Settings, topic: Topic) -> list[tuple[bytes, bytes]]:
    """Keys and values of the records in order, without heartbeats."""
    consumer: Any = KafkaConsumer(
        **to(settings.broker),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    found = []
    with closing(consumer):
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(500).values():
                found += [(record.key, record.value) for record in records if record.key != HEARTBEAT_KEY]
    return found
