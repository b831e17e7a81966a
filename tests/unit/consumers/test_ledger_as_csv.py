"""The journal as CSV, which people open in spreadsheets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from consumers.finance_ledger.entries import LedgerEntry, MonthOfAccount
from consumers.finance_ledger.tables import csv_of


def entry(tenant: str, product: str | None) -> LedgerEntry:
    """A line of the journal."""
    day = date(2026, 4, 5)
    sides = "receivable", "deferred_revenue"
    amount = Decimal("4.84")
    return LedgerEntry(
        "wall", tenant, f"{tenant}/a-1", 2, 7, day, day, "issued", *sides, "EUR", amount, product
    )


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_a_spreadsheet_would_calculate_has_an_apostrophe_before_it(text: str) -> None:
    _, line = csv_of(LedgerEntry, [entry(text, text)])
    written = text.replace('"', '""')
    assert f"'{written}" in line
    assert f",{written}" not in line


def test_amounts_stay_numbers_also_below_zero_and_texts_as_they_are() -> None:
    month = MonthOfAccount(
        date(2026, 4, 1), "EUR", "cash", Decimal("1.00"), Decimal("3.50"), Decimal("-2.50")
    )
    assert list(csv_of(MonthOfAccount, [month]))[1] == "2026-04-01,EUR,cash,1.00,3.50,-2.50"
    _, line = csv_of(LedgerEntry, [entry("acme", "custom-domain")])
    assert line.endswith("issued,receivable,deferred_revenue,EUR,4.84,custom-domain")
