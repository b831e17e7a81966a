"""What must hold of the topics and of every consumer's tables when everything is quiet again: each function
yields what does not. The topics are read by a client that shares no code with ours, read_committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import msgspec
import psycopg
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from consumers import dead_letters
from consumers.finance_ledger.checking import problems as ledger_problems
from eventlog import EventLog, StoredEvent
from eventlog.codec import domain_codec
from projections import access_windows, entitlements, invoices
from projections.fold import Fold
from publishing.topics import Topics, partition_of

Connection = psycopg.Connection[tuple[Any, ...]]

_FOLDS: Final[dict[str, Fold[Any, Any]]] = {
    "billing.entitlements.v1": entitlements.FOLD,
    "billing.access-windows.v1": access_windows.FOLD,
    "billing.invoices.v1": invoices.FOLD,
}
_HEARTBEAT: Final = b"prorata.heartbeat"
_POLL_SECONDS: Final = 10.0

_WINDOWS: Final = """
    select account_id, product, begins_at, ends_at, renews from entitlement_cache.windows
"""
_BOOKED: Final = "select account_id, number, total, status from finance_ledger.invoices"
_BALANCE: Final = """
    select currency, sum(case when debit = 'cash' then amount when credit = 'cash' then -amount else 0 end)
    from finance_ledger.transfers group by currency
"""
_PAID: Final = "select currency, sum(amount) from service.gateway_payments where answer = 'paid' group by 1"


def event_problems(bootstrap: str, topics: Topics, rows: Sequence[StoredEvent]) -> Iterator[str]:
    """Every event of the log is in the topic, once, byte by byte, in order, and names the one before it."""
    expected: dict[int, list[tuple[int, int, bytes, str]]] = defaultdict(list)
    before: dict[int, int] = defaultdict(int)
    for row in rows:
        nth = partition_of(row.account_id)
        expected[nth].append((row.position, before[nth], row.state, row.hash.hex()))
        before[nth] = row.position
    found: dict[int, list[tuple[int, int, bytes, str]]] = defaultdict(list)
    for record, headers in _records(bootstrap, topics.events.name):
        value = record.value()
        assert value is not None
        found[record.partition() or 0].append(
            (int(headers["pos"]), int(headers["prev"]), bytes(value), headers["hash"].decode())
        )
    for nth in range(topics.partitions):
        if found[nth] != expected[nth]:
            positions = {position for position, *_ in found[nth]}
            lost = [position for position, *_ in expected[nth] if position not in positions]
            yield (
                f"partition {nth} of the events holds {len(found[nth])} of {len(expected[nth])} events, "
                f"{len(found[nth]) - len(positions)} doubled, {len(lost)} lost {lost[:3]}"
            )


def state_problems(bootstrap: str, topics: Topics, log: EventLog) -> Iterator[str]:
    """The newest state of each key is what its fold makes of the log."""
    for base, fold in _FOLDS.items():
        newest: dict[str, bytes] = {}
        for record, _ in _records(bootstrap, topics.find(base).name):
            key, value = record.key(), record.value()
            assert key is not None
            assert value is not None
            newest[bytes(key).decode()] = bytes(value)
        expected = _folded(log, fold)
        differing = [key for key in newest.keys() | expected.keys() if newest.get(key) != expected.get(key)]
        if differing:
            yield f"{base}: {len(differing)} of {len(expected)} states are not the log's: {differing[:3]}"


def table_problems(connection: Connection, log: EventLog) -> Iterator[str]:
    """Each consumer's tables are what the log says; the ledger balances to the minor unit; nothing parked."""
    for parked in dead_letters.all_parked(connection):
        yield f"{parked.consumer}: {parked.key!r} is parked: {parked.error}"
    held = set(connection.execute(_WINDOWS))
    windows = {
        (
            document.account,
            shown.product,
            window.start,
            window.until,
            shown.renews and window is shown.windows[-1],
        )
        for document in _documents(log, access_windows.FOLD)
        for shown in document.products
        for window in shown.windows
    }
    if held != windows:
        yield f"the entitlement cache differs from the log in {len(held ^ windows)} windows"
    booked = set(connection.execute(_BOOKED))
    issued = {(d.account, d.number, d.total, d.status) for d in _documents(log, invoices.FOLD)}
    if booked != issued:
        yield f"the finance ledger differs from the log in {len(booked ^ issued)} invoices"
    for problem in ledger_problems(connection):
        yield f"the finance ledger: {problem}"
    cash: dict[str, Decimal] = dict(connection.execute(_BALANCE).fetchall())
    paid: dict[str, Decimal] = dict(connection.execute(_PAID).fetchall())
    if cash != paid:
        yield f"the ledger's cash is {cash}, and the gateway took {paid}"


def _documents(log: EventLog, fold: Fold[Any, Any]) -> Iterator[Any]:
    codec = domain_codec()
    for account_id in log.accounts():
        state = fold.start()
        for stored in log.read_account(account_id):
            state = fold.apply(state, codec.read(stored), stored)
        yield from fold.documents(state)


def _folded(log: EventLog, fold: Fold[Any, Any]) -> dict[str, bytes]:
    encoder, documents = msgspec.json.Encoder(order="deterministic"), {}
    for document in _documents(log, fold):
        within = fold.key(document)
        key = document.account if within is None else f"{document.account}/{within}"
        documents[key] = encoder.encode(document)
    return documents


def _records(bootstrap: str, topic: str) -> Iterator[tuple[Message, dict[str, bytes]]]:
    """All committed records but heartbeats, up to where each partition ends now."""
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": str(uuid4()),
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
        }
    )
    try:
        partitions = reader.list_topics(topic, timeout=_POLL_SECONDS).topics[topic].partitions
        reader.assign([TopicPartition(topic, nth, OFFSET_BEGINNING) for nth in partitions])
        yield from _until_ends(reader, partitions)
    finally:
        reader.close()


def _until_ends(reader: Consumer, partitions: Iterable[int]) -> Iterator[tuple[Message, dict[str, bytes]]]:
    left = set(partitions)
    while left:
        record = reader.poll(_POLL_SECONDS)
        if record is None:
            raise TimeoutError(f"partitions {sorted(left)} give no records and do not end")
        if (error := record.error()) is not None:
            if error.name() != "_PARTITION_EOF":
                raise RuntimeError(str(error))
            left.discard(record.partition() or 0)
            continue
        headers: dict[str, bytes] = dict(record.headers())  # type: ignore[arg-type]
        if headers["ce_type"] != _HEARTBEAT:
            yield record, headers
