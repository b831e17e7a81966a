"""Play the stories with commands, billing run, projections, relay and consumer on the configured servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from domain.catalog import Catalog
from eventlog.postgres.connect import acting_as
from projections.live.projector import Projector
from prorata.cli.account.speaking import Speaker
from prorata.migrations import migrations
from prorata.roles import CONSUMER, PROJECTOR, RELAY, SERVICE, grant_rights, make_roles
from prorata.settings import Settings
from prorata.simulation.lines import lines_of
from prorata.simulation.run import Result, run
from prorata.simulation.scenario import Scenario, parse_scenario
from prorata.wiring import Running, opened_log, running
from service.catalogue_versions import demo_body
from service.commands import AnswerLine
from service.session import CommandSession

STORIES = sorted((Path(__file__).parent / "stories").glob("*.json"))

Say = Callable[[str], None]


class Story(msgspec.Struct, frozen=True):
    """A story's file, its account's id in this run, and the result that simulation expects."""

    raw: dict[str, Any]
    scenario: Scenario
    account: str
    expected: Result


class AnsweredStep(msgspec.Struct, frozen=True):
    """A step of a story, and the answer to it."""

    step: dict[str, Any]
    answer: AnswerLine


def stories(run_id: str) -> list[Story]:
    """The demo's stories. Account ids are never reused, so each run has its own."""
    catalogs: dict[Path, Catalog] = {}
    read = []
    for path in STORIES:
        data = path.read_bytes()
        scenario = parse_scenario(data, path.parent, catalogs)
        raw = msgspec.json.decode(data)
        read.append(Story(raw, scenario, f"{raw['account']['id']}-{run_id}", run(scenario)))
    return read


def play(settings: Settings, told: list[Story], say: Say) -> dict[str, list[AnsweredStep]]:
    """Play every story to its end; return the answered steps by account. When it returns, everything is
    published and consumed."""
    from consumers.entitlement_cache import EntitlementCache
    from consumers.runtime import Consumer
    from eventlog.postgres.migrate import migrate
    from prorata.demo.over_http import ask_over_http
    from publishing.relay import run_relay

    timed = _Timed(say)
    applied = migrate(settings.database_url, migrations())
    make_roles(settings.database_url)
    grant_rights(settings.database_url)
    timed(f"migrated the database ({len(applied)} migrations), and gave each process a role of its own")
    with (
        running(as_role(settings, SERVICE)) as system,
        opened_log(as_role(settings, PROJECTOR)) as log,
        Projector(as_role(settings, PROJECTOR).database_url, log) as projector,
    ):
        loaded = system.catalogues.load(demo_body(), None, system.clock.now())
        timed(f"loaded a catalogue for the wall clock (version {loaded.version.version})")
        answers = {story.account: _give(system, story) for story in told}
        timed(f"gave {sum(map(len, answers.values()))} commands to {len(told)} accounts on a test clock")
        projector.run_once()
        events = sum(system.billing.run_due("test", story.scenario.until).events for story in told)
        timed(f"ran the billing: {events} events of what fell due by itself")
        counts = projector.run_once()
        timed(f"projected {counts.events} events into the read models")
    relay = as_role(settings, RELAY)
    with opened_log(relay) as log:
        run_relay(log, relay.broker, relay.database_url, prefix=relay.kafka_prefix, once=True)
        timed("published the log to Kafka")
    consumer = as_role(settings, CONSUMER)
    Consumer(
        EntitlementCache(), consumer.database_url, consumer.broker, prefix=consumer.kafka_prefix
    ).run_once()
    timed("the entitlement cache took in what was published")
    ask_over_http(as_role(settings, SERVICE), told[0].account, timed)
    return answers


def as_role(settings: Settings, role: str) -> Settings:
    """The settings for a process with the rights of this role only."""
    return msgspec.structs.replace(settings, database_url=acting_as(settings.database_url, role))


def _give(system: Running, story: Story) -> list[AnsweredStep]:
    session = CommandSession(
        system.service.core, system.catalogues, system.clock, tenant="main", lives_on="test"
    )
    speak, told = Speaker(system, "en"), []
    for played in lines_of(story.raw, story.account, None):
        assert played.line is not None, "the demo's stories have commands only"
        answer = session.answer_line(played.line)
        if played.step is not None:
            told.append(AnsweredStep(story.raw["steps"][played.step], speak(answer, f"main/{story.account}")))
    return told


class _Timed:
    """Prints what was done and how long it took."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._since = time.perf_counter()

    def __call__(self, what: str) -> None:
        now = time.perf_counter()
        self._say(f"{what} ({now - self._since:.1f} s)")
        self._since = now
