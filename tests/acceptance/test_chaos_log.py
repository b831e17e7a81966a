"""A short run of `make chaos-log`, with kills of writers, a projector, a rebuilder and PostgreSQL."""

import pytest

from scripts.chaos.log_run import WEIGHTS
from scripts.chaos.plan import plan
from tests.support.chaos_run import assert_all_holds

SEED, KILLS = 1416, 5


@pytest.mark.timeout(300)
def test_after_kills_of_everything_nothing_is_lost_doubled_or_wrong() -> None:
    assert_all_holds("log", "chaos-log", KILLS, SEED)


def test_its_plan_has_a_kill_of_each_kind() -> None:
    victims = {fault.victim.split()[0] for fault in plan(SEED, KILLS, WEIGHTS)}
    assert victims == {"postgresql", "appends", "commands", "projector", "rebuilder"}
