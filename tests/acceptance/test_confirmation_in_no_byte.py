"""The confirmation, and every other token of the provider's, is in no byte that is written (R15, R56): no
table, page, write-ahead log, topic, log line, trace, error text, process argument or environment, and not in
PostgreSQL's own log, which here holds every statement with its parameters."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from publishing.topics import Topics
from scripts.servers.kafka import KafkaBroker
from scripts.servers.postgres import PostgresServer
from scripts.servers.run import Run
from tests.support.command_line import PRORATA, CommandLine, Done
from tests.support.publishing.readers import read_records

TELLING = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_parameter_max_length": "-1",
    "log_parameter_max_length_on_error": "-1",
    "log_error_verbosity": "verbose",
    "log_min_messages": "debug1",
}
ACCOUNT = "account-that-is-looked-for"
OPEN = {"do": "open_account", "account": ACCOUNT, "currency": "EUR", "time_zone": "Europe/Paris"}


@pytest.fixture
def postgres(servers_run: Run) -> Iterator[PostgresServer]:
    """A server that logs all that it is told."""
    with PostgresServer(servers_run.directory / "postgres", TELLING) as server:
        yield server


class Watched:
    """Gives lines of commands with secrets, and keeps all that the processes show."""

    def __init__(self, prorata: CommandLine) -> None:
        self.prorata = prorata
        self.secrets: list[bytes] = []
        self.shown: list[bytes] = []

    def token(self) -> str:
        """A token as a provider makes them, that is nowhere else."""
        token = f"tok_{uuid4().hex}"
        self.secrets.append(token.encode())
        return token

    def give(self, *lines: dict[str, Any] | bytes) -> list[Any]:
        """The answers of one process on the wall clock, whose arguments and environment are looked at."""
        given = b"".join(x if isinstance(x, bytes) else msgspec.json.encode(x) + b"\n" for x in lines)
        process = subprocess.Popen(
            [PRORATA, "command"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.prorata.environment_of("command"),
        )
        for part in ("cmdline", "environ"):
            self.shown.append(Path(f"/proc/{process.pid}/{part}").read_bytes())
        out, err = process.communicate(given, timeout=60)
        self.shown += [out, err]
        return [msgspec.json.decode(line) for line in out.splitlines()]

    def run(self, *arguments: str, given: bytes = b"") -> Done:
        done = self.prorata(*arguments, given=given)
        self.shown += [done.out.encode(), done.err.encode()]
        return done

    def purchase(self, product: str = "surveys", **fields: object) -> dict[str, Any]:
        """A line that buys the add-on, confirmed by a token of its own."""
        confirm = {"cvv": self.token(), "billing": True}
        line = {"do": "purchase_addon", "account": ACCOUNT, "product": product, "confirm": confirm}
        return line | fields


def found_in(folder: Path, needles: list[bytes]) -> list[tuple[Path, bytes]]:
    """The files below the folder that hold one of the byte strings."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            found += [(path, needle) for needle in needles if needle in content]
    return found


def test_a_token_of_the_providers_is_in_no_byte_that_anything_writes(
    postgres: PostgresServer, own_kafka: KafkaBroker, servers_run: Run, topic_prefix: str
) -> None:
    prorata = CommandLine(postgres.create_database("prorata"), own_kafka.bootstrap, topic_prefix)
    prorata.environment |= {"PRORATA_LOG_LEVEL": "debug", "PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "1"}
    assert prorata("migrate", "--roles").exit_code == 0
    assert prorata("catalog", "load", "--demo").exit_code == 0
    watched = Watched(prorata)
    plan = watched.purchase() | {"do": "purchase_plan", "product": "standard", "id": "p1"}

    outcomes = [
        answer["outcome"]
        for answer in watched.give(
            OPEN,
            watched.purchase() | {"do": "purchase_plan", "product": "standard", "preview": True},
            plan,
            plan,
            watched.purchase(expected_total="1.00"),
            watched.purchase(id="s1"),
            watched.purchase("no_such_product"),
            watched.purchase(surprise=1),
            {"do": "set_payment_method", "account": ACCOUNT, "method": watched.token()},
            {"do": "set_payment_method", "account": ACCOUNT, "method": watched.token(), "id": "é" * 200},
            {"do": "pay_balance", "account": ACCOUNT, "confirm": {"cvv": watched.token(), "billing": True}},
        )
    ]
    assert outcomes.count("accepted") == 6, outcomes
    broken = b'{"do": "purchase_plan", "confirm": {"cvv": "%s", ' % watched.token().encode()
    watched.give(
        broken + b"\n", msgspec.json.encode(watched.purchase() | {"confirm": watched.token()}) + b"\n"
    )

    played = prorata.environment
    prorata.environment = played | {
        "PRORATA_GATEWAY": "tests.support.service.crashing_gateway:opened",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    crashed = watched.give(
        watched.purchase("custom_domain"),
        {"do": "set_payment_method", "account": ACCOUNT, "method": watched.token()},
    )
    assert b"cannot read" in b"".join(watched.shown), crashed
    prorata.environment = played | {"PRORATA_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    watched.give(watched.purchase("custom_domain"))
    prorata.environment = played
    for arguments in (
        ("bill", "--once"),
        ("project", "--once"),
        ("relay", "--once"),
        ("history", ACCOUNT),
        ("reconcile",),
        ("status",),
    ):
        watched.run(*arguments)

    topics = [
        record for topic in Topics(topic_prefix).all for record in read_records(own_kafka.bootstrap, topic)
    ]
    published = b"".join((record.key or b"") + (record.value or b"") for record in topics)
    postgres.stop()
    own_kafka.stop()
    everywhere = published + b"".join(watched.shown)
    assert len(watched.secrets) > 12
    assert [secret for secret in watched.secrets if secret in everywhere] == []
    assert found_in(servers_run.directory, watched.secrets) == []
    holds = {path.name for path, _ in found_in(servers_run.directory, [ACCOUNT.encode()])}
    assert ACCOUNT.encode() in published
    assert "server.log" in holds, "what is looked for is found where it is"
    assert any(len(name) == 24 for name in holds), "in the write-ahead log, too"
