"""Logs are structured, and hold nothing of a card."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command_line import CommandLine
from tests.support.domain.catalogs import CATALOG_FILE

TOKEN = "tok_4242424242424242"


def test_each_command_has_a_line_with_account_command_and_position_and_no_token(
    database_url: str, tmp_path: Path
) -> None:
    prorata = CommandLine(database_url)
    assert prorata("migrate").exit_code == 0
    own = tmp_path / "catalog.json"
    own.write_text(CATALOG_FILE.read_text().replace('"20.00"', '"21.00"'))
    assert prorata("catalog", "load", str(own)).exit_code == 0
    prorata.environment |= {"PRORATA_LOG_FORMAT": "json", "PRORATA_LOG_LEVEL": "debug"}
    opened = {"do": "open_account", "account": "w1", "currency": "EUR", "time_zone": "Europe/Paris"}
    confirmed = {"confirm": {"cvv": TOKEN, "billing": True}}
    bought = {"do": "purchase_plan", "account": "w1", "product": "standard", **confirmed}
    done = prorata.commands(opened, bought | {"id": "c1"}, bought, test_clock=False)
    assert done.exit_code == 0, done
    answered = [
        line for line in map(json.loads, done.err.splitlines()) if line["event"] == "command answered"
    ]
    assert [(line["account"], line["command"], line["outcome"]) for line in answered] == [
        ("main/w1", "OpenAccount", "accepted"),
        ("main/w1", "PurchasePlan", "accepted"),
        ("main/w1", "PurchasePlan", "rejected"),
    ]
    assert [line["position"] for line in answered] == [1, 3, None]
    assert answered[2]["code"] == "already_active"
    assert TOKEN not in done.err + done.out


def test_a_wrong_log_setting_is_said(database_url: str) -> None:
    prorata = CommandLine(database_url)
    prorata.environment |= {"PRORATA_LOG_LEVEL": "loud"}
    done = prorata("migrate")
    assert (done.exit_code, done.err.split(":")[1].strip()) == (2, "invalid_setting")
