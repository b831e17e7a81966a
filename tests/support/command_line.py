"""Run `prorata` as users do, each time in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from prorata.roles import role_for
from publishing.clients import Broker
from scripts.servers.kafka.addresses import environment_of
from scripts.servers.postgres import SUPERUSER
from tests.support.forked import Forked
from tests.support.roles import kafka_as, login

PRORATA = Path(sys.executable).with_name("prorata")
"""The installed script."""


class Done(msgspec.Struct, frozen=True):
    """A run's exit code and output."""

    exit_code: int
    out: str
    err: str

    @property
    def answers(self) -> list[Any]:
        """The decoded JSON lines of stdout."""
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


class CommandLine:
    """Runs `prorata` with the servers of a test."""

    def __init__(self, database_url: str, kafka: Broker = "127.0.0.1:1", prefix: str = "") -> None:
        servers = {"DATABASE_URL": database_url, "KAFKA_PREFIX": prefix, "ALLOW_TEST_GATEWAY": "1"}
        given = {f"PRORATA_{name}": value for name, value in servers.items()}
        self.environment = os.environ | given | environment_of(kafka)
        self.database_url, self.kafka = database_url, kafka

    def __call__(self, *arguments: str, given: str | bytes = b"", timeout: float = 60) -> Done:
        """Run it in a process forked from a warm one, which need not start Python anew."""
        text = given.encode() if isinstance(given, str) else given
        return Done(*Forked(arguments, self.environment_of(*arguments), text).end(timeout))

    def environment_of(self, *arguments: str) -> dict[str, str]:
        """The command's environment: its database's user is a member of the role that the command is for, and
        its broker's user has the rights of its process."""
        role = "prorata_topics" if arguments[:1] == ("topics",) else role_for(arguments)
        if role is None or f"//{SUPERUSER}@" not in self.database_url:
            return self.environment
        found = self.environment | environment_of(kafka_as(self.kafka, role))
        return found | {"PRORATA_DATABASE_URL": login(self.database_url, role)}

    def at_once(self, *lines: str) -> dict[str, Done]:
        """Run these at the same time; for commands that wait for a server that is away."""
        begun = {line: Forked(line.split(), self.environment_of(*line.split())) for line in lines}
        return {line: Done(*forked.end(60)) for line, forked in begun.items()}

    def installed(self, *arguments: str, given: bytes = b"") -> Done:
        """Run the installed script itself."""
        done = subprocess.run(
            [PRORATA, *arguments],
            input=given,
            capture_output=True,
            env=self.environment_of(*arguments),
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def in_shell(self, line: str, given: bytes = b"") -> Done:
        """Run a line of shell in which `prorata` is the installed script, with whatever a shell can close,
        redirect and set."""
        shell = f'prorata() {{ "{PRORATA}" "$@"; }}\n{line}'
        done = subprocess.run(
            ["bash", "-c", shell],
            input=given,
            capture_output=True,
            env=self.environment,
            check=False,
            timeout=60,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def at_terminal(self, *arguments: str, answer: str) -> Done:
        """Run the installed script with a terminal as its standard input, where a person types this line."""
        person, terminal = os.openpty()
        try:
            os.write(person, answer.encode() + b"\n")
            done = subprocess.run(
                [PRORATA, *arguments], stdin=terminal, capture_output=True, env=self.environment, check=False
            )
        finally:
            os.close(person)
            os.close(terminal)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def commands(self, *lines: Any, test_clock: bool = True) -> Done:
        """Give these lines; a line that is no text is encoded as JSON."""
        text = b"".join(
            (line.encode() if isinstance(line, str) else msgspec.json.encode(line)) + b"\n" for line in lines
        )
        return self("command", *(["--test-clock"] if test_clock else []), given=text)


OPEN: dict[str, Any] = {
    "do": "open_account",
    "account": "a1",
    "at": "2026-03-20",
    "currency": "EUR",
    "time_zone": "Europe/Paris",
}
"""The line that opens `a1`."""


def step(at: str, do: str, **fields: Any) -> dict[str, Any]:
    """A command line for `a1`."""
    return {"do": do, "account": "a1", "at": at, **fields}


def answered(done: Done) -> Any:
    """The only answer of a successful run."""
    assert (done.exit_code, done.err) == (0, "")
    [answer] = done.answers
    return answer
