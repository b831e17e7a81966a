"""Every example of the rules, played as lines on the whole service, answers as the simulation does and ends
in the same state: so nothing between a line and the domain bends a rule."""

import json
from pathlib import Path

import pytest
from msgspec import UNSET

from domain.evolve import evolve_all
from prorata.simulation.lines import line_of
from prorata.simulation.run import run
from prorata.simulation.scenario import parse_scenario
from tests.support.service.world import World, memory_world

SCENARIOS = Path(__file__).parents[2] / "scenarios"
STORIES = [*sorted(SCENARIOS.glob("examples/*.json")), *sorted(SCENARIOS.glob("stories/*.json"))]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_service_answers_as_the_simulation(path: Path) -> None:
    scenario = parse_scenario(path.read_bytes(), path.parent, {})
    story = json.loads(path.read_bytes())
    simulated = run(scenario)
    world = memory_world()
    opened = _open(world, story)
    assert opened.outcome == "accepted"

    for step, expected in zip(story["steps"], simulated.steps, strict=True):
        if step["do"] == "expect":
            continue
        line = line_of(step)
        for nth in range(2 if "id" in step else 1):
            answer = world.say(account="a", **line)
            charged = None if expected.charged is None else str(expected.charged)
            events = expected.events if nth == 0 or expected.outcome != "action_required" else ()
            assert (answer.outcome, answer.code, answer.charged, answer.events) == (
                expected.outcome,
                expected.code,
                charged,
                events,
            ), step
            assert (answer.reference is UNSET) == (expected.outcome != "action_required")
            if expected.answer is not None:
                assert expected.answer.items() <= answer.facts.items(), step
    world.service.settle("main/a", scenario.until)

    state = world.service.account("main/a")
    assert state == evolve_all(None, world.history("a"))
    assert state is not None
    assert (state.status, state.anchor) == (simulated.state.account.status, simulated.state.account.anchor)
    assert state.next_invoice == len(simulated.state.invoices) + 1


def _open(world: World, story: dict[str, object]):  # type: ignore[no-untyped-def]
    account = story["account"]
    assert isinstance(account, dict)
    catalog = story.get("catalog")
    given: dict[str, object] = {"catalog": catalog} if isinstance(catalog, dict) else {}
    given |= {name: story[name] for name in ("policies", "discounts", "tax") if name in story}
    steps = story["steps"]
    assert isinstance(steps, list)
    at = steps[0]["at"] if steps else story["until"]
    fields = {"currency": account["currency"], "time_zone": account["time_zone"], "at": at}
    return world.say(do="open_account", account="a", **fields, **given)
