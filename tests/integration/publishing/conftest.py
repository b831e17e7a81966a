"""A log, topics of the test's own, and relays in a hurry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from prorata.roles import RELAY, SERVICE
from publishing import MIGRATIONS
from publishing.clients import Broker
from publishing.holding import RelaySettings
from publishing.producing import ProducerSession
from publishing.relay import Relay
from publishing.streams import EventStream, StateStream
from publishing.topics import Topics, ensure_topics
from tests.support.publishing.relays import HURRIED, MakeRelay
from tests.support.roles import kafka_as, login, migrated


@pytest.fixture
def migrated_url(database_url: str) -> str:
    """A database with the log's tables and the relays'."""
    return migrated(database_url, [EVENTLOG, MIGRATIONS])


@pytest.fixture
def relay_url(migrated_url: str) -> str:
    """The same database for relays."""
    return login(migrated_url, RELAY)


@pytest.fixture
def log(migrated_url: str) -> Iterator[PostgresEventLog]:
    """The log in it, empty."""
    log = PostgresEventLog(login(migrated_url, SERVICE), fence_patience=0.2)
    yield log
    log.close()


@pytest.fixture
def topics(kafka_bootstrap: Broker, topic_prefix: str) -> Topics:
    """The topics, empty."""
    return ensure_topics(kafka_bootstrap, topic_prefix)


@pytest.fixture
def events_relay(log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, relay_url: str) -> MakeRelay:
    """Makes relays of the event stream."""

    def make(
        session_type: type[ProducerSession] = ProducerSession, settings: RelaySettings = HURRIED
    ) -> Relay:
        stream = EventStream(log, topics)
        return Relay(
            stream,
            log,
            kafka_as(kafka_bootstrap, RELAY),
            topics,
            relay_url,
            settings=settings,
            session_type=session_type,
        )

    return make


@pytest.fixture
def state_relay(log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, relay_url: str) -> MakeRelay:
    """Makes relays of the state stream."""

    def make(
        session_type: type[ProducerSession] = ProducerSession, settings: RelaySettings = HURRIED
    ) -> Relay:
        stream = StateStream(log, topics)
        return Relay(
            stream,
            log,
            kafka_as(kafka_bootstrap, RELAY),
            topics,
            relay_url,
            settings=settings,
            session_type=session_type,
        )

    return make
