"""`make chaos-service`: faults around commands, billing runs and the payment gateway.

Commands and two billing runs work on the same accounts while they, PostgreSQL, the payment provider and the
ways to both are killed, paused and cut. At the end the provider's books are compared with the log (no charge
without its event, no event without its charge, nothing twice), and each account's history with what an
undisturbed run makes of the same commands.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from random import Random
from typing import Final

from psycopg.conninfo import make_conninfo

from scripts.chaos import commanding
from scripts.chaos.journal import Answered, Entry
from scripts.chaos.outcome import Outcome, Say
from scripts.chaos.plan import Target, plan
from scripts.chaos.system import System
from scripts.chaos.tcp_proxy import TcpProxy
from scripts.chaos.torment import Torment
from scripts.chaos.undisturbed import undisturbed_problems
from scripts.chaos.victims import BackendVictim, ServerVictim, Victim
from scripts.servers.postgres import PostgresServer
from scripts.servers.run import Run

WEIGHTS: Final[Mapping[Target, int]] = {
    ("kill", "postgresql"): 8,
    ("pause", "postgresql"): 2,
    ("kill", "backend"): 5,
    ("stall", "line to postgresql"): 4,
    ("drop", "line to postgresql"): 4,
    ("kill", "gateway"): 8,
    ("pause", "gateway"): 4,
    ("stall", "line to gateway"): 5,
    ("drop", "line to gateway"): 5,
    ("kill", "commands one"): 10,
    ("kill", "commands two"): 10,
    ("pause", "commands one"): 5,
    ("pause", "commands two"): 5,
    ("kill", "billing one"): 8,
    ("kill", "billing two"): 8,
    ("pause", "billing one"): 5,
    ("pause", "billing two"): 5,
    ("kill", "server"): 12,
    ("pause", "server"): 4,
    ("kill", "callers over http"): 4,
    ("kill", "projector one"): 2,
}


def run(seed: int, kills: int, seconds: float, say: Say) -> Outcome:
    """Inflict `kills` faults, for at most `seconds`, then check everything; return the outcome."""
    began = time.monotonic()
    with ExitStack() as ends:
        folder = ends.enter_context(Run())
        server = ends.enter_context(PostgresServer(folder.directory / "postgres"))
        provider = ends.enter_context(PostgresServer(folder.directory / "gateway"))
        lines = [
            ends.enter_context(TcpProxy("line to postgresql", server.port)),
            ends.enter_context(TcpProxy("line to gateway", provider.port)),
        ]
        through = make_conninfo(server.url("prorata"), port=lines[0].port)
        system = System(folder, server, {"PRORATA_DATABASE_URL": through})
        system.use_gateway(provider, port=lines[1].port)
        servers = [ServerVictim("postgresql", server), ServerVictim("gateway", provider)]
        backends = BackendVictim(server, Random(seed))  # noqa: S311 - repeatable, as meant
        torment = Torment([*servers, backends, *lines, *_processes(system)], say)
        torment.run(plan(seed, kills, WEIGHTS), seconds)
        say("everything is up: bringing it to rest")
        findings = torment.stop() + system.come_to_rest()
        say("checking")
        entries = system.entries()
        findings += system.log_problems(entries)
        findings += _disturbed(system, entries)
        counts = {
            "commands answered": sum(isinstance(entry, Answered) for entry in entries),
            "payments decided": len(system.charges()),
            "events in the log": system.events(),
        }
    return Outcome("chaos-service", seed, kills, torment.done, counts, findings, time.monotonic() - began)


def _processes(system: System) -> list[Victim]:
    return [
        *system.commanders(),
        *system.served(),
        system.process("billing one", "scripts.chaos.billing", system.began),
        system.process("billing two", "scripts.chaos.billing", system.began),
        system.process("projector one", "prorata", "project"),
    ]


def _disturbed(system: System, entries: Sequence[Entry]) -> Iterator[str]:
    until: datetime = system.settled_until
    yield from undisturbed_problems(
        system.rows(), entries, system.charges(), system.refunds(), commanding.TENANT, until
    )
