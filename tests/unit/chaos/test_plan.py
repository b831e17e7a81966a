"""The plan of faults follows from the seed alone."""

from scripts.chaos.log_run import WEIGHTS
from scripts.chaos.plan import plan


def test_a_seed_gives_its_plan_again_and_another_seed_another_one() -> None:
    assert plan(7, 100, WEIGHTS) == plan(7, 100, WEIGHTS)
    assert plan(7, 100, WEIGHTS) != plan(8, 100, WEIGHTS)


def test_a_hundred_faults_reach_every_target() -> None:
    assert {(fault.kind, fault.victim) for fault in plan(1, 100, WEIGHTS)} == set(WEIGHTS)
