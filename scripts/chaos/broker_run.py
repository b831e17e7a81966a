"""`make chaos`: faults on the whole way from a command to the subscribers' tables.

Commands flow while relays, consumers, projectors, PostgreSQL and the broker are killed, paused (a paused
holder of a lease wakes up as a zombie) and cut off. At the end the topics, read by another client library,
and every consumer's tables are compared with the log.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from eventlog.postgres.log import PostgresEventLog
from publishing.clients import Broker
from publishing.topics import Topics, ensure_topics
from scripts.chaos import commanding, reading
from scripts.chaos.broker_checks import FOLDS, event_problems, state_problems, table_problems
from scripts.chaos.journal import Answered, Told
from scripts.chaos.log_checks import rows_of
from scripts.chaos.outcome import Outcome, Say
from scripts.chaos.plan import Target, plan
from scripts.chaos.system import System
from scripts.chaos.tcp_proxy import TcpProxy
from scripts.chaos.torment import Torment
from scripts.chaos.victims import ServerVictim, Victim
from scripts.chaos.webhooks import NETWORKS, Webhooks, webhook_problems
from scripts.servers.kafka import KafkaBroker, prepare_kafka
from scripts.servers.postgres import PostgresServer
from scripts.servers.processes import free_port
from scripts.servers.run import Run

WEIGHTS: Final[Mapping[Target, int]] = {
    ("kill", "broker"): 5,
    ("pause", "broker"): 3,
    ("stall", "line to broker"): 3,
    ("drop", "line to broker"): 3,
    ("kill", "postgresql"): 4,
    ("pause", "postgresql"): 1,
    ("stall", "line to postgresql"): 2,
    ("drop", "line to postgresql"): 2,
    ("kill", "relay one"): 4,
    ("kill", "relay two"): 4,
    ("pause", "relay one"): 4,
    ("pause", "relay two"): 4,
    ("kill", "cache one"): 2,
    ("pause", "cache one"): 2,
    ("kill", "ledger one"): 3,
    ("kill", "ledger two"): 3,
    ("pause", "ledger one"): 3,
    ("pause", "ledger two"): 3,
    ("kill", "projector one"): 2,
    ("kill", "commands one"): 2,
    ("kill", "commands two"): 2,
    ("kill", "hooks one"): 2,
    ("kill", "sender one"): 3,
    ("kill", "sender two"): 3,
    ("pause", "sender one"): 2,
    ("pause", "sender two"): 2,
    ("kill", "receiver"): 3,
    ("pause", "receiver"): 2,
}

CONSUMERS: Final = ("entitlement_cache", "finance_ledger")


def run(seed: int, kills: int, seconds: float, say: Say) -> Outcome:
    """Inflict `kills` faults, for at most `seconds`, then check everything; return the outcome."""
    began, line_port = time.monotonic(), free_port()
    home = prepare_kafka(say)
    with ExitStack() as ends:
        folder = ends.enter_context(Run())
        server = ends.enter_context(PostgresServer(folder.directory / "postgres"))
        to_postgres = ends.enter_context(TcpProxy("line to postgresql", server.port))
        broker = KafkaBroker(home, folder.directory / "kafka", advertised_port=line_port)
        to_broker = ends.enter_context(TcpProxy("line to broker", broker.port, line_port))
        ends.enter_context(broker)  # at its start it connects to its advertised address, which is the proxy's
        bootstrap = f"127.0.0.1:{to_broker.port}"
        through = make_conninfo(server.url("prorata"), port=to_postgres.port)
        settings = {
            "PRORATA_DATABASE_URL": through,
            "PRORATA_KAFKA": bootstrap,
            "PRORATA_WEBHOOK_NETWORKS": NETWORKS,
        }
        system = System(folder, server, settings)
        ensure_topics(bootstrap)
        servers = [ServerVictim("postgresql", server), ServerVictim("broker", broker)]
        webhooks = Webhooks(system, commanding.TENANT)
        processes = [*_processes(system), *webhooks.processes()]
        torment = Torment([*servers, to_broker, to_postgres, *processes], say)
        torment.run(plan(seed, kills, WEIGHTS), seconds)
        say("everything is up: bringing it to rest")
        findings = torment.stop() + system.come_to_rest() + _caught_up(system)
        findings += webhooks.come_to_rest()
        say("checking")
        entries = system.entries()
        findings += system.log_problems(entries)
        findings += _problems(system, bootstrap)
        findings += webhook_problems(system.rows(), entries, commanding.TENANT)
        counts = {
            "commands answered": sum(isinstance(entry, Answered) for entry in entries),
            "events published": system.events(),
            "webhooks taken in": sum(isinstance(entry, Told) for entry in entries),
        }
    return Outcome("chaos", seed, kills, torment.done, counts, findings, time.monotonic() - began)


def _processes(system: System) -> list[Victim]:
    return [
        *system.commanders(),
        system.process("projector one", "prorata", "project"),
        system.process("relay one", "prorata", "relay"),
        system.process("relay two", "prorata", "relay"),
        system.process("cache one", "prorata", "consume", "entitlement_cache"),
        system.process("ledger one", "prorata", "consume", "finance_ledger"),
        system.process("ledger two", "prorata", "consume", "finance_ledger"),
    ]


def _caught_up(system: System) -> list[str]:
    """Publish and consume everything; return what could not be."""
    work = [("prorata", "relay", "--once"), *[("prorata", "consume", name, "--once") for name in CONSUMERS]]
    codes = {" ".join(module): system.run_alone(*module) for module in work}
    return [f"`{command}` ended with {code}" for command, code in codes.items() if code != 0]


def _problems(system: System, bootstrap: Broker) -> Iterator[str]:
    topics = Topics()
    with closing(PostgresEventLog(system.url)) as log, psycopg.connect(system.url) as connection:
        yield from event_problems(reading.events(bootstrap, topics.events.name), rows_of(log))
        for topic in FOLDS:
            yield from state_problems(topic, reading.states(bootstrap, topics.find(topic).name), log)
        yield from table_problems(connection, log)
