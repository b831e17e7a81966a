"""A compacted state topic still gives the whole state to a reader that begins with nothing."""

from __future__ import annotations

from contextlib import closing

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from eventlog.postgres.log import PostgresEventLog
from prorata.roles import RELAY
from publishing.clients import Broker, to
from publishing.relay import run_relay
from publishing.topics import Topics, ensure_topics
from tests.support.eventlog.sessions import until
from tests.support.publishing.histories import append_next, history_of
from tests.support.publishing.promises import assert_states_equal_folds
from tests.support.publishing.readers import read_records
from tests.support.roles import kafka_as

EAGER = {
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "100",
    "min.compaction.lag.ms": "0",
    "delete.retention.ms": "100",
}
"""Of the topic: compact at once what is not in the last segment."""


def compact_eagerly(bootstrap: Broker, topics: Topics) -> None:
    """Have the state topics compacted as soon as they can be."""
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, EAGER)
        for topic in topics.public
        if topic.kind == "state"
    ]
    with closing(KafkaAdminClient(**to(bootstrap))) as admin:
        admin.alter_configs(resources)


def test_a_reader_that_begins_with_nothing_gets_every_accounts_last_state(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, migrated_url: str
) -> None:
    compact_eagerly(kafka_bootstrap, topics)
    ensure_topics(kafka_bootstrap, topics.prefix)  # the operator may set what the contract does not
    histories = {f"acme/a-{nth}": history_of(f"acme/a-{nth}", 1, months=12) for nth in range(12)}
    sent = 0

    def publish_some() -> None:
        """One event more of each account, so that every transaction supersedes states of the last ones."""
        nonlocal sent
        for account_id, history in histories.items():
            sent += len(append_next(log, account_id, history))
        run_relay(log, kafka_as(kafka_bootstrap, RELAY), migrated_url, prefix=topics.prefix, once=True)

    def compacted() -> bool:
        publish_some()
        left = len(
            [r for r in read_records(kafka_bootstrap, topics.entitlements) if not r.key.startswith(b"\0")]
        )
        return left < sent

    until(compacted)
    assert_states_equal_folds(kafka_bootstrap, topics, log)
