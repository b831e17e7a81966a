"""Whatever a catalogue does between two commands: nobody is charged a price that is not the product's own, no
day is sold twice, and what is held can be ended (R8, R8a)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from functools import cache
from random import Random

import pytest

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.calendar import CivilDate
from domain.catalog import Catalogues
from domain.catalog_file import CatalogFile
from domain.commands import Request
from domain.evolve import evolve_all
from domain.process import preview
from tests.support.domain.changing_catalogues import CURRENCY, Told
from tests.support.domain.playing import fork, meaning

SEEDS = range(0, 400, 100)

in_chunks = pytest.mark.parametrize("first", SEEDS)


@cache
def _told(first: int) -> list[Told]:
    return [Told(Random(seed)) for seed in range(first, first + 100)]


# ---- its own price ---------------------------------------------------------


@in_chunks
def test_every_line_costs_what_the_product_costs_or_last_did(first: int) -> None:
    compared: Counter[bool] = Counter()
    for told in _told(first):
        prices = Prices(told.account.catalogues)
        for event in told.account.history:
            prices.follow(event)
            invoice = getattr(event, "invoice", None)
            for line in invoice.lines if isinstance(invoice, e.Invoice) else ():
                if line.kind != "credit_line" and line.days is not None:
                    asked, last = prices.of(line.product, line.tier)
                    assert line.unit_price == last, (line, event.at)
                    compared[asked is None] += 1
                elif line.kind == "blocks":
                    assert line.unit_price in prices.of_blocks(line.product)
    assert compared[True] > 20, "what is no longer sold, or not in this currency"
    assert compared[False] > 200


class Prices:
    """The price of a product read off the files of the series, by hand: what is asked now, and
    what was last asked."""

    def __init__(self, series: Catalogues) -> None:
        self._series = [version.catalog.file for version in series.versions]
        self._begun = 1
        self._own: dict[tuple[str, str | None], Decimal] = {}

    def follow(self, event: e.Event) -> None:
        """A `reprice` holds until another version, in which it stands, is in force."""
        if isinstance(event, e.PriceOverridden):
            self._own[event.product, event.tier] = event.price
        elif isinstance(event, e.CatalogChanged):
            self._own.clear()
            self._begun += 1 if event.repriced is None else 2

    def of(self, product: str, tier: str | None) -> tuple[Decimal | None, Decimal | None]:
        own = self._own.get((product, tier))
        asked = [own, *[_price_in(file, product, tier) for file in self._newest_first()]]
        last = next((price for price in asked if price is not None), None)
        return (own if own is not None else asked[1]), last

    def of_blocks(self, product: str) -> list[Decimal]:
        for file in self._newest_first():
            for add_on in file.add_ons:
                if add_on.id == product and add_on.block and CURRENCY in add_on.block.prices[0].prices:
                    steps = [step.prices.get(CURRENCY) for step in add_on.block.prices]
                    if all(step is not None for step in steps):
                        return [Decimal(step) for step in steps if step is not None]
        return []

    def _newest_first(self) -> list[CatalogFile]:
        return self._series[: self._begun][::-1]


def _price_in(file: CatalogFile, product: str, tier: str | None) -> Decimal | None:
    found = [t.prices for plan in file.plans if plan.id == product for t in plan.tiers if t.id == tier]
    found += [a.prices for a in file.add_ons if a.id == product and tier is None and a.prices]
    price = found[0].get(CURRENCY) if found else None
    return None if price is None else Decimal(price)


@in_chunks
def test_no_day_of_a_plan_family_or_addon_is_sold_twice(first: int) -> None:
    for told in _told(first):
        families = {plan["id"]: plan["family"] for plan in told.kinds["plans"]}
        covered: Counter[tuple[str, CivilDate]] = Counter()
        for entry in told.account.invoices.values():
            for line in entry.invoice.lines:
                if line.days is not None:
                    sign = -1 if line.kind == "credit_line" else 1
                    billed = families.get(line.product, line.product)
                    for number in range(line.days):
                        covered[billed, line.from_date + timedelta(days=number)] += sign
        assert set(covered.values()) <= {0, 1}


# ---- what is held can be ended ---------------------------------------------


@in_chunks
def test_whatever_is_held_can_be_ended(first: int) -> None:
    ended: Counter[str] = Counter()

    def look(told: Told, _: Request) -> None:
        state = told.state
        for product, addon in state.addons.items():
            stop: c.Command = c.RemoveAddon(product) if addon.blocks is None else c.StopTransactional()
            ended[_outcome(told, stop)] += 1
            if addon.removed:
                assert _outcome(told, c.Undo(product)) == "reinstated"
        for family, plan in state.plans.items():
            ended[_outcome(told, c.CancelPlan(family))] += 1
            if plan.cancelled or plan.downgrade is not None:
                assert _outcome(told, c.Undo(plan.product)) == "reinstated"

    for seed in range(first, first + 100):
        Told(Random(seed), look)
    assert set(ended) == {"accepted", "unchanged"}


def _outcome(told: Told, command: c.Command) -> str:
    answer = preview(told.state, told.request(command), told.account.catalogues)
    assert isinstance(answer, Answer)
    return answer.outcome


# ---- the same, however it is told ------------------------------------------


@in_chunks
def test_the_result_does_not_depend_on_when_billing_runs(first: int) -> None:
    for seed, told in enumerate(_told(first)):
        lazily, eagerly = told.account, told.again_with_billing_runs(Random(seed))
        assert meaning(eagerly.history) == meaning(lazily.history)
        assert eagerly.shown() == lazily.shown()
        assert evolve_all(None, lazily.history) == told.state


@in_chunks
def test_a_preview_is_what_happens_when_everything_is_paid(first: int) -> None:
    def look(told: Told, request: Request) -> None:
        promised = preview(told.state, request, told.account.catalogues)
        assert promised == fork(told.account).give(request)

    for seed in range(first, first + 100, 4):
        Told(Random(seed), look)


@in_chunks
def test_a_version_is_refused_whole_or_stands_whole(first: int) -> None:
    outcomes: Counter[str | None] = Counter()
    for told in _told(first):
        changes = [event for event in told.account.history if isinstance(event, e.CatalogChanged)]
        own = told.state.own_versions
        assert len(own) == len(changes) + sum(event.repriced is not None for event in changes)
        assert len(told.account.catalogues.versions) == 1 + len(own)
        outcomes.update(answer.code for answer in told.answers)
        outcomes["changed"] += len(changes)
    assert outcomes["product_changed"] > 20
    assert outcomes["changed"] > 100
