"""A log restored from an older backup and then written to is noticed by all that keep a position outside of
it: the relay, and consumers in another database. They stop, and say what to do; what they say works."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
import pytest
from kafka import KafkaAdminClient
from psycopg import sql

import consumers
import publishing
from consumers.audit_archive.archiver import Archiver
from consumers.audit_archive.files import NO_LINE
from consumers.checkpoints import Connection
from consumers.entitlement_cache import EntitlementCache
from consumers.errors import ConsumerHalted
from consumers.finance_ledger.handler import FinanceLedger
from consumers.handler import Handler
from consumers.replay import Replay
from consumers.runtime import Consumer
from eventlog.migration_source import MigrationSource
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG, migrate
from prorata.roles import CONSUMER, RELAY
from publishing.clients import Broker, to
from publishing.errors import RelayHalted
from publishing.relay import Relay, run_relay
from publishing.streams import EventStream, StateStream
from publishing.topics import Topics, ensure_topics
from tests.support.publishing.histories import append_all, history_of
from tests.support.roles import kafka_as

BOOKS: Final = "select account_id, number, total, status from finance_ledger.invoices order by 1, 2"
WINDOWS: Final = (
    "select account_id, product, begins_at, ends_at from entitlement_cache.windows order by 1, 2, 3"
)


class RestorableLog:
    """A log's database, apart from that of the consumers, of which backups are taken and restored."""

    def __init__(self, server_url: str, bootstrap: Broker, prefix: str) -> None:
        self._server_url = server_url
        self._name = f"log_{secrets.token_hex(6)}"
        self.url = server_url.rpartition("/")[0] + f"/{self._name}"
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._execute("create database {}", self._name)
        migrate(self.url, [EVENTLOG, publishing.MIGRATIONS])

    def append(self, accounts: Sequence[str], seed: int) -> None:
        """Events of these accounts."""
        with closing(PostgresEventLog(self.url)) as log:
            append_all(log, {f"acme/{name}": history_of(name, seed) for name in accounts}, seed)

    def publish(self, prefix: str | None = None) -> None:
        """What is in the log now."""
        with closing(PostgresEventLog(self.url)) as log:
            run_relay(log, self._bootstrap, self.url, prefix=prefix or self._prefix, once=True)

    def back_up(self) -> None:
        """Keep the log as it is now."""
        self._execute("create database {} template {}", f"{self._name}_backup", self._name)

    def restore(self) -> None:
        """The log is what was kept, whatever came since."""
        self._execute("drop database {} with (force)", self._name)
        self._execute("alter database {} rename to {}", f"{self._name}_backup", self._name)

    def drop(self) -> None:
        """With its backup."""
        for name in (self._name, f"{self._name}_backup"):
            self._execute("drop database if exists {} with (force)", name)

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture
def restorable(database_url: str, kafka_bootstrap: Broker, topic_prefix: str) -> Iterator[RestorableLog]:
    """An empty log and its topics."""
    ensure_topics(kafka_bootstrap, topic_prefix)
    log = RestorableLog(database_url, kafka_bootstrap, topic_prefix)
    yield log
    log.drop()


@pytest.fixture
def url(database_url: str) -> str:
    """The consumers' own database."""
    migrate(database_url, [MigrationSource(name, folder) for name, folder in consumers.MIGRATIONS])
    return database_url


@pytest.fixture
def consume(url: str, kafka_bootstrap: Broker, topic_prefix: str) -> Callable[..., None]:
    """Take in what is published."""

    def consume(handler: Handler, prefix: str = topic_prefix) -> None:
        Consumer(handler, url, kafka_as(kafka_bootstrap, CONSUMER), prefix=prefix).run_once()

    return consume


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """A session at the consumers' database."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def gone_on_otherwise(restorable: RestorableLog, consume: Callable[..., None]) -> RestorableLog:
    """Published and consumed; then restored to an older moment, and written to up to higher positions."""
    restorable.append(["a-1", "a-2", "a-3"], seed=1)
    restorable.back_up()
    restorable.append(["a-4", "a-5"], seed=2)
    restorable.publish()
    consume(FinanceLedger())
    consume(EntitlementCache())
    restorable.restore()
    restorable.append(["b-1", "b-2", "b-3", "b-4"], seed=3)
    return restorable


def make_topics_anew(bootstrap: Broker, prefix: str) -> None:
    """As an operator does who begins again under the same names."""
    names = [topic.name for topic in Topics(prefix).all]
    with closing(KafkaAdminClient(**to(bootstrap))) as admin:
        admin.delete_topics(names)
        while set(names) & set(admin.list_topics()):
            pass
    ensure_topics(bootstrap, prefix)


@pytest.mark.parametrize("stream", [EventStream, StateStream])
def test_each_stream_of_the_relay_halts(
    stream: type[EventStream | StateStream],
    gone_on_otherwise: RestorableLog,
    kafka_bootstrap: Broker,
    topic_prefix: str,
) -> None:
    url, topics = gone_on_otherwise.url, Topics(topic_prefix)
    with closing(PostgresEventLog(url)) as log, pytest.raises(RelayHalted) as halted:
        Relay(stream(log, topics), log, kafka_as(kafka_bootstrap, RELAY), topics, url).run_once()
    assert halted.value.code == "log_differs"
    assert "went on differently after a restore" in str(halted.value)


@pytest.mark.parametrize("handler", [FinanceLedger, EntitlementCache])
def test_a_consumer_halts_where_the_log_is_published_anew_beside_the_old_topics(
    handler: type[FinanceLedger | EntitlementCache],
    gone_on_otherwise: RestorableLog,
    consume: Callable[..., None],
    topic_prefix: str,
    connection: Connection,
) -> None:
    before = connection.execute(BOOKS).fetchall(), connection.execute(WINDOWS).fetchall()
    gone_on_otherwise.publish(prefix=f"v2.{topic_prefix}")
    with pytest.raises(ConsumerHalted) as halted:
        consume(handler(), prefix=f"v2.{topic_prefix}")
    assert halted.value.code == "topics_changed"
    assert "prorata replay" in str(halted.value)
    assert (connection.execute(BOOKS).fetchall(), connection.execute(WINDOWS).fetchall()) == before


@pytest.mark.parametrize("handler", [FinanceLedger, EntitlementCache])
def test_a_consumer_halts_where_topics_were_made_anew_under_the_same_names(
    handler: type[FinanceLedger | EntitlementCache],
    gone_on_otherwise: RestorableLog,
    consume: Callable[..., None],
    kafka_bootstrap: Broker,
    topic_prefix: str,
) -> None:
    make_topics_anew(kafka_bootstrap, topic_prefix)
    gone_on_otherwise.append([f"c-{nth}" for nth in range(20)], seed=4)
    gone_on_otherwise.publish()  # further than the consumers have read
    with pytest.raises(ConsumerHalted) as halted:
        consume(handler())
    assert halted.value.code == "topic_replaced"
    assert "prorata replay" in str(halted.value)


def test_after_its_replay_a_consumer_holds_what_the_restored_log_says_and_goes_on(
    gone_on_otherwise: RestorableLog,
    consume: Callable[..., None],
    url: str,
    kafka_bootstrap: Broker,
    topic_prefix: str,
    connection: Connection,
) -> None:
    prefix = f"v2.{topic_prefix}"
    left_over = Replay(FinanceLedger(), url, kafka_bootstrap, prefix=topic_prefix)
    left_over.run()  # of the old topics, and never swapped
    gone_on_otherwise.publish(prefix=prefix)
    with pytest.raises(ConsumerHalted):
        consume(FinanceLedger(), prefix=prefix)
    replay = Replay(FinanceLedger(), url, kafka_bootstrap, prefix=prefix)
    replay.run()
    replay.swap()
    accounts = [account for account, *_ in connection.execute(BOOKS)]
    assert {"acme/b-1", "acme/b-4"} <= set(accounts)
    assert not {"acme/a-4", "acme/a-5"} & set(accounts)
    gone_on_otherwise.append(["d-1"], seed=5)
    gone_on_otherwise.publish(prefix=prefix)
    consume(FinanceLedger(), prefix=prefix)
    assert "acme/d-1" in [account for account, *_ in connection.execute(BOOKS)]
    assert connection.execute("select * from consumers.halts").fetchall() == []


def test_a_consumer_halts_where_the_event_it_took_in_last_is_not_in_the_topic(
    gone_on_otherwise: RestorableLog, consume: Callable[..., None], connection: Connection
) -> None:
    """As where the broker, too, was restored and has gone on: the same topic, offsets and positions."""
    connection.execute(
        "update consumers.partitions set last_hash = sha256(last_hash)"
        " where consumer = 'finance_ledger' and last_hash is not null"
    )
    with pytest.raises(ConsumerHalted) as halted:
        consume(FinanceLedger())
    assert halted.value.code == "log_restored"
    assert "is not there any more" in str(halted.value)


def test_an_archive_halts_where_its_offsets_are_behind_the_topics_end(
    restorable: RestorableLog, kafka_bootstrap: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    restorable.append(["a-1"], seed=1)
    restorable.publish()
    line = (
        '{"day":"2026-01-01","file":"none","sha256":"","events":0,"log_id":"%s","cut":1,'
        '"cut_at":"2026-01-02T00:00:00Z","offsets":[900,900,900,900,900,900],"last":[1,0,0,0,0,0],"previous":"%s"}'
    )
    with closing(PostgresEventLog(restorable.url)) as log:
        (tmp_path / "manifest.jsonl").write_text(line % (log.log_id, NO_LINE) + "\n")
    with pytest.raises(ConsumerHalted) as halted:
        Archiver(tmp_path, kafka_as(kafka_bootstrap, CONSUMER), prefix=topic_prefix).run_once()
    assert halted.value.code == "topic_replaced"
