"""Every table says by which rule its rows are what they are."""

import re
from pathlib import Path

import pytest

from projections.registry import ALL
from projections.tables import Table

TABLES = [table for projection in ALL for table in projection.tables]
RULES = set(re.findall(r"\*\*(R\d+a?)\b", (Path(__file__).parents[3] / "docs/RULES.md").read_text()))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_rule_is_one_of_the_rules_and_of_the_row_or_a_column(table: Table) -> None:
    assert "" in table.rules
    assert set(table.rules) - {""} <= set(table.own_columns)
    assert set(table.rules.values()) <= RULES


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_key_stands_first_and_begins_with_the_account(table: Table) -> None:
    assert table.key[0] == "account_id"
    assert table.own_columns[: len(table.key)] == table.key
