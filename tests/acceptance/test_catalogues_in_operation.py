"""The catalogue in operation: loaded, listed, compared and withdrawn, and missed where one shops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.support.command_line import CommandLine
from tests.support.domain.catalogs import CATALOG_FILE

IN_A_MONTH = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT00:00:00+00:00")
OPEN = {"do": "open_account", "account": "w1", "currency": "EUR", "time_zone": "Europe/Paris"}
BUY = {
    "do": "purchase_addon",
    "account": "w1",
    "product": "custom_domain",
    "confirm": {"cvv": "tok_1", "billing": True},
}


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    """A migrated database with an account on the wall clock."""
    command_line = CommandLine(database_url)
    assert command_line("migrate").exit_code == 0
    assert command_line.commands(OPEN, test_clock=False).exit_code == 0
    return command_line


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A catalogue, and one that differs in a price."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_bytes(CATALOG_FILE.read_bytes().replace(b'"2026-01"', b'"old"'))
    new.write_bytes(old.read_bytes().replace(b'"EUR": "7.50"', b'"EUR": "8.00"').replace(b'"old"', b'"new"'))
    return str(old), str(new)


def standings(prorata: CommandLine) -> list[tuple[int, str, str]]:
    listed = prorata("catalog", "list", "--json")
    assert listed.exit_code == 0, listed.err
    return [(line["version"], line["name"], line["standing"]) for line in listed.answers]


def test_a_missing_catalogue_is_said_wherever_one_shops(prorata: CommandLine) -> None:
    said = (
        "prorata: no_catalogue: nothing is sold, since no catalogue for the wall clock is loaded: "
        "load one with `prorata catalog load FILE`\n"
    )
    bought = prorata.commands(BUY, {**BUY, "product": "surveys"}, test_clock=False)
    assert ([answer["code"] for answer in bought.answers], bought.err) == (["no_catalogue"] * 2, said)
    assert bought.answers[0]["message"] == "Nothing is sold: no catalogue is in force."
    previewed = prorata("preview", "w1", msgspec.json.encode({**BUY, "confirm": {}}).decode(), "--json")
    assert (previewed.exit_code, previewed.err) == (0, said)
    for screen in ("shop", "billing"):
        shown = prorata(screen, "w1", "--json")
        assert (shown.exit_code, shown.answers[0]["code"], shown.err) == (0, "no_catalogue", said)
    assert "Rien n’est en vente." in prorata("shop", "w1", "--language", "fr").out
    assert prorata("catalog", "list").err == said
    for asked in (["show"], ["diff", str(CATALOG_FILE)]):
        refused = prorata("catalog", *asked)
        assert (refused.exit_code, refused.out, refused.err) == (2, "", said)


def test_until_a_scheduled_catalogue_is_in_force_its_instant_is_said(
    prorata: CommandLine, files: tuple[str, str]
) -> None:
    prorata("catalog", "load", files[0], "--from", IN_A_MONTH)
    bought = prorata.commands(BUY, test_clock=False)
    assert bought.answers[0]["code"] == "no_catalogue"
    assert f"nothing is sold before {IN_A_MONTH}" in bought.err


def test_an_add_on_that_a_new_version_takes_the_plan_from_is_ending_in_the_read_models_at_once(
    prorata: CommandLine, files: tuple[str, str], tmp_path: Path
) -> None:
    prorata("catalog", "load", files[0])
    plan = {**BUY, "do": "purchase_plan", "product": "standard"}
    assert prorata.commands(plan, BUY, test_clock=False).exit_code == 0
    later = msgspec.json.decode(Path(files[0]).read_bytes())
    [domain] = [add_on for add_on in later["add_ons"] if add_on["id"] == "custom_domain"]
    domain["requires"] = ["premium"]
    (tmp_path / "later.json").write_bytes(msgspec.json.encode({**later, "version": "later"}))
    loaded = prorata("catalog", "load", str(tmp_path / "later.json"))
    assert loaded.out.endswith("accounts with an add-on that will need other plans: 1\n")
    assert "prerequisite_changed" in prorata("history", "w1").out
    assert prorata("project", "--once").exit_code == 0
    shown = prorata("show", "w1", "--json").answers[0]
    [held] = [one for one in shown["entitlements"]["entitlements"] if one["product"] == "custom_domain"]
    assert (held["status"], held["renews"]) == ("ending", False)
    again = prorata("catalog", "load", str(tmp_path / "later.json"))
    assert "other plans" not in again.out


def test_versions_are_loaded_listed_shown_and_compared(prorata: CommandLine, files: tuple[str, str]) -> None:
    old, new = files
    assert prorata("catalog", "load", old).out.startswith("catalogue version 1, sha256 ")
    assert prorata("catalog", "load", new, "--from", IN_A_MONTH).out.endswith(f"in force from {IN_A_MONTH}\n")
    assert standings(prorata) == [(1, "old", "in force"), (2, "new", "scheduled")]
    assert max(map(len, prorata("catalog", "list").out.splitlines())) <= 80
    shown = prorata("catalog", "show").out
    assert "catalogue version 1 (old): in force, from " in shown
    assert "7 plans with 13 tiers" in shown
    assert f"catalogue version 2 (new): scheduled, from {IN_A_MONTH}" in prorata("catalog", "show", "2").out
    raised = "  ~ add_ons.surveys.prices.EUR: 7.50 → 8.00\n1 changes\n"
    assert prorata("catalog", "diff", new).out == raised
    assert prorata("catalog", "diff", "2").out == raised
    assert prorata("catalog", "diff", "1", "2").out == raised
    assert prorata("catalog", "diff", "1", old).out == "no change\n"
    unknown = prorata("catalog", "show", "3")
    assert (unknown.exit_code, "unknown_version" in unknown.err) == (2, True)


def test_loading_the_same_again_adds_no_version(
    prorata: CommandLine, files: tuple[str, str], tmp_path: Path
) -> None:
    prorata("catalog", "load", files[0])
    shown = tmp_path / "shown.json"
    shown.write_text(prorata("catalog", "show", "1", "--json").out)
    for again in (files[0], str(shown)):
        done = prorata("catalog", "load", again, "--from", IN_A_MONTH)
        assert done.exit_code == 0
        assert done.out.startswith("no new version: catalogue version 1, in force from ")
    assert standings(prorata) == [(1, "old", "in force")]


def test_a_version_that_makes_something_else_of_a_product_is_refused_wherever_it_is_given(
    prorata: CommandLine, files: tuple[str, str], tmp_path: Path
) -> None:
    prorata("catalog", "load", files[0])
    assert "it can follow 1 loaded version" in prorata("catalog", "check", files[1]).out
    moved = tmp_path / "moved.json"
    value = msgspec.json.decode(Path(files[1]).read_bytes())
    value["plans"][2]["family"] = "websites"
    moved.write_bytes(msgspec.json.encode(value))
    for asked in (["check"], ["load"], ["load", "--from", IN_A_MONTH], ["diff"]):
        refused = prorata("catalog", asked[0], str(moved), *asked[1:])
        assert refused.exit_code == 2
        assert refused.err.startswith(
            "prorata: product_changed: 'standard' is a plan of the family 'marketing'"
        )
        assert "$.plans[2].family`" in refused.err
    assert prorata("catalog", "check", str(moved), "--alone").exit_code == 0
    assert standings(prorata) == [(1, "old", "in force")]


def test_a_scheduled_version_is_withdrawn_and_stays_in_the_list(
    prorata: CommandLine, files: tuple[str, str]
) -> None:
    prorata("catalog", "load", files[0])
    prorata("catalog", "load", files[1], "--from", IN_A_MONTH)
    withdrawn = prorata("catalog", "withdraw", "2")
    assert withdrawn.out == (
        f"catalogue version 2 is withdrawn: it would have been in force from {IN_A_MONTH}\n"
    )
    assert standings(prorata) == [(1, "old", "in force"), (2, "new", "withdrawn")]
    again = prorata("catalog", "withdraw", "2")
    assert (again.exit_code, "was withdrawn already" in again.out) == (0, True)
    refused = prorata("catalog", "withdraw", "1")
    assert (refused.exit_code, "catalogue_in_force" in refused.err) == (2, True)
    assert prorata("catalog", "load", files[1], "--from", IN_A_MONTH).out.startswith("catalogue version 3,")


def test_the_demos_catalogue_serves_the_wall_clock(prorata: CommandLine) -> None:
    assert prorata("catalog", "load", "--demo").exit_code == 0
    assert prorata("catalog", "load", "--demo").out.startswith("no new version: ")
    bought = prorata.commands(BUY, test_clock=False)
    assert (bought.answers[0]["charged"], bought.err) == ("10.00", "")
    for arguments in ([], ["--demo", str(CATALOG_FILE)]):
        usage = prorata("catalog", "load", *arguments)
        assert (usage.exit_code, "FILE, or --demo" in usage.err) == (2, True)
