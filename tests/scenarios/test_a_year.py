"""A year of one account can be read by an accountant: docs/a-year.md says what explain and the ledger say."""

from __future__ import annotations

from decimal import Decimal

from scripts.a_year import PAGE, page


def test_the_year_in_the_docs_is_what_explain_and_the_ledger_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m scripts.a_year"


def test_the_years_trial_balance_is_zero_and_invariant_10_holds_in_its_figures() -> None:
    text = page()
    [together] = [line for line in text.splitlines() if line.startswith("| together |")]
    assert Decimal(together.split("|")[2].strip()) == 0
    paid, asked = text.rpartition("account credit: ")[2].split("**")[1::2]
    assert paid == asked
