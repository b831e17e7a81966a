"""In random histories the billing page offers an action just where its command would do something (R50)."""

from __future__ import annotations

from random import Random

from domain import commands as c
from domain.billing_page import HeldItem, billing_page
from prorata.simulation.run import VirtualAccount
from prorata.simulation.scenario import Step
from tests.reference.stories import story
from tests.support.domain.playing import fork, played


def test_an_action_is_offered_exactly_where_its_command_would_do_something() -> None:
    looked = 0

    def look(account: VirtualAccount, step: Step) -> None:
        nonlocal looked
        if account.state is None or account.account.closed or step.at < account.account.last_at:
            return
        page = billing_page(account.account, step.at, account.catalogues)
        for item in page.items:
            for action, command in _commands(item, account).items():
                trial = fork(account)
                answer = trial.give(c.Request(command, step.at, "test", cvv=True, billing=True))
                did = answer.outcome in ("accepted", "reinstated")
                assert (action in item.actions) == did, (item, action, answer)
                looked += 1

    for seed in range(40):
        played(story(Random(seed)), before=look)
    assert looked > 300


def _commands(item: HeldItem, account: VirtualAccount) -> dict[str, c.Command]:
    if item.kind == "plan":
        families = [f for f, plan in account.account.plans.items() if plan.product == item.product]
        if not families:
            return {}
        family = families[0]
        return {
            "pause": c.PausePlan(family),
            "resume": c.ResumePlan(family),
            "cancel": c.CancelPlan(family),
            "undo": c.Undo(item.product),
        }
    if item.allowance is not None:
        return {
            "stop": c.StopTransactional(),
            "top_up": c.TopUpTransactional(1),
            "undo": c.Undo(item.product),
        }
    return {"remove": c.RemoveAddon(item.product), "undo": c.Undo(item.product)}
