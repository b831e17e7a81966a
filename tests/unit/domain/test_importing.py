"""A row of another system's export is checked whole: everything that is wrong with it is said, each with its
place and what to do, and what is right becomes the event that opens the account."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from domain.calendar import parse_moment
from domain.catalog import Catalogues
from domain.events import AccountImported
from domain.evolve import evolve
from domain.import_rows import REMEDIES, AccountRow, Fault
from domain.importing import account_imported
from domain.state import Account
from domain.statement import statement
from tests.support.domain.catalogs import SHIPPED

AT = parse_moment("2026-04-05T12:00", "Europe/Paris")
PLAN: dict[str, Any] = {
    "product": "standard",
    "tier": "500",
    "price": "18.00",
    "paid_until": "2026-04-20",
}
CORE = {"product": "websites_core", "price": "10.00", "paid_until": "2026-04-20"}
DOMAIN = {"product": "custom_domain", "price": "10.00", "paid_until": "2026-04-20"}
BLOCKS = {"product": "transactional", "blocks": 2, "paid_until": "2026-04-20"}
PACK = {"product": "credits_5000", "credits": 4000, "expires_on": "2026-11-03", "paid": "120.00"}


def checked(*products: dict[str, Any], **fields: Any) -> AccountImported | tuple[Fault, ...]:
    row = {"account": "a1", "currency": "EUR", "time_zone": "Europe/Paris", **fields, "products": products}
    return account_imported(msgspec.convert(row, AccountRow), AT, "wall", Catalogues.always(SHIPPED))


def taken(*products: dict[str, Any], **fields: Any) -> Account:
    imported = checked(*products, **fields)
    assert isinstance(imported, AccountImported), imported
    return evolve(None, imported)


FAULTS: list[tuple[list[dict[str, Any]], dict[str, Any], str, str]] = [
    ([PLAN], {"currency": "EURO"}, "unknown_currency", "$.currency"),
    ([PLAN], {"time_zone": "Paris"}, "unknown_time_zone", "$.time_zone"),
    ([{**PLAN, "product": "gold"}], {}, "unknown_product", "$.products[0].product"),
    ([{**PLAN, "tier": "501"}], {}, "unknown_tier", "$.products[0].tier"),
    ([{**PLAN, "family": "websites"}], {}, "wrong_family", "$.products[0].family"),
    ([{**DOMAIN, "family": "websites"}], {}, "wrong_family", "$.products[0].family"),
    ([PLAN], {"currency": "KWD"}, "no_price", "$.products[0].tier"),
    ([{**PLAN, "tier": None}], {}, "field_missing", "$.products[0].tier"),
    ([{**PLAN, "price": None}], {}, "field_missing", "$.products[0].price"),
    ([{**PLAN, "paid_until": None}], {}, "field_missing", "$.products[0].paid_until"),
    ([{**PACK, "credits": None}], {}, "field_missing", "$.products[0].credits"),
    ([{**BLOCKS, "blocks": None}], {}, "field_missing", "$.products[0].blocks"),
    ([{**PLAN, "blocks": 2}], {}, "field_not_allowed", "$.products[0].blocks"),
    ([{**DOMAIN, "tier": "500"}], {}, "field_not_allowed", "$.products[0].tier"),
    ([{**PACK, "ends": True}], {}, "field_not_allowed", "$.products[0].ends"),
    ([{**PLAN, "resume_on": "2026-06-01"}], {}, "field_not_allowed", "$.products[0].resume_on"),
    ([{**PLAN, "becomes_tier": "500"}], {}, "field_not_allowed", "$.products[0].becomes_tier"),
    ([{**PLAN, "becomes": "free", "ends": True}], {}, "field_not_allowed", "$.products[0].becomes"),
    ([{**PLAN, "price": "18.005"}], {}, "invalid_amount", "$.products[0].price"),
    ([PLAN], {"account_credit": "1.001"}, "invalid_amount", "$.account_credit"),
    ([{**PLAN, "paid": "18.01"}], {}, "over_paid", "$.products[0].paid"),
    ([{**PLAN, "paid_until": "2026-04-05"}], {}, "already_due", "$.products[0].paid_until"),
    ([{**PACK, "expires_on": "2026-04-05"}], {}, "already_due", "$.products[0].expires_on"),
    ([{**PACK, "expires_on": "2027-04-06"}], {}, "invalid_date", "$.products[0].expires_on"),
    ([{**PLAN, "paid_from": "2026-04-06"}], {}, "invalid_date", "$.products[0].paid_from"),
    ([{**PLAN, "paid_until": "2026-06-20"}], {}, "invalid_date", "$.products[0].paid_until"),
    ([{**PLAN, "anchor": "2026-01-19"}], {}, "not_a_boundary", "$.products[0].paid_until"),
    ([{**PLAN, "paid_until": "2026-04-30"}], {}, "anchor_missing", "$.products[0].anchor"),
    ([PLAN, {**CORE, "paid_until": "2026-04-21"}], {}, "anchor_missing", "$.anchor"),
    ([DOMAIN], {"anchor": "2026-03-20"}, "anchor_without_plan", "$.anchor"),
    ([PLAN, {**PLAN, "product": "premium", "tier": "10000"}], {}, "family_twice", "$.products[1].product"),
    ([DOMAIN, DOMAIN], {}, "product_twice", "$.products[1].product"),
    ([{**PLAN, "becomes": "gold"}], {}, "unknown_product", "$.products[0].becomes"),
    ([{**PLAN, "becomes": "standard"}], {}, "unknown_tier", "$.products[0].becomes_tier"),
    (
        [{**PLAN, "becomes": "free"}, {**CORE, "becomes": "websites_free"}],
        {},
        "free_already_used",
        "$.products[1].becomes",
    ),
    ([{**CORE, "paused_at": "2026-04-01"}], {}, "not_pausable", "$.products[0].paused_at"),
    ([{**PLAN, "paused_at": "2026-04-06"}], {}, "invalid_date", "$.products[0].paused_at"),
    ([{**PLAN, "paused_at": "yesterday"}], {}, "invalid_moment", "$.products[0].paused_at"),
    ([{**PLAN, "paused_at": "2026-03-29T02:30"}], {}, "nonexistent_time", "$.products[0].paused_at"),
    (
        [{**PLAN, "paused_at": "2026-04-01", "resume_on": "2026-04-05"}],
        {},
        "invalid_date",
        "$.products[0].resume_on",
    ),
    ([PLAN], {"pauses": {"gold": ["2026-01-01"]}}, "unknown_product", "$.pauses.gold"),
    ([PLAN], {"pauses": {"websites": ["2026-01-01"]}}, "not_pausable", "$.pauses.websites"),
    ([PLAN], {"pauses": {"marketing": ["2026-04-06"]}}, "invalid_date", "$.pauses.marketing"),
    ([PLAN], {"anchor": "9999-01-01"}, "invalid_date", "$.anchor"),
]


@pytest.mark.parametrize(("products", "fields", "code", "place"), FAULTS)
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(
    products: list[dict[str, Any]], fields: dict[str, Any], code: str, place: str
) -> None:
    faults = checked(*products, **fields)
    assert isinstance(faults, tuple)
    assert (code, place, REMEDIES[code]) in [(fault.code, fault.place, fault.remedy) for fault in faults]


def test_every_fault_of_a_row_is_said_at_once() -> None:
    faults = checked({**PLAN, "tier": "501"}, {**DOMAIN, "price": None}, account_credit="0.001")
    assert isinstance(faults, tuple)
    assert [fault.code for fault in faults] == ["unknown_tier", "field_missing", "invalid_amount"]


def test_nothing_held_is_an_account_too() -> None:
    state = taken()
    assert (state.plans, state.addons, state.anchor, state.next_invoice) == ({}, {}, None, 1)


def test_the_price_held_is_kept_for_the_cycle_that_is_paid() -> None:
    plan = taken(PLAN).plans["marketing"]
    assert f"{plan.price}" == "18.00"
    assert plan.cycle is not None
    assert (plan.cycle.start, plan.cycle.end, plan.cycle.of_days) == (
        date(2026, 3, 20),
        date(2026, 4, 20),
        31,
    )


def test_an_addon_that_renews_with_the_plan_takes_its_anchor() -> None:
    state = taken(
        {**PLAN, "anchor": "2026-01-31", "paid_until": "2026-04-30"}, {**DOMAIN, "paid_until": "2026-04-30"}
    )
    assert state.anchor == date(2026, 1, 31)
    assert state.addons["custom_domain"].cycle.anchor == date(2026, 1, 31)


def test_an_addon_on_a_day_of_its_own_keeps_it() -> None:
    state = taken(PLAN, {**DOMAIN, "paid_until": "2026-04-28"})
    assert state.addons["custom_domain"].cycle.anchor == date(2026, 4, 28)


def test_a_paused_plan_leaves_no_account_anchor_and_counts_as_a_pause() -> None:
    state = taken(
        {**PLAN, "paused_at": "2026-04-01T10:00"}, pauses={"marketing": ["2025-08-01", "2025-12-01"]}
    )
    assert state.anchor is None
    assert state.pauses == {"marketing": (date(2025, 12, 1), date(2026, 4, 1))}


def test_blocks_packs_and_credit_are_brought_along() -> None:
    state = taken(PLAN, {**BLOCKS, "next_blocks": 1, "topped_up": 50_000}, PACK, PACK, account_credit="4.84")
    assert state.addons["transactional"].allowance == 100_000
    assert state.addons["transactional"].next_blocks == 1
    assert [pack.credits for pack in state.packs] == [4000, 4000]
    assert f"{state.standing.credit}" == "4.84"


def test_free_has_no_cycle() -> None:
    plan = taken({"product": "free"}).plans["marketing"]
    assert plan.cycle is None
    assert plan.price == 0


def test_the_statement_of_an_account_opens_with_the_credit_that_it_brought() -> None:
    imported = checked(PLAN, account_credit="4.84")
    assert isinstance(imported, AccountImported)
    shown = statement([imported], date(2026, 4, 1), date(2026, 5, 1))
    assert (shown.opening, shown.lines, shown.closing) == (Decimal("-4.84"), (), Decimal("-4.84"))
