"""Fixtures for tests against the real PostgreSQL and Kafka.

    def test_what_it_promises(database_url: str, kafka_bootstrap: Broker, topic_prefix: str) -> None:

A server starts when the first test asks for it, once for all workers of pytest-xdist, and ends with pytest.
Under `python -m scripts.servers run`, as in `make test`, its servers are used. Tests that stop, kill or pause
a server have their own: `own_postgres`, `own_kafka`.
"""

import os
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from publishing.clients import Broker, SecuredBroker
from scripts.servers.guardian import RUN_VARIABLE
from scripts.servers.postgres import PostgresServer
from scripts.servers.run import Run
from tests.support.servers import GIVEN_VARIABLE, SharedServers, given_servers

if TYPE_CHECKING:
    from scripts.servers.kafka import KafkaBroker

_GIVEN = given_servers(os.environ)
# Nobody's own settings change a test. The mark of the run stays: by it the guardian finds what tests leave.
for _name in [name for name in os.environ if name.startswith("PRORATA_")]:
    if _name not in (RUN_VARIABLE, GIVEN_VARIABLE, "PRORATA_CACHE"):
        del os.environ[_name]
os.environ.pop("PYTHONUNBUFFERED", None)  # hides what happens to output that waits in a buffer

# No example has a time limit: a busy machine is no fault of the code.
settings.register_profile("prorata", deadline=None)
settings.load_profile("prorata")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> SharedServers:
    """Where the servers are; each starts when it is first asked for."""
    folder, owner = tmp_path_factory.getbasetemp(), os.getpid()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder, owner = folder.parent, os.getppid()
    return SharedServers(folder, owner, given=_GIVEN)


@pytest.fixture
def database_url(servers: SharedServers) -> Iterator[str]:
    """A new, empty database with the rights of a superuser, dropped afterwards."""
    with servers.new_database() as url:
        yield url


@pytest.fixture(scope="session")
def kafka_bootstrap(servers: SharedServers) -> Broker:
    """The broker that all tests share; topics are kept apart by `topic_prefix`. Where it asks who one is,
    this is its superuser: our processes use it as `kafka_as` says."""
    return servers.kafka


@pytest.fixture
def topic_prefix() -> str:
    """A prefix such as "t3f9a61c2." that no other test has. Where the broker asks who one is, each of our
    users has its rights on the topics with this prefix."""
    prefix = f"t{secrets.token_hex(4)}."
    if isinstance(_GIVEN.kafka, SecuredBroker):
        from scripts.servers.kafka.secured import allow

        allow(_GIVEN.kafka, prefix)
    return prefix


@pytest.fixture
def servers_run() -> Iterator[Run]:
    """A folder for servers of the test's own; what runs there ends with the test."""
    with Run() as run:
        yield run


@pytest.fixture
def own_postgres(servers_run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """A running PostgreSQL that the test may stop, kill, pause and restart; it has no TLS."""
    monkeypatch.delenv("PGSSLMODE", raising=False)
    with PostgresServer(servers_run.directory / "postgres") as postgres:
        yield postgres


@pytest.fixture
def own_kafka(servers_run: Run) -> "Iterator[KafkaBroker]":
    """A running broker that the test may stop, kill, pause and restart."""
    from scripts.servers.kafka import KafkaBroker, prepare_kafka  # a third of a second that unit tests save

    with KafkaBroker(prepare_kafka(), servers_run.directory / "kafka") as kafka:
        yield kafka
