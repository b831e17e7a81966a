"""The topics of the contract: their names, keys, partitions and settings.

    topics = ensure_topics("127.0.0.1:9092", prefix="staging.")
    topics.events.name, topics.events.partition_of("acme/a-1")

An account has the same partition number in every topic. Partitions are computed here, as Kafka's own clients
compute them, and their number never changes: an account's records would lose their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)
from kafka.partitioner.default import murmur2

from publishing.clients import CLIENT, Broker, to
from publishing.errors import TopicsRefused

PARTITIONS: Final = 6
"""How many partitions a topic is created with unless told otherwise."""

_STREAMS: Final = 6
"""Partitions of the position topic: room for more streams than there are."""

Kind: TypeAlias = Literal["events", "state", "positions"]
"""What a topic holds: every event; the newest state of each key; how far each relay is."""

_NOT_PERMITTED: Final = (TopicAuthorizationFailedError.errno, ClusterAuthorizationFailedError.errno)

_FOR_EVER: Final = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_NEWEST_OF_EACH_KEY: Final = {"cleanup.policy": "compact"}
# Asked for at creation, and the operator's afterwards. Only closed segments are compacted: within an hour and
# a day what heartbeats and earlier states took is gone, also from a topic that hardly anything is written to.
_SOON_COMPACTED: Final = {"segment.ms": "3600000", "max.compaction.lag.ms": "86400000"}
# An hour's segments: only closed ones are compacted, and a relay writes its position several times a second.
# Dated by the broker: by a mark's date a relay sees whether its own clock is ahead.
_POSITIONS: Final = {
    "cleanup.policy": "compact",
    "segment.ms": "3600000",
    "message.timestamp.type": "LogAppendTime",
}


@dataclass(frozen=True)
class Topic:
    """One topic. `base`: its name without prefix; `settings` are checked, all others are the operator's.
    `about` and `keyed_by` are for people."""

    base: str
    kind: Kind
    prefix: str
    partitions: int
    settings: Mapping[str, str]
    about: str
    keyed_by: str

    @property
    def name(self) -> str:
        return self.prefix + self.base

    def partition_of(self, account_id: str) -> int:
        """Where all records of that account are."""
        return partition_of(account_id, self.partitions)


@dataclass(frozen=True)
class Topics:
    """All topics of one environment. With a prefix, several environments share a broker."""

    prefix: str = ""
    partitions: int = PARTITIONS

    @property
    def events(self) -> Topic:
        return self._topic("billing.events.v1", "events", _FOR_EVER, "Every event of the log.")

    @property
    def entitlements(self) -> Topic:
        about = "What each account may use, and how it stands."
        return self._topic("billing.entitlements.v1", "state", _NEWEST_OF_EACH_KEY, about)

    @property
    def access_windows(self) -> Topic:
        about = "The spans of use of each product of an account."
        return self._topic("billing.access-windows.v1", "state", _NEWEST_OF_EACH_KEY, about)

    @property
    def invoices(self) -> Topic:
        about = "Each invoice with its lines, and whether it is paid."
        keyed_by = "The account's id, a slash, the invoice's number; partitioned by the account's id."
        return self._topic("billing.invoices.v1", "state", _NEWEST_OF_EACH_KEY, about, keyed_by)

    @property
    def credit_notes(self) -> Topic:
        about = "Each credit note with its lines, and where the money went."
        keyed_by = "The account's id, a slash, the credit note's number; partitioned by the account's id."
        return self._topic("billing.credit-notes.v1", "state", _NEWEST_OF_EACH_KEY, about, keyed_by)

    @property
    def positions(self) -> Topic:
        about = "How far each relay is; a partition for each stream. Private to the relays."
        name, keyed_by = "billing.relay-positions.v1", "The stream's name."
        return Topic(name, "positions", self.prefix, _STREAMS, _POSITIONS, about, keyed_by)

    @property
    def public(self) -> tuple[Topic, ...]:
        """Those that others read."""
        return (self.events, self.entitlements, self.access_windows, self.invoices, self.credit_notes)

    @property
    def all(self) -> tuple[Topic, ...]:
        """With the private one."""
        return (*self.public, self.positions)

    def find(self, base: str) -> Topic:
        """The public topic of that name without prefix. Raises KeyError."""
        return {topic.base: topic for topic in self.public}[base]

    def _topic(
        self,
        base: str,
        kind: Kind,
        settings: Mapping[str, str],
        about: str,
        keyed_by: str = "The account's id.",
    ) -> Topic:
        return Topic(base, kind, self.prefix, self.partitions, settings, about, keyed_by)


@lru_cache(maxsize=131072)
def partition_of(account_id: str, partitions: int = PARTITIONS) -> int:
    """As Kafka's clients do it: murmur2 of the id's bytes, made positive, modulo the number of partitions."""
    return int(murmur2(account_id.encode()) & 0x7FFFFFFF) % partitions


def ensure_topics(bootstrap: Broker, prefix: str = "", partitions: int = PARTITIONS) -> Topics:
    """Create what is missing. Safe to run many times at once.

    Raises TopicsRefused where one exists with other partitions or settings than the contract's.
    """
    topics = Topics(prefix, partitions)
    with closing(KafkaAdminClient(**to(bootstrap), **CLIENT)) as admin:
        missing = _missing(admin, topics)
        _create(admin, missing)
        admin.wait_for_topics([topic.name for topic in topics.all])
        problems = _problems(admin, topics.all)
    if problems:
        raise TopicsRefused(problems)
    return topics


def check_topics(bootstrap: Broker, prefix: str = "", partitions: int = PARTITIONS) -> Topics:
    """Raise TopicsRefused unless every topic is there and as the contract says. Changes nothing."""
    topics = Topics(prefix, partitions)
    with closing(KafkaAdminClient(**to(bootstrap), **CLIENT)) as admin:
        missing = _missing(admin, topics)
        unseen = "does not exist, or is not shown to this user"
        problems = [f"topic {topic.name} {unseen}" for topic in missing]
        problems += _problems(admin, tuple(topic for topic in topics.all if topic not in missing))
    if problems:
        raise TopicsRefused(problems)
    return topics


def answers(bootstrap: Broker, seconds: float) -> bool:
    """Whether the broker answers within that time."""
    client = {
        **CLIENT,
        "bootstrap_timeout_ms": round(seconds * 1000),
        "request_timeout_ms": round(seconds * 1000),
    }
    try:
        with closing(KafkaAdminClient(**to(bootstrap), **client)) as admin:
            admin.list_topics()
    except KafkaError:
        return False
    return True


def exists(bootstrap: Broker, topic: Topic) -> bool:
    """Whether the topic is there: a client that asks for one that is not waits for it."""
    with closing(KafkaAdminClient(**to(bootstrap), **CLIENT)) as admin:
        return topic.name in admin.list_topics()


def topic_ids(bootstrap: Broker, topics: tuple[Topic, ...]) -> dict[str, str]:
    """The broker's id of each: another one after a topic was deleted and made anew."""
    with closing(KafkaAdminClient(**to(bootstrap), **CLIENT)) as admin:
        found = admin.describe_topics([topic.name for topic in topics])
    return {str(topic["name"]): str(topic["topic_id"]) for topic in found}


def _missing(admin: KafkaAdminClient, topics: Topics) -> list[Topic]:
    there = set(admin.list_topics())
    return [topic for topic in topics.all if topic.name not in there]


def _create(admin: KafkaAdminClient, missing: list[Topic]) -> None:
    if not missing:
        return
    # Replication is the broker's default: one for a laptop, three where it matters.
    wanted: dict[str, dict[Any, Any]] = {
        topic.name: {"num_partitions": topic.partitions, "configs": {**topic.settings, **_begun_with(topic)}}
        for topic in missing
    }
    answer = admin.create_topics(wanted, raise_errors=False)
    for created in answer["topics"]:
        if created["error_code"] not in (NoError.errno, TopicAlreadyExistsError.errno):
            refusal = TopicAuthorizationFailedError if created["error_code"] in _NOT_PERMITTED else KafkaError
            raise refusal(f"topic {created['name']} cannot be created: {created['error_message']}")


def _begun_with(topic: Topic) -> dict[str, str]:
    return dict(_SOON_COMPACTED) if topic.kind == "state" else {}


def _problems(admin: KafkaAdminClient, wanted: tuple[Topic, ...]) -> list[str]:
    if not wanted:
        return []
    names = [topic.name for topic in wanted]
    counts = {found["name"]: len(found["partitions"]) for found in admin.describe_topics(names)}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    settings = admin.describe_configs(resources, config_filter="all")["topic"]
    problems = []
    for topic in wanted:
        if counts[topic.name] != topic.partitions:
            problems.append(f"topic {topic.name} has {counts[topic.name]} partitions, not {topic.partitions}")
        if not settings[topic.name]:  # the client says nothing of an answer that holds a refusal
            raise TopicAuthorizationFailedError(f"DescribeConfigs of topic {topic.name}")
        for name, value in topic.settings.items():
            found = settings[topic.name][name]["value"]
            if found != value:
                problems.append(f"topic {topic.name} has {name}={found}, not {value}")
    return problems
