"""An account that was taken over brings to the books what is owed to it: its account credit, and what is not
earned yet of what it paid elsewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime

from domain.catalog import Catalogues
from domain.events import AccountImported
from domain.import_rows import AccountRow, ProductRow
from domain.importing import account_imported
from tests.support.consumers.told_books import ACCOUNT, ToldBooks
from tests.support.domain.catalogs import SHIPPED

PLAN = ProductRow("standard", tier="500", price="31.00", paid_until=date(2026, 4, 20))


def books(*products: ProductRow, credit: str | None = None) -> ToldBooks:
    row = AccountRow("a1", "EUR", "Europe/Paris", products, account_credit=credit)
    at = datetime(2026, 4, 5, 10, tzinfo=UTC)
    imported = account_imported(row, at, "wall", Catalogues.always(SHIPPED))
    assert isinstance(imported, AccountImported), imported
    return ToldBooks([imported])


def test_of_what_was_paid_elsewhere_the_days_left_are_earned_here() -> None:
    told = books(PLAN)
    assert told.balances() == {"deferred_revenue": "-15.00", "taken_over": "15.00"}
    assert told.earned_through("2026-04-09") == {
        "deferred_revenue": "-10.00",
        "revenue:standard": "-5.00",
        "taken_over": "15.00",
    }
    assert told.earned_through("2026-05-01") == {"revenue:standard": "-15.00", "taken_over": "15.00"}


def test_account_credit_is_owed_from_the_day_of_the_import() -> None:
    assert books(credit="4.84").balances() == {"account_credit": "-4.84", "taken_over": "4.84"}


def test_a_pack_is_earned_over_the_twelve_months_since_it_was_bought() -> None:
    pack = ProductRow("credits_5000", credits=4000, expires_on=date(2027, 4, 5), paid="365.00")
    assert books(pack).balances() == {"deferred_revenue": "-365.00", "taken_over": "365.00"}


def test_who_brings_nothing_along_changes_no_books() -> None:
    assert books().balances() == {}


def test_an_entry_names_the_line_and_the_product_that_was_paid_for_elsewhere() -> None:
    told = books(PLAN, ProductRow("credits_5000", credits=4000, expires_on=date(2027, 4, 5), paid="365.00"))
    brought = [(t.kind, t.invoice, t.line, t.product) for t in told.shelf.transfers]
    assert brought == [("taken_over", None, 1, "standard"), ("taken_over", None, 2, "credits_5000")]
    [lines] = told.shelf.booked_lines.values()
    assert [(line.account_id, line.invoice, line.line) for line in lines] == [
        (ACCOUNT, 0, 1),
        (ACCOUNT, 0, 2),
    ]


def test_what_cost_nothing_elsewhere_is_passed_over_and_what_follows_it_is_not() -> None:
    free = ProductRow("custom_domain", price="0.00", paid_until=date(2026, 4, 20))
    assert books(free, PLAN).balances() == {"deferred_revenue": "-15.00", "taken_over": "15.00"}
