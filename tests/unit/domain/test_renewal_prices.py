"""A renewal costs what the catalogue in force asks when the cycle starts; what is no longer sold keeps its
price (R8), blocks included (R20)."""

from __future__ import annotations

import copy
from typing import Any

from domain import commands as c
from domain import events as e
from domain.calendar import parse_moment
from domain.catalog import Catalogues, CatalogVersion, convert_catalog
from tests.support.domain.catalogs import SMALL
from tests.support.domain.given import GivenAccount

EMPTY: dict[str, Any] = {"families": [], "plans": [], "add_ons": [], "credits": []}


def _blocks_and_plan(later: dict[str, Any]) -> GivenAccount:
    """Held since 20 March; the other catalogue is in force from 1 April."""
    small = convert_catalog(SMALL)
    account = GivenAccount(catalog=small)
    begin = parse_moment("2026-04-01", account.zone)
    account.catalogues = Catalogues(
        (CatalogVersion(None, small), CatalogVersion(begin, convert_catalog(later)))
    )
    account.give(c.PurchasePlan("basic"), "2026-03-20")
    account.give(c.StartTransactional(2), "2026-03-20")
    return account


def _renewed(account: GivenAccount) -> list[tuple[str, str]]:
    account.settle("2026-04-20")
    [renewal] = [event for event in account.events if isinstance(event, e.CyclesRenewed)]
    return [(line.product, str(line.unit_price)) for line in renewal.invoice.lines]


def _prices() -> dict[str, str]:
    account = _blocks_and_plan(SMALL)
    return dict(_renewed(account))


def test_another_price_of_a_plan_and_of_blocks_is_asked_from_the_next_renewal() -> None:
    later = copy.deepcopy(SMALL)
    later["plans"][0]["tiers"][0]["prices"]["EUR"] = "6.00"
    for step in later["add_ons"][1]["block"]["prices"]:
        step["prices"] = {"EUR": "77.00"}
    assert dict(_renewed(_blocks_and_plan(later))) == {"basic": "6.00", "mail": "77.00"}


def test_what_is_no_longer_sold_keeps_its_price() -> None:
    assert dict(_renewed(_blocks_and_plan(EMPTY))) == _prices()


def test_blocks_that_are_no_longer_sold_can_be_stopped_and_changed_but_not_topped_up_or_removed() -> None:
    account = _blocks_and_plan(EMPTY)
    top_up = account.give(c.TopUpTransactional(1), "2026-04-02")
    assert (top_up.code, top_up.facts) == ("unknown_product", {"asked": "transactional", "kind": "add-on"})
    removed = account.give(c.RemoveAddon("mail"), "2026-04-02")
    assert (removed.code, removed.facts) == ("own_process", {"product": "mail", "process": "transactional"})
    assert account.give(c.ChangeTransactional(3), "2026-04-02").outcome == "accepted"
    assert account.give(c.StopTransactional(), "2026-04-02").outcome == "accepted"


def test_where_no_blocks_were_ever_sold_their_process_is_of_an_unknown_product() -> None:
    account = GivenAccount(catalog=convert_catalog(EMPTY))
    for command in (
        c.StartTransactional(1),
        c.ChangeTransactional(1),
        c.TopUpTransactional(1),
        c.StopTransactional(),
    ):
        answer = account.give(command, "2026-04-02")
        assert answer.code == "unknown_product"
        assert answer.facts == {"asked": "transactional", "kind": "add-on"}


def test_a_prerequisite_that_the_catalogue_will_give_up_before_the_date_ends_no_add_on() -> None:
    later = copy.deepcopy(SMALL)
    del later["add_ons"][0]["requires"]
    account = _blocks_and_plan(later)
    account.give(c.PurchaseAddon("maps"), "2026-03-20")
    leaving = account.give(c.CancelPlan("marketing"), "2026-03-21")
    assert leaving.facts["ending"] == []
    account.give(c.Undo("basic"), "2026-03-22")
    account.settle("2026-04-20")
    assert account.give(c.CancelPlan("marketing"), "2026-04-21").facts["ending"] == []
