"""One PostgreSQL and one Kafka for all processes of a test run, each started when first asked for."""

import fcntl
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec
import psycopg
from psycopg import sql

from prorata.roles import OWNER
from publishing.clients import Broker, SecuredBroker
from scripts.servers.guardian import RUN_VARIABLE
from scripts.servers.kafka.addresses import broker_in

NewDatabase = Callable[[], AbstractContextManager[str]]
"""Makes a database each time, dropped when its context ends."""

Server = Literal["postgres", "kafka"]
VARIABLES: dict[Server, str] = {"postgres": "PRORATA_DATABASE_URL", "kafka": "PRORATA_KAFKA"}

GIVEN_VARIABLE: Final = "PRORATA_TESTS_SERVERS"


class Given(msgspec.Struct, frozen=True):
    """Servers that run already, as under `python -m scripts.servers run`."""

    postgres: str | None = None
    kafka: SecuredBroker | str | None = None


def given_servers(environment: MutableMapping[str, str]) -> Given:
    """What the environment says, and goes on saying to the workers of pytest-xdist, which are started after
    the settings have been taken out of it."""
    if GIVEN_VARIABLE in environment:
        return msgspec.json.decode(environment[GIVEN_VARIABLE], type=Given)
    if RUN_VARIABLE not in environment:
        return Given()
    given = Given(environment.get(VARIABLES["postgres"]), broker_in(environment))
    environment[GIVEN_VARIABLE] = msgspec.json.encode(given).decode()
    return given


class SharedServers:
    """The servers end with the process `owner`: pytest's own, or the controller of pytest-xdist."""

    def __init__(self, folder: Path, owner: int, given: Given) -> None:
        """`folder` is the same for all workers."""
        self._given = given
        self._folder = folder
        self._owner = owner

    @property
    def database_url(self) -> str:
        """A database of PostgreSQL's superuser, to make others from."""
        return self._given.postgres or self._address("postgres")

    @contextmanager
    def new_database(self, template: str = "template1") -> Iterator[str]:
        """A copy of the template with the rights of a superuser, dropped afterwards; its address."""
        name = f"test_{secrets.token_hex(6)}"
        made = sql.SQL("create database {} template {} owner {}").format(
            sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER)
        )
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(made)
            yield self.database_url.rpartition("/")[0] + f"/{name}"
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    @property
    def kafka(self) -> Broker:
        """Where Kafka is."""
        return self._given.kafka or self._address("kafka")

    def _address(self, server: Server) -> str:
        """The address that the worker which started the server has written; the others wait for it."""
        with (self._folder / f"{server}.address").open("a+") as known:
            fcntl.flock(known, fcntl.LOCK_EX)
            known.seek(0)
            if address := known.read():
                return address
            address = self._start(server)
            known.write(address)
            return address

    def _start(self, server: Server) -> str:
        action = ["up", "--only", server, "--while", str(self._owner)]
        # Started through a shell, so that it may outlive this worker.
        with subprocess.Popen(
            ["/bin/sh", "-c", '"$@" &', "sh", sys.executable, "-m", "scripts.servers", *action],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={name: value for name, value in os.environ.items() if name != RUN_VARIABLE},
            start_new_session=True,  # Ctrl-C ends the tests first
        ) as shell:
            assert shell.stdout is not None
            name, _, address = shell.stdout.readline().removeprefix("export ").strip().partition("=")
        assert name == VARIABLES[server], f"{server} did not start: see the captured output"
        return address
