"""Random histories in which the catalogue changes too, each command with its answer and the account then.

for said in told(Random(7)):
    said.answer.facts, entitlements(said.account.account, said.account.catalogues)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import msgspec
from msgspec import UNSET

from domain import commands as c
from domain.answers import Answer
from domain.calendar import Instant
from domain.catalog import AddOn, Catalog, Catalogues, CatalogVersion
from domain.commands import Request
from domain.renewal import prerequisite_changes
from prorata.simulation.run import Method, VirtualAccount
from prorata.simulation.scenario import Step
from tests.reference.stories import story
from tests.reference.switches import OFF, Switches
from tests.support.domain.playing import fork, opened, request_of, scenario_of, take


class Said(msgspec.Struct, frozen=True):
    """A command, its answer, and the account before it and right after."""

    request: Request
    answer: Answer
    before: VirtualAccount
    account: VirtualAccount


def told(random: Random, switches: Switches = OFF) -> Iterator[Said]:
    """The commands of a random story that were done, each once; `switches`: what of the second part is on.
    Now and then a later version of the catalogue becomes known, in force at once or from a date to come."""
    scenario = scenario_of(story(random, switches=switches))
    account = opened(scenario)
    for step in scenario.steps:
        if random.random() < 0.15 and account.account.payment is None:
            account.settle(step.at)
            known = _with_a_later_version(random, account.catalogues, step.at)
            account.catalogues = known
            account.record(prerequisite_changes(account.account, known, step.at))
        if not isinstance(step.do, c.Command):
            take(account, step, scenario.currency)
            continue
        repeated = step.given.id in account.answers
        said = _said(account, step, scenario.currency)
        if repeated:
            continue
        if said.answer.charged is not None and not isinstance(step.do, c.OverridePrice | c.ChangeCatalog):
            yield said


def _said(account: VirtualAccount, step: Step, currency: str) -> Said:
    before, request = fork(account), request_of(step, currency)
    given = step.given
    answer = account.give(
        request,
        own_payment=None if given.payment is UNSET else given.payment,
        refund="refunded" if given.refund is UNSET else given.refund,
        new_method=Method(given.works is not False, given.final is True),
    )
    return Said(request, answer, before, fork(account))


def _with_a_later_version(random: Random, known: Catalogues, now: Instant) -> Catalogues:
    last = known.versions[-1]
    begin = max(now, last.effective_from or now) + timedelta(days=random.choice([0, 0, 1, 9, 40]))
    later = CatalogVersion(begin, _changed(random, last.catalog))
    return msgspec.structs.replace(known, versions=(*known.versions, later))


def _changed(random: Random, catalog: Catalog) -> Catalog:
    """Prerequisites come, go or become others."""
    plans = list(catalog.plans)

    def changed(add_on: AddOn) -> AddOn:
        if random.random() < 0.5:
            return add_on
        requires = tuple(random.sample(plans, random.randint(0, min(2, len(plans)))))
        return msgspec.structs.replace(add_on, requires=requires)

    add_ons = {name: changed(add_on) for name, add_on in catalog.add_ons.items()}
    return msgspec.structs.replace(catalog, add_ons=add_ons)
