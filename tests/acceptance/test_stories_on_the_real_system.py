"""Every example and story, played through lines, log, billing run and projections, ends as in simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from domain.calendar import Instant, parse_moment
from domain.catalog import Catalog
from domain.happened import Chronicle
from eventlog.codec import domain_codec
from projections.live.projector import Projector
from projections.models import access_windows, credit_notes, entitlements, invoices
from prorata.migrations import migrations
from prorata.settings import Settings
from prorata.simulation.compare import mismatches
from prorata.simulation.expected import Expectation
from prorata.simulation.lines import lines_of
from prorata.simulation.run import Result, run
from prorata.simulation.scenario import Scenario, parse_scenario
from prorata.simulation.shown import Documents, Shown, shown_documents
from prorata.wiring import Running, running
from service.session import CommandSession
from tests.support.roles import migrated

CODEC = domain_codec()
SCENARIOS = Path(__file__).parents[1] / "scenarios"
STORIES = [*sorted(SCENARIOS.glob("examples/*.json")), *sorted(SCENARIOS.glob("stories/*.json"))]


class RealSystem:
    """The running system, and one account's story in it."""

    def __init__(self, system: Running, database_url: str) -> None:
        self.system = system
        self.session = CommandSession(
            system.service.core, system.catalogues, system.clock, tenant="main", lives_on="test"
        )
        self.projector = Projector(database_url, system.log)
        self.connection = psycopg.connect(database_url, autocommit=True)

    def give(self, line: bytes) -> Any:
        answer = self.session.answer_line(line)
        assert answer.is_command, answer
        return answer

    def shown_at(self, account: str, until: Instant) -> Shown:
        """What the read models say once everything due up to the instant is billed and projected, products in
        the order of the account's own catalogue."""
        self.projector.run_once()
        report = self.system.billing.run_due("test", until)
        assert not report.failed
        assert not report.waiting
        self.projector.run_once()
        held = entitlements.of_account(self.connection, account)
        windows = access_windows.of_account(self.connection, account)
        assert held is not None
        assert windows is not None
        series = self.system.catalogues.series_for(self.system.service.account(account))
        events = [CODEC.read(stored) for stored in self.system.log.read_account(account)]
        documents = Documents(
            held,
            windows,
            invoices.of_account(self.connection, account),
            credit_notes.of_account(self.connection, account),
            Chronicle(held.time_zone).take_all(events).happened,
        )
        return shown_documents(documents, series.ever_sold(until), at=until)


@pytest.mark.timeout(300)
def test_each_story_ends_on_the_real_system_as_in_simulation(database_url: str) -> None:
    migrated(database_url, migrations())
    catalogs: dict[Path, Catalog] = {}
    with running(Settings(database_url=database_url)) as system:
        real = RealSystem(system, database_url)
        for number, path in enumerate(STORIES):
            story = msgspec.json.decode(path.read_bytes())
            scenario = parse_scenario(path.read_bytes(), path.parent, catalogs)
            expected = run(scenario)
            assert expected.ok, expected.mismatches
            _play(real, story, scenario, expected, f"story-{number}", path.parent)
        real.connection.close()
        real.projector.close()


def _play(
    real: RealSystem, story: dict[str, Any], scenario: Scenario, expected: Result, account: str, folder: Path
) -> None:
    given = story["catalog"]
    catalog = given if isinstance(given, dict) else msgspec.json.decode((folder / given).read_bytes())
    zone = scenario.time_zone
    for played in lines_of(story, account, catalog):
        at = parse_moment(played.at, zone)
        if played.line is None:
            assert played.step is not None
            step = scenario.steps[played.step]
            assert isinstance(step.do, Expectation)
            seen = real.shown_at(f"main/{account}", at)
            assert not mismatches(step.do, seen, zone, step.place), scenario.name
            continue
        answer = real.give(played.line)
        if played.step is not None:
            result = expected.steps[played.step]
            charged = None if result.charged is None else format(result.charged, "f")
            assert (answer.outcome, answer.code, answer.charged) == (result.outcome, result.code, charged), (
                scenario.name
            )
            if result.answer is not None:
                assert result.answer.items() <= answer.facts.items(), scenario.name
    assert real.shown_at(f"main/{account}", scenario.until) == expected.state, scenario.name
