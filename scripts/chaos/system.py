"""The system under faults: its processes, how it comes to rest, and the checks of its database then."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from eventlog import StoredEvent
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG, migrate
from prorata.keys.key import NewKey
from prorata.keys.store import KeyStore
from prorata.migrations import migrations
from scripts.chaos import appending, calling, commanding
from scripts.chaos.journal import Entry, Noticed, read
from scripts.chaos.log_checks import append_problems, chain_problems, command_problems, rows_of
from scripts.chaos.model_checks import read_model_problems
from scripts.chaos.money_checks import (
    Charge,
    books,
    invoice_problems,
    payment_problems,
    refund_problems,
    refunds,
)
from scripts.chaos.victims import ROOT, ProcessVictim
from scripts.servers.postgres import PostgresServer
from scripts.servers.processes import free_port
from scripts.servers.run import Run
from service.schema import SERVICE

_RECOVER_AFTER: Final = "2"
_DURABLE: Final = ("fsync", "synchronous_commit", "full_page_writes")
_ROUNDS: Final = 30


class System:
    """A system on a migrated database of a durable server; `environment`: further variables of its
    processes."""

    def __init__(self, run: Run, server: PostgresServer, environment: Mapping[str, str]) -> None:
        self.url = server.create_database("prorata")
        _refuse_undurable(self.url)
        migrate(self.url, migrations())
        self.folder = run.directory / "chaos"
        self.folder.mkdir()
        self._environment = {
            **run.environment,
            "PRORATA_DATABASE_URL": self.url,
            "PRORATA_RECOVER_AFTER": _RECOVER_AFTER,
            "PRORATA_ALLOW_TEST_GATEWAY": "1",
            "PYTHONFAULTHANDLER": "1",
            **environment,
        }
        self.began = str(time.time())
        """When the commands' test clock began."""
        self.settled_until = commanding.clock(float(self.began))
        """Up to when everything was billed at the end."""
        self._gateway_url = self.url
        self._commanders = {
            f"commands {nth}": self.folder / f"{commanding.JOURNALS}-{nth}.jsonl" for nth in ("one", "two")
        }

    def appenders(self) -> list[ProcessVictim]:
        """Writers of raw appends."""
        return [
            self.process(
                f"appends by {door}", "scripts.chaos.appending", door, self.journal(f"appends-{door}")
            )
            for door in ("threads", "tasks")
        ]

    def commanders(self) -> list[ProcessVictim]:
        """Writers of commands."""
        return [self.process(name, *self._commanding(path)) for name, path in self._commanders.items()]

    def served(self) -> list[ProcessVictim]:
        """The HTTP API, and those who give commands over it."""
        with closing(KeyStore(self.url, None)) as keys:
            made = keys.create(NewKey(commanding.TENANT, "chaos", "owner"))
        port = free_port()
        self._environment |= {calling.URL: f"http://127.0.0.1:{port}", calling.KEY: made.key}
        path = self._commanders["callers over http"] = self.folder / f"{commanding.JOURNALS}-http.jsonl"
        return [
            self.process("server", "prorata", "serve", "--port", str(port)),
            self.process("callers over http", "scripts.chaos.calling", str(path), self.began),
        ]

    def process(self, name: str, *module: str) -> ProcessVictim:
        """A victim that runs `python -m` with these arguments."""
        return ProcessVictim(name, [sys.executable, "-m", *module], self._environment, self.folder)

    def journal(self, name: str) -> str:
        """The path of a process's journal."""
        return str(self.folder / f"{name}.jsonl")

    def run_alone(self, *module: str) -> int:
        """Run a process without faults, its output in a file; return the exit code."""
        with (self.folder / "rest.log").open("ab") as output:
            done = subprocess.run(
                [sys.executable, "-m", *module],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=output,
                check=False,
            )
        return done.returncode

    def come_to_rest(self) -> list[str]:
        """Have every command answered and every payment concluded; return what could not be."""
        findings = []
        for name, path in self._commanders.items():
            if self.run_alone(*self._commanding(path), "--finish") != 0:
                findings.append(f"{name}: not every command could be answered: …{self._said_last()}")
        self.settled_until = commanding.clock(float(self.began))
        until = self.settled_until.isoformat()
        for _ in range(_ROUNDS):
            code = self.run_alone("prorata", "bill", "--test-clock", "--until", until, "--once")
            if code != 0:
                findings.append(f"the last billing run ended with {code}")
            if code != 0 or not self._pending():
                return findings
            time.sleep(0.5)
        return [*findings, "a payment stays without an answer"]

    def _said_last(self) -> str:
        return (self.folder / "rest.log").read_text(errors="replace")[-2_000:]

    def entries(self) -> list[Entry]:
        """The entries of all journals."""
        return [entry for path in sorted(self.folder.glob("*.jsonl")) for entry in read(path)]

    def log_problems(self, entries: Sequence[Entry]) -> Iterator[str]:
        """Run all checks of the database; yield what does not hold."""
        yield from (entry.message for entry in entries if isinstance(entry, Noticed))
        with ExitStack() as stack:
            log = stack.enter_context(closing(PostgresEventLog(self.url)))
            connection = stack.enter_context(psycopg.connect(self.url, autocommit=True))
            rows, charges, given_back = rows_of(log), self.charges(), self.refunds()
            yield from chain_problems(log, rows, self.events())
            yield from append_problems(rows, entries, appending.TENANT)
            yield from command_problems(rows, entries, commanding.TENANT)
            yield from payment_problems(rows, charges)
            yield from read_model_problems(self.url, log, rows)
            yield from invoice_problems(connection, charges, given_back)
            yield from refund_problems(rows, given_back)

    def rows(self) -> list[StoredEvent]:
        """The whole log."""
        with closing(PostgresEventLog(self.url)) as log:
            return rows_of(log)

    def charges(self) -> dict[UUID, Charge]:
        """Every payment that the gateway decided."""
        with psycopg.connect(self._gateway_url) as connection:
            return books(connection)

    def refunds(self) -> dict[UUID, Charge]:
        """Every refund that the gateway decided."""
        with psycopg.connect(self._gateway_url) as connection:
            return refunds(connection)

    def use_gateway(self, provider: PostgresServer, *, port: int) -> None:
        """Let the processes charge at a test gateway of its own, on another server behind that port."""
        self._gateway_url = provider.create_database("gateway")
        _refuse_undurable(self._gateway_url)
        migrate(self._gateway_url, [EVENTLOG, SERVICE])
        self._environment["PRORATA_TEST_GATEWAY_URL"] = make_conninfo(self._gateway_url, port=port)

    def events(self) -> int:
        """The number of events in the log's table."""
        with psycopg.connect(self.url) as connection:
            [[count]] = connection.execute("select count(*) from events").fetchall()
        return int(count)

    def _pending(self) -> bool:
        with psycopg.connect(self.url) as connection:
            [[pending]] = connection.execute(_PENDING).fetchall()
        return bool(pending)

    def _commanding(self, path: Path) -> list[str]:
        return ["scripts.chaos.commanding", str(path), self.began]


_PENDING: Final = """
    select exists (
        select from (select distinct on (account_id) type from events order by account_id, version desc) last
        where type in ('payment_started', 'cycles_renewed')
    )
"""


def _refuse_undurable(url: str) -> None:
    with psycopg.connect(url) as connection:
        for name in _DURABLE:
            [[value]] = connection.execute(f"show {name}").fetchall()
            if value != "on":
                raise SystemExit(
                    f"{name} is {value!r}: kills prove nothing on a server that may lose commits"
                )
