"""Assert, record by record against the log, what must hold of the topics whatever happened to relays."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from eventlog import EventLog, StoredEvent
from eventlog.codec import domain_codec
from projections.fold import Fold
from projections.models import access_windows, credit_notes, entitlements, invoices
from publishing.clients import Broker
from publishing.topics import Topics
from tests.support.publishing.readers import read_events, read_states

FOLDS: dict[str, Fold[Any, Any]] = {
    "billing.entitlements.v1": entitlements.FOLD,
    "billing.access-windows.v1": access_windows.FOLD,
    "billing.invoices.v1": invoices.FOLD,
    "billing.credit-notes.v1": credit_notes.FOLD,
}


def whole_log(log: EventLog) -> list[StoredEvent]:
    """Every event of the log, in order."""
    return [*log.read_settled(0, 1_000_000)]


def assert_events_published_once(bootstrap: Broker, topics: Topics, log: EventLog) -> int:
    """Assert that the topic holds exactly the events of the log, unchanged, in order, each naming the one
    before it in its partition. Return their number."""
    published = read_events(bootstrap, topics.events)
    expected: dict[int, list[tuple[int, StoredEvent]]] = defaultdict(list)
    before: dict[int, int] = defaultdict(int)
    for stored in whole_log(log):
        partition = topics.events.partition_of(stored.account_id)
        expected[partition].append((before[partition], stored))
        before[partition] = stored.position
    for partition in range(topics.partitions):
        found = [(message.prev, message.event) for message in published[partition]]
        positions = (
            [event.position for _, event in found],
            [event.position for _, event in expected[partition]],
        )
        assert found == expected[partition], f"partition {partition}: {positions}"
        assert all(message.is_intact() for message in published[partition])
    return sum(map(len, published.values()))


def assert_states_equal_folds(bootstrap: Broker, topics: Topics, log: EventLog) -> None:
    """Assert that each key's newest record in the state topics is what the fold makes of the log now."""
    for base, fold in FOLDS.items():
        topic = topics.find(base)
        found = {key: state.value for key, state in read_states(bootstrap, topic).items()}
        assert found == folded(log, fold), topic.name


def folded(log: EventLog, fold: Fold[Any, Any]) -> dict[str, bytes]:
    """Record's key → document, for every account."""
    codec, encoder = domain_codec(), msgspec.json.Encoder(order="deterministic")
    documents: dict[str, bytes] = {}
    for account_id in log.accounts():
        state = fold.start()
        for stored in log.read_account(account_id):
            state = fold.apply(state, codec.read(stored), stored)
        for document in fold.documents(state):
            within = fold.key(document)
            documents[account_id if within is None else f"{account_id}/{within}"] = encoder.encode(document)
    return documents
