"""`make chaos-log`: kills around the event log.

Two writers of raw appends and two of commands, two projectors and a rebuilder work on a durable PostgreSQL
while all of them, the server and single backends of it are killed. Then everything is brought to rest and
checked against the journals, against itself, and against a rebuild from nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random
from typing import Final

from scripts.chaos.journal import Answered, Stored
from scripts.chaos.outcome import Outcome, Say
from scripts.chaos.plan import Target, plan
from scripts.chaos.system import System
from scripts.chaos.torment import Torment
from scripts.chaos.victims import BackendVictim, ServerVictim, Victim
from scripts.servers.postgres import PostgresServer
from scripts.servers.run import Run

WEIGHTS: Final[Mapping[Target, int]] = {
    ("kill", "postgresql"): 15,
    ("kill", "backend"): 10,
    ("kill", "appends by threads"): 10,
    ("kill", "appends by tasks"): 10,
    ("kill", "commands one"): 12,
    ("kill", "commands two"): 12,
    ("kill", "projector one"): 8,
    ("kill", "projector two"): 8,
    ("kill", "rebuilder"): 15,
}


def run(seed: int, kills: int, seconds: float, say: Say) -> Outcome:
    """Inflict `kills` kills, for at most `seconds`, then check everything; return the outcome."""
    began = time.monotonic()
    with Run() as folder, PostgresServer(folder.directory / "postgres") as server:
        system = System(folder, server, {})
        torment = Torment(_victims(system, server, Random(seed)), say)  # noqa: S311 - repeatable
        torment.run(plan(seed, kills, WEIGHTS), seconds)
        say("everything is up: bringing it to rest")
        findings = torment.stop() + system.come_to_rest()
        say("checking")
        entries = system.entries()
        findings += system.log_problems(entries)
        counts = {
            "appends acknowledged": sum(isinstance(entry, Stored) for entry in entries),
            "commands answered": sum(isinstance(entry, Answered) for entry in entries),
            "events in the log": system.events(),
        }
    return Outcome("chaos-log", seed, kills, torment.done, counts, findings, time.monotonic() - began)


def _victims(system: System, server: PostgresServer, chance: Random) -> list[Victim]:
    """The victims; the server comes first, since everything else needs it."""
    return [
        ServerVictim("postgresql", server),
        BackendVictim(server, chance),
        *system.appenders(),
        *system.commanders(),
        system.process("projector one", "prorata", "project"),
        system.process("projector two", "prorata", "project"),
        system.process("rebuilder", "scripts.chaos.rebuilding", system.journal("rebuilds")),
    ]
