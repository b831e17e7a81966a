"""A short run of `make chaos`, with a fault of each kind: servers of its own, which no other test uses."""

import pytest

from scripts.chaos.broker_run import WEIGHTS
from scripts.chaos.plan import plan
from tests.support.chaos_run import assert_all_holds

SEED, FAULTS = 3219, 6


@pytest.mark.timeout(400)
def test_after_faults_on_the_whole_way_subscribers_have_what_the_log_says() -> None:
    assert_all_holds("broker", "chaos", FAULTS, SEED)


def test_its_plan_has_a_fault_of_each_kind_on_the_way() -> None:
    assert {(fault.kind, fault.victim) for fault in plan(SEED, FAULTS, WEIGHTS)} == {
        ("stall", "line to broker"),
        ("kill", "broker"),
        ("kill", "receiver"),
        ("kill", "sender one"),
        ("pause", "relay two"),
        ("drop", "line to postgresql"),
    }
