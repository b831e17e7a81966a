"""Previews, the two screens and an invoice's story, on a real PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests.support.command_line import CommandLine, answered, step
from tests.support.domain.catalogs import CATALOG_FILE


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    """`a1` on a test clock with Standard since 20 March and a custom domain since 5 April."""
    command_line = CommandLine(database_url)
    assert command_line("migrate").exit_code == 0
    done = command_line.commands(
        step("2026-03-20", "open_account", currency="EUR", time_zone="Europe/Paris"),
        step("2026-03-20", "purchase_plan", product="standard"),
        step("2026-04-05T18:30", "purchase_addon", product="custom_domain"),
    )
    assert done.exit_code == 0, done.err
    return command_line


def test_a_preview_answers_what_doing_it_then_answers_and_records_nothing(prorata: CommandLine) -> None:
    history = prorata("history", "a1", "--json").out
    command = {"do": "change_plan", "product": "premium"}
    preview = ("preview", "a1", json.dumps(command), "--test-clock", "--at", "2026-04-10", "--json")
    seen = answered(prorata(*preview))
    assert seen["answer"]["charged"] == "106.45"
    assert seen["arithmetic"] == ["350.00 × 10/31 days = 112.90", "−20.00 × 10/31 days = -6.45"]
    assert [invoice["total"] for invoice in seen["forecast"]] == ["360.00"] * 12
    assert prorata("history", "a1", "--json").out == history
    done = answered(prorata.commands(step("2026-04-10", **command)))
    assert {**seen["answer"], "version": done["version"]} == done


def test_a_command_can_be_previewed_from_standard_input_and_is_said_in_french(prorata: CommandLine) -> None:
    line = '{"do": "cancel_plan", "family": "marketing"}'
    done = prorata("preview", "a1", "-", "--test-clock", "--language", "fr", given=line)
    assert done.exit_code == 0, done.err
    assert "Ce qui reste facturé" in done.out
    assert "20 avr. 2026" in done.out


def test_what_is_no_command_is_bad_input(prorata: CommandLine) -> None:
    done = prorata("preview", "a1", '{"do": "nope"}', "--test-clock")
    assert (done.exit_code, done.out) == (2, "")
    assert done.err == "prorata: unknown_command: there is no command of this name - at `$.do`\n"


def test_on_the_wall_clock_the_missing_confirmation_is_asked_for(
    prorata: CommandLine, tmp_path: Path
) -> None:
    catalog = tmp_path / "catalog.json"
    catalog.write_bytes(CATALOG_FILE.read_bytes().replace(b'"2026-01"', b'"2026-02"'))
    assert prorata("catalog", "load", str(catalog)).exit_code == 0
    opened = {"do": "open_account", "account": "w", "currency": "EUR", "time_zone": "Europe/Paris"}
    assert prorata.commands(opened, test_clock=False).exit_code == 0
    seen = answered(prorata("preview", "w", '{"do": "purchase_plan", "product": "standard"}', "--json"))
    assert seen["answer"]["code"] == "confirmation_required"
    assert seen["once_confirmed"]["charged"] == "20.00"
    assert len(seen["forecast"]) == 12
    assert answered(prorata("shop", "w", "--json"))["add_ons"][0]["today"]["charged"] == "10.00"
    assert prorata("shop", "w", "--at", "2026-04-05").exit_code == 2


def test_the_screens_show_the_account_to_people_and_programs(prorata: CommandLine) -> None:
    shop = answered(prorata("shop", "a1", "--at", "2026-04-06", "--json"))
    assert (shop["account"], shop["at"], shop["currency"]) == ("a1", "2026-04-06", "EUR")
    domain = shop["add_ons"][0]
    assert (domain["status"], domain["today"]["code"]) == ("active", "already_active")
    page = answered(prorata("billing", "a1", "--json"))
    assert [item["product"] for item in page["items"]] == ["standard", "custom_domain"]
    assert page["items"][1]["removal"]["access_until"] == "2026-04-20"
    assert page["next_invoice"]["total"] == "30.00"
    for name in ("shop", "billing"):
        done = prorata(name, "a1")
        assert done.exit_code == 0, done.err
        assert max(map(len, done.out.splitlines())) <= 80
    assert prorata("billing", "a1", "--at", "2026-01-01").exit_code == 2
    unknown = prorata("billing", "nobody")
    assert (unknown.exit_code, unknown.out) == (2, "")
    assert "unknown_account" in unknown.err


def test_an_invoice_tells_its_story(prorata: CommandLine) -> None:
    story = answered(prorata("explain", "a1", "2", "--json"))
    assert story["status"] == "paid"
    [line] = story["lines"]
    assert (line["rule"], line["arithmetic"]) == ("R12", "10.00 × 15/31 days = 4.84")
    told = {event["version"]: event["type"] for event in story["events"]}
    assert [told[version] for version in line["because"]] == ["plan_purchased"]
    assert [told[version] for version in story["payment"]] == ["payment_started", "addon_purchased"]
    french = prorata("explain", "a1", "2", "--language", "fr")
    assert "10,00\xa0€ × 15/31 jours" in " ".join(french.out.split("\n"))
    assert "Facture 2 du 5 avr. 2026" in french.out
    missing = prorata("explain", "a1", "3")
    assert missing.exit_code == 2
    assert missing.err == "prorata: unknown_invoice: a1 has no invoice 3: its last is 2\n"


def test_a_purchase_is_confirmed_in_french(prorata: CommandLine) -> None:
    line = json.dumps(step("2026-04-06", "purchase_addon", product="surveys"))
    answer = answered(prorata("command", "--test-clock", "--language", "fr", given=line))
    assert answer["message"].startswith("Mission accomplie ! Votre plan a bien été mis à niveau.")
    removed = json.dumps(step("2026-04-06", "remove_addon", product="surveys"))
    answer = answered(prorata("command", "-", "--test-clock", "--language", "fr", given=removed))
    assert answer["message"] == "Surveys est supprimé ; l’accès dure jusqu’au 20 avr. 2026."


def test_a_new_catalogue_is_measured_on_the_accounts_in_the_log(prorata: CommandLine, tmp_path: Path) -> None:
    new = tmp_path / "new.json"
    new.write_bytes(CATALOG_FILE.read_bytes().replace(b'"EUR": "20.00"', b'"EUR": "22.00"'))
    done = prorata("catalog", "diff", str(CATALOG_FILE), str(new), "--accounts", "--clock", "test", "--json")
    assert done.exit_code == 0, done.err
    [account] = [line for line in done.answers if line["kind"] == "account"]
    assert (account["account"], account["difference"]) == ("main/a1", "2.00")
    assert [item["product"] for item in account["items"]] == ["standard"]
    [summary] = [line for line in done.answers if line["kind"] == "summary"]
    assert (summary["accounts"], summary["more"], summary["less"]) == (1, 1, 0)
    shown = prorata("catalog", "diff", str(CATALOG_FILE), str(new), "--accounts", "--clock", "test").out
    assert "1 pay more (+2.00)" in shown
    value = msgspec.json.decode(CATALOG_FILE.read_bytes())
    value["plans"] = [plan for plan in value["plans"] if plan["id"] != "standard"]
    new.write_bytes(msgspec.json.encode(value))
    withdrawn = prorata("catalog", "diff", str(CATALOG_FILE), str(new), "--accounts", "--clock", "test")
    assert withdrawn.exit_code == 0, withdrawn.err
    assert "standard (500) is no longer sold: it goes on at its own last price" in withdrawn.out
    of_real_money = prorata("catalog", "diff", str(CATALOG_FILE), str(new), "--accounts").out
    assert "no account would renew anything" in of_real_money


def test_without_a_server_the_screens_say_so(tmp_path: Path) -> None:
    prorata = CommandLine("postgresql://prorata@127.0.0.1:1/prorata?connect_timeout=1")
    done = prorata("shop", "a1")
    assert (done.exit_code, done.out) == (3, "")
    assert "Traceback" not in done.err


def test_tax_and_credit_notes_are_shown_on_every_screen(prorata: CommandLine) -> None:
    rates = [{"country": "FR", "from": "2014-01-01", "rate": "20"}]
    zone = {"currency": "EUR", "time_zone": "Europe/Paris"}
    done = prorata.commands(
        step("2026-03-20", "open_account", account="t1", **zone, tax={"seller": "FR", "rates": rates}),
        step("2026-03-20", "set_tax_profile", account="t1", country="FR", kind="business"),
        step("2026-03-20", "purchase_plan", account="t1", product="standard"),
        step("2026-03-21", "credit_note", account="t1", by="support", invoice=1, reason="goodwill"),
        step(
            "2026-03-21", "credit_note", account="t1", by="finance", invoice=1, line=1, net="5.00",
            to="account", reason="goodwill",
        ),
    )  # fmt: skip
    assert [json.loads(line)["code"] for line in done.out.splitlines()] == [
        *(None, None, None),
        "limit_exceeded",
        None,
    ]
    told = json.loads(done.out.splitlines()[-1])["message"]
    assert told == "Credit note C1 takes back €6.00 of invoice 1. €6.00 become account credit."
    story = answered(prorata("explain", "t1", "C1", "--json"))
    assert [line["arithmetic"] for line in story["lines"]] == ["5.00 of 20.00; tax 1.00 (FR 20%)"]
    assert "Avoir C1 du 21 mars 2026" in prorata("explain", "t1", "C1", "--language", "fr").out
    missing = prorata("explain", "t1", "C2")
    assert (missing.exit_code, missing.err) == (
        2,
        "prorata: unknown_credit_note: t1 has no credit note C2: its last is C1\n",
    )
    page = answered(prorata("billing", "t1", "--json"))
    assert page["credit"] == "6.00"
    assert [(note["number"], note["total"], note["to_account"]) for note in page["credit_notes"]] == [
        ("C1", "6.00", "6.00")
    ]
    command = '{"do": "purchase_addon", "product": "custom_domain"}'
    seen = answered(prorata("preview", "t1", command, "--test-clock", "--at", "2026-04-05", "--json"))
    assert (seen["total"], seen["answer"]["charged"]) == ("5.81", "0.00")
    assert [tax["tax"] for tax in seen["taxes"]] == ["0.97"]
    shop = answered(prorata("shop", "t1", "--at", "2026-04-05", "--json"))
    today = shop["add_ons"][0]["today"]
    assert (today["net"], today["total"], today["charged"]) == ("4.84", "5.81", "0.00")
