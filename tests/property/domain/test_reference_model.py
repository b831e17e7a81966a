"""The product and the reference model of RULES.md tell random histories alike.

`python -m scripts.prove` tells many more.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.reference.account.telling import tell
from tests.reference.agreement import first_difference
from tests.reference.prove import as_file, differing, history, report
from tests.reference.shrinking import shrunk
from tests.reference.stories import stories, story

HISTORIES = 400
BATCH = 20


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_product_and_model_tell_the_same_history(first: int) -> None:
    seeds = differing(first, first + BATCH)
    assert not seeds, f"seeds {seeds} differ\n{report(seeds[0])}"


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(stories())
def test_product_and_model_tell_alike_whatever_hypothesis_makes_up(story: dict[str, Any]) -> None:
    difference = first_difference(story)
    assert difference is None, f"{difference}\n{as_file(story)}"


def test_the_histories_reach_every_outcome_and_refusal_that_a_scenario_can() -> None:
    seen: Counter[str] = Counter()
    for seed in range(HISTORIES):
        told = history(seed)
        seen.update(step["code"] or step["outcome"] for step in tell(told, told["catalog"])["steps"])
    expected = """
        accepted reinstated unchanged command_id_reused forbidden account_closed unknown_product no_price
        own_process already_active not_held plan_paused not_paused already_paused not_pausable
        cancellation_pending change_pending pause_limit invalid_date free_already_used monthly_plan_active
        nothing_to_undo nothing_due prerequisite_missing past_due payment_locked confirmation_required
        quote_changed payment_declined product_changed
    """.split()
    assert sorted(set(expected) - set(seen)) == []


def test_a_story_that_differs_is_shrunk_to_what_the_difference_needs() -> None:
    told = story(Random(5))
    told["steps"].append({"at": told["until"], "do": "purchase_plan", "product": "gold", "id": "x"})

    def asks_for_gold(candidate: dict[str, Any]) -> bool:
        return any(step.get("product") == "gold" for step in candidate["steps"])

    shortest = shrunk(told, asks_for_gold)
    assert [set(step) for step in shortest["steps"]] == [{"at", "do", "product"}]
    assert shortest["catalog"]["plans"] == []
