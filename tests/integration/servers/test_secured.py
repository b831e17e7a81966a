"""Servers that ask everybody who they are: each of our processes works with its own user's rights alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import psycopg
import pytest
from kafka.errors import KafkaError

from consumers.audit_archive.archiver import Archiver
from consumers.entitlement_cache import EntitlementCache
from consumers.runtime import Consumer
from eventlog.postgres.log import PostgresEventLog
from prorata.migrations import migrations
from prorata.permissions import permissions
from prorata.roles import CONSUMER, RELAY, SERVICE
from prorata.settings import Settings
from publishing.checkpoints import STREAMS, last_positions
from publishing.clients import Broker, SecuredBroker
from publishing.relay import run_relay
from publishing.topics import check_topics, ensure_topics
from scripts.servers.authority import Authority
from scripts.servers.kafka import KafkaBroker, prepare_kafka
from scripts.servers.kafka.addresses import broker_in, environment_of
from scripts.servers.kafka.secured import ADMIN, allow, as_user, grant
from scripts.servers.postgres import SUPERUSER, PostgresServer
from scripts.servers.run import Run
from tests.support.command_line import CommandLine
from tests.support.publishing.histories import append_all, history_of
from tests.support.roles import kafka_as, login, migrated

COMMANDS_ROLE = {"topics": SERVICE, "relay": RELAY, "consume": CONSUMER}


class Servers(NamedTuple):
    """A broker and a database with TLS, passwords and lists of rights."""

    authority: Authority
    broker: KafkaBroker
    postgres: PostgresServer


@pytest.fixture(scope="module")
def servers_() -> Iterator[Servers]:
    """Both, with our roles' users and those of the topics; libpq finds passwords and authority."""
    before = {name: os.environ.get(name) for name in ("PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT")}
    with Run() as run:
        logins = [SUPERUSER, "relay", "consumer", "owner", "service", ADMIN, "topics", "subscriber", "reader"]
        authority = Authority(run.directory / "authority", logins)
        os.environ |= {"PGPASSFILE": str(authority.password_file)}
        os.environ |= {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(authority.ca)}
        try:
            with (
                KafkaBroker(prepare_kafka(), run.directory / "kafka", authority=authority) as broker,
                PostgresServer(run.directory / "postgres", authority=authority) as postgres,
            ):
                ensure_topics(broker.address)
                allow(broker.address, logins=["topics", "consumer", "subscriber", "reader"])
                grant(broker.address, {"relay": permissions()["relay"]})
                yield Servers(authority, broker, postgres)
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ |= {} if value is None else {name: value}


def broker_for(servers: Servers, mechanism: str) -> Broker:
    """The broker for the user `topics`, who proves it in this way."""
    ca, password = str(servers.authority.ca), servers.authority.passwords["topics"]
    given = {"PRORATA_KAFKA": servers.broker.bootstrap, "PRORATA_KAFKA_CA": ca}
    if mechanism == "certificate":
        certificate = servers.authority.client("topics")
        given |= {
            "PRORATA_KAFKA": f"127.0.0.1:{servers.broker.certified_port}",
            "PRORATA_KAFKA_PROTOCOL": "SSL",
            "PRORATA_KAFKA_CERTIFICATE": str(certificate),
        }
    else:
        given |= {"PRORATA_KAFKA_PROTOCOL": "SASL_SSL", "PRORATA_KAFKA_MECHANISM": mechanism}
    if mechanism == "OAUTHBEARER":
        given["PRORATA_KAFKA_TOKEN"] = "tests.support.tokens:for_topics"
    elif mechanism != "certificate":
        given |= {"PRORATA_KAFKA_USER": "topics", "PRORATA_KAFKA_PASSWORD": password}
    broker = Settings.of(given).broker
    assert broker_in(environment_of(broker)) == broker
    return broker


@pytest.mark.parametrize(
    "mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "certificate"]
)
def test_a_client_proves_who_it_is_in_each_way(mechanism: str, servers_: Servers) -> None:
    assert check_topics(broker_for(servers_, mechanism)).prefix == ""


def test_a_wrong_password_is_named_as_what_may_be_wrong(servers_: Servers) -> None:
    prorata = CommandLine("postgresql://nobody@127.0.0.1:1/none")
    given = environment_of(broker_for(servers_, "SCRAM-SHA-512"))
    prorata.environment |= given | {"PRORATA_KAFKA_PASSWORD": "not the password"}
    done = prorata("topics", "--check")
    assert (done.exit_code, done.err.split(":")[1].strip()) == (3, "broker_unreachable")
    assert "the user or the password is not what it wants" in done.err
    assert "not the password" not in done.err


def test_a_broker_that_another_authority_vouches_for_is_not_spoken_to(
    servers_: Servers, tmp_path: Path
) -> None:
    broker = broker_for(servers_, "PLAIN")
    assert isinstance(broker, SecuredBroker)
    other = Authority(tmp_path / "other", ["topics"])
    with pytest.raises(KafkaError):
        check_topics(msgspec.structs.replace(broker, ca=str(other.ca)))


def test_each_process_works_with_its_users_rights_alone(servers_: Servers, tmp_path: Path) -> None:
    broker, url = servers_.broker.address, servers_.postgres.create_database("rights")
    migrated(url, migrations())
    log = PostgresEventLog(login(url, SERVICE))
    append_all(log, {f"acme/a-{nth}": history_of(f"acme/a-{nth}", 1) for nth in range(3)}, 1)
    run_relay(log, kafka_as(broker, RELAY), login(url, RELAY), once=True)
    Consumer(EntitlementCache(), login(url, CONSUMER), kafka_as(broker, CONSUMER)).run_once()
    Archiver(tmp_path / "archive", kafka_as(broker, CONSUMER)).run_once()
    topics = check_topics(as_user(broker, "topics"))
    found = last_positions(as_user(broker, "reader"), topics, list(STREAMS.values()), 10.0)
    assert {position.position for position in found.values() if position} == {log.last_position()}
    log.close()


@pytest.mark.parametrize(
    ("user", "line", "exit_code", "said"),
    [
        ("subscriber", ("topics", "--check"), 4, "not_permitted"),
        ("subscriber", ("relay", "--once"), 4, "not_permitted"),
        ("service", ("consume", "entitlement_cache", "--once"), 3, "or this user may not read it"),
    ],
)
def test_a_process_without_its_rights_is_told_so(
    user: str, line: tuple[str, ...], exit_code: int, said: str, servers_: Servers
) -> None:
    url = servers_.postgres.create_database(f"without_{line[0]}")
    migrated(url, migrations())
    prorata = CommandLine(login(url, COMMANDS_ROLE[line[0]]), as_user(servers_.broker.address, user))
    done = prorata(*line)
    assert done.exit_code == exit_code, done.err
    assert said in done.err


def test_nobody_reads_the_database_without_a_password_or_without_tls(servers_: Servers) -> None:
    url = servers_.postgres.url()
    for refused in (
        f"{url}?sslmode=disable",
        f"{url}?passfile=/dev/null",
        url.replace("127.0.0.1", "127.0.0.2"),
        f"{url}?sslrootcert={servers_.authority.server}",
    ):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(refused)
    with psycopg.connect(f"{url}?sslmode=verify-full&sslrootcert={servers_.authority.ca}") as connection:
        assert connection.pgconn.ssl_in_use


def test_a_password_from_a_file_logs_in(servers_: Servers, tmp_path: Path) -> None:
    url = servers_.postgres.create_database("by_file")
    migrated(url, migrations())
    (tmp_path / "password").write_text(servers_.authority.passwords["service"] + "\n")
    prorata = CommandLine(f"{login(url, SERVICE)}?passfile=/dev/null&sslmode=verify-full")
    assert "no password supplied" in prorata("history", "a1").err
    prorata.environment["PRORATA_DATABASE_PASSWORD_FILE"] = str(tmp_path / "password")
    assert "unknown_account" in prorata("history", "a1").err
