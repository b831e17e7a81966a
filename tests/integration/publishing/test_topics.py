"""Topics are created as the contract says, and refused where they are otherwise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from publishing.clients import Broker, to
from publishing.errors import TopicsRefused
from publishing.topics import Topic, Topics, check_topics, ensure_topics


def create(bootstrap: Broker, topic: Topic, partitions: int, settings: dict[str, str]) -> None:
    """Create a topic otherwise than the contract says."""
    with closing(KafkaAdminClient(**to(bootstrap))) as admin:
        admin.create_topics({topic.name: {"num_partitions": partitions, "configs": settings}})
        admin.wait_for_topics([topic.name])


def test_missing_topics_are_created_by_whoever_comes_first(
    kafka_bootstrap: Broker, topic_prefix: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(ensure_topics, kafka_bootstrap, topic_prefix) for _ in range(4)]
    assert {call.result() for call in calls} == {Topics(topic_prefix)}
    with closing(KafkaAdminClient(**to(kafka_bootstrap))) as admin:
        ours = sorted(name for name in admin.list_topics() if name.startswith(topic_prefix))
        described = {found["name"]: len(found["partitions"]) for found in admin.describe_topics(ours)}
    assert described == {
        topic_prefix + "billing.access-windows.v1": 6,
        topic_prefix + "billing.credit-notes.v1": 6,
        topic_prefix + "billing.entitlements.v1": 6,
        topic_prefix + "billing.events.v1": 6,
        topic_prefix + "billing.invoices.v1": 6,
        topic_prefix + "billing.relay-positions.v1": 6,
    }


def test_a_check_creates_nothing(kafka_bootstrap: Broker, topic_prefix: str) -> None:
    topics = Topics(topic_prefix)
    with pytest.raises(TopicsRefused) as refused:
        check_topics(kafka_bootstrap, topic_prefix)
    assert refused.value.problems == tuple(
        f"topic {topic.name} does not exist, or is not shown to this user" for topic in topics.all
    )
    assert ensure_topics(kafka_bootstrap, topic_prefix) == check_topics(kafka_bootstrap, topic_prefix)


def test_another_number_of_partitions_is_refused(kafka_bootstrap: Broker, topic_prefix: str) -> None:
    topics = Topics(topic_prefix)
    create(kafka_bootstrap, topics.events, 3, {"retention.ms": "-1"})
    with pytest.raises(TopicsRefused) as refused:
        ensure_topics(kafka_bootstrap, topic_prefix)
    assert refused.value.problems == (f"topic {topics.events.name} has 3 partitions, not 6",)


def test_settings_that_would_delete_events_or_states_are_refused(
    kafka_bootstrap: Broker, topic_prefix: str
) -> None:
    topics = Topics(topic_prefix)
    create(kafka_bootstrap, topics.events, 6, {"retention.ms": "604800000"})
    create(kafka_bootstrap, topics.invoices, 6, {"cleanup.policy": "delete"})
    with pytest.raises(TopicsRefused) as refused:
        ensure_topics(kafka_bootstrap, topic_prefix)
    assert refused.value.problems == (
        f"topic {topics.events.name} has retention.ms=604800000, not -1",
        f"topic {topics.invoices.name} has cleanup.policy=delete, not compact",
    )


def test_partitions_are_those_that_the_clients_of_kafka_would_choose(
    kafka_bootstrap: Broker, topic_prefix: str
) -> None:
    topic = ensure_topics(kafka_bootstrap, topic_prefix).events
    accounts = [f"tenant-{nth % 7}/account-{nth}" for nth in range(200)]
    with closing(KafkaProducer(**to(kafka_bootstrap))) as producer:
        sent = [producer.send(topic.name, b"", account.encode()) for account in accounts]
        producer.flush()
    chosen = [future.value.partition for future in sent]
    assert chosen == [topic.partition_of(account) for account in accounts]
    assert set(chosen) == set(range(6))
