"""A renewal costs what the catalogue in force asks when the cycle starts; what is no longer sold keeps its
price (R8), blocks included (R20)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from domain import commands as c
from domain import events as e
from domain.calendar import parse_moment
from domain.catalog import Catalogues, CatalogVersion, convert_catalog
from domain.coming import still_billed
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


def _series(*files: dict[str, Any]) -> Catalogues:
    """Versions of SMALL or what it became, the later ones in force from 1 April, 1 May …"""
    small = convert_catalog(SMALL)
    later = [
        CatalogVersion(
            parse_moment(f"2026-{month:02}-01", "Europe/Paris"), convert_catalog(file, ever_sold=["basic"])
        )
        for month, file in enumerate(files, 4)
    ]
    return Catalogues((CatalogVersion(None, small), *later))


def _held(series: Catalogues, *commands: c.Command, at: str = "2026-03-20") -> GivenAccount:
    account = GivenAccount(catalog=convert_catalog(SMALL))
    account.catalogues = series
    for command in commands:
        assert account.give(command, at).outcome == "accepted"
    return account


def test_the_target_of_a_downgrade_keeps_its_own_last_price_not_that_of_the_plan_it_leaves() -> None:
    dearer = copy.deepcopy(SMALL)
    dearer["plans"][0]["tiers"][0]["prices"]["EUR"] = "6.00"
    gone = copy.deepcopy(dearer)
    del gone["plans"][0]["tiers"][0]
    account = _held(_series(dearer, gone), c.PurchasePlan("basic", "l"), at="2026-04-20")
    account.give(c.ChangePlan("basic", "s"), "2026-04-21")
    assert [(u.product, str(u.amount)) for u in still_billed(account.state, account.catalogues)] == [
        ("basic", "6.00")
    ]
    account.settle("2026-05-20")
    [renewed] = [event for event in account.events if isinstance(event, e.CyclesRenewed)]
    assert [(r.tier, str(r.price)) for r in renewed.renewals] == [("s", "6.00")]


def test_a_downgrade_to_what_no_version_ever_sold_is_not_billed_at_another_price() -> None:
    account = _held(_series(), c.PurchasePlan("basic", "l"), c.ChangePlan("basic", "s"))
    account.catalogues = Catalogues.always(convert_catalog(EMPTY))
    with pytest.raises(LookupError, match="basic/s"):
        account.settle("2026-04-20")


def test_the_last_price_is_that_of_the_last_version_with_one_in_the_account_s_currency() -> None:
    elsewhere = copy.deepcopy(SMALL)
    elsewhere["add_ons"][0]["prices"] = {"EUR": "2.00"}
    gone = copy.deepcopy(elsewhere)
    gone["add_ons"][0]["prices"] = {"JPY": "100"}
    gone["plans"][0]["tiers"] = [{"id": "s", "prices": {"EUR": "5.00"}}]
    account = _held(_series(elsewhere, gone, EMPTY), c.PurchasePlan("basic"), c.PurchaseAddon("maps"))
    account.settle("2026-06-20")
    renewed = [event for event in account.events if isinstance(event, e.CyclesRenewed)]
    assert [str(event.invoice.total) for event in renewed] == ["7.00", "7.00", "7.00"]
    assert account.give(c.PurchaseAddon("maps"), "2026-06-21").code == "unknown_product"


def test_a_version_that_is_known_and_not_yet_in_force_gives_no_price() -> None:
    later = copy.deepcopy(SMALL)
    later["plans"][0]["tiers"][0]["prices"]["EUR"] = "99.00"
    account = _held(_series(EMPTY, later), c.PurchasePlan("basic"))
    account.settle("2026-04-20")
    assert str(account.state.plans["marketing"].price) == "5.00"
    account.settle("2026-05-20")
    assert str(account.state.plans["marketing"].price) == "99.00", "sold again"


def test_a_plan_of_a_family_that_is_not_sold_any_more_is_still_not_pausable() -> None:
    fixed = copy.deepcopy(SMALL)
    fixed["families"][0]["pausable"] = False
    account = _held(_series(fixed, EMPTY), c.PurchasePlan("basic"))
    assert account.give(c.PausePlan("marketing"), "2026-05-02").code == "not_pausable"


# ---- older histories, whose catalogues made other things of products --------


def test_an_add_on_whose_catalogue_has_changed_its_process_can_be_removed_as_it_was_bought() -> None:
    in_blocks = copy.deepcopy(SMALL)
    in_blocks["add_ons"][0] = {**SMALL["add_ons"][1], "id": "maps", "requires": ["basic"]}
    in_blocks["add_ons"][1] = {"id": "mail", "name": "Mail", "prices": {"EUR": "3.00"}}
    account = _held(
        _series(in_blocks), c.PurchasePlan("basic"), c.PurchaseAddon("maps"), c.StartTransactional(2)
    )
    assert account.give(c.RemoveAddon("maps"), "2026-04-02").outcome == "accepted"
    assert account.give(c.Undo("maps"), "2026-04-02").outcome == "reinstated"
    assert account.give(c.RemoveAddon("mail"), "2026-04-02").code == "own_process"
    assert account.give(c.StopTransactional(), "2026-04-02").outcome == "accepted"
    account.give(c.Undo("mail"), "2026-04-02")
    account.settle("2026-04-20")
    [renewed] = [event for event in account.events if isinstance(event, e.CyclesRenewed)]
    assert [(line.product, line.kind, str(line.unit_price)) for line in renewed.invoice.lines] == [
        ("basic", "plan", "5.00"),
        ("maps", "addon", "1.00"),
        ("mail", "blocks", "3.00"),
    ]


def test_blocks_are_not_started_twice_under_another_id() -> None:
    renamed = copy.deepcopy(SMALL)
    renamed["add_ons"][1]["id"] = "letters"
    account = _held(_series(renamed), c.PurchasePlan("basic"), c.StartTransactional(2))
    again = account.give(c.StartTransactional(1), "2026-04-02")
    assert (again.code, again.facts["product"]) == ("already_active", "mail")
    account.give(c.StopTransactional(), "2026-04-02")
    assert account.give(c.StartTransactional(1), "2026-04-02").outcome == "reinstated"


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
