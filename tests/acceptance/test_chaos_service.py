"""A short run of `make chaos-service`, with kills of writers, the server, a billing run, the gateway and
PostgreSQL."""

import pytest

from scripts.chaos.plan import plan
from scripts.chaos.service_run import WEIGHTS
from tests.support.chaos_run import assert_all_holds

SEED, KILLS = 266, 6


@pytest.mark.timeout(300)
def test_after_kills_of_everything_each_history_is_that_of_an_undisturbed_run() -> None:
    assert_all_holds("service", "chaos-service", KILLS, SEED)


def test_its_plan_has_a_kill_of_each_kind() -> None:
    killed = {fault.victim.split()[0] for fault in plan(SEED, KILLS, WEIGHTS) if fault.kind == "kill"}
    assert killed >= {"postgresql", "gateway", "commands", "billing", "server"}
