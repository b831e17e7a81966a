"""`prorata accounts` and `prorata invoices` list and search what the read models hold, within 80 columns."""

from __future__ import annotations

import pytest

from tests.support.command_line import OPEN, CommandLine, step


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    """Two accounts, of which one has an add-on, projected."""
    prorata = CommandLine(database_url)
    assert prorata("migrate", "--roles").exit_code == 0
    bought = step("2026-03-20", "purchase_plan", product="standard")
    addon = step("2026-04-05", "purchase_addon", product="custom_domain")
    other = [OPEN | {"account": "shop-2"}, bought | {"account": "shop-2"}]
    assert prorata.commands(OPEN, bought, addon, *other).exit_code == 0
    assert prorata("project", "--once").exit_code == 0
    return prorata


def rows(text: str) -> list[list[str]]:
    """The cells of the table's rows, none of which is wider than 80 columns."""
    assert max(map(len, text.splitlines())) <= 80
    return [line.split() for line in text.splitlines()[2:] if line.strip()]


def test_accounts_are_listed_and_searched(prorata: CommandLine) -> None:
    found = rows(prorata("accounts").out)
    assert found == [
        ["a1", "test", "good", "2026-04-20", "custom_domain,", "standard"],
        ["shop-2", "test", "good", "2026-04-20", "standard"],
    ]
    assert rows(prorata("accounts", "SHOP").out) == [found[1]]
    assert rows(prorata("accounts", "--product", "custom_domain").out) == [found[0]]
    assert [one["account"] for one in prorata("accounts", "--json", "--after", "a1").answers] == [
        "main/shop-2"
    ]
    assert prorata("accounts", "--status", "closed").out == "no such account is in the read models\n"
    assert "--after a1" in prorata("accounts", "--limit", "1").out


def test_invoices_are_listed_the_newest_first_and_searched(prorata: CommandLine) -> None:
    found = rows(prorata("invoices").out)
    assert found == [
        ["2026-04-05", "a1", "2", "paid", "4.84", "EUR"],
        ["2026-03-20", "a1", "1", "paid", "20.00", "EUR"],
        ["2026-03-20", "shop-2", "1", "paid", "20.00", "EUR"],
    ]
    assert rows(prorata("invoices", "shop").out) == [found[2]]
    assert rows(prorata("invoices", "--from", "2026-04-01").out) == [found[0]]
    assert rows(prorata("invoices", "--to", "2026-04-01").out) == found[1:]
    assert prorata("invoices", "--status", "open").out == "no such invoice is in the read models\n"
    assert [one["total"] for one in prorata("invoices", "a1", "--json").answers] == ["4.84", "20.00"]
