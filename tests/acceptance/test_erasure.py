"""`prorata persons` and `prorata erase`, as an operator runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prorata.settings import Settings
from prorata.wiring import running
from prorata.wiring_of_persons import opened_details, vault_of
from service.account_log import BlockingLog
from service.completing import complete
from service.persons.desk import DetailsDesk
from service.persons.details import BillingDetails
from tests.support.command_line import CommandLine

ZOE = BillingDetails("Zoë Quillfeather", "FR", email="zoe@example.test", person="person-204")
OPEN = {"do": "open_account", "account": "w1", "currency": "EUR", "time_zone": "Europe/Paris"}


@pytest.fixture
def prorata(database_url: str, tmp_path: Path) -> CommandLine:
    command_line = CommandLine(database_url)
    assert command_line("migrate").exit_code == 0
    file = tmp_path / "persons.key"
    made = command_line("persons", "key", str(file))
    assert (made.exit_code, made.out) == (0, f"PRORATA_PERSONS_KEY={file}\n")
    assert file.stat().st_mode & 0o777 == 0o600
    command_line.environment |= {"PRORATA_PERSONS_KEY": str(file)}
    assert command_line.commands(OPEN, test_clock=False).exit_code == 0
    return command_line


def _give(prorata: CommandLine, details: BillingDetails) -> None:
    settings = Settings.of(prorata.environment_of("command"))
    with running(settings) as system, opened_details(settings) as store:
        log = BlockingLog(system.log)
        desk = DetailsDesk(system.service.core, log, store, vault_of(settings), system.clock)
        given = complete(desk.give("main/w1", details, role="owner"))
    assert given.answer.outcome == "accepted"


def test_a_person_is_erased_once_and_the_history_still_verifies(prorata: CommandLine) -> None:
    _give(prorata, ZOE)

    erased = prorata("erase", "person-204", "--json")

    assert erased.exit_code == 0
    assert json.loads(erased.out) == {"account_id": "main/w1", "destroyed": [1], "locked": {}}
    assert prorata("verify").exit_code == 0
    again = prorata("erase", "person-204")
    assert (again.exit_code, "nothing_to_erase" in again.err) == (2, True)


def test_an_account_is_erased_by_its_name(prorata: CommandLine) -> None:
    _give(prorata, ZOE)

    assert prorata("erase", "w1").out == "main/w1: destroyed version 1\n"


def test_a_new_key_takes_the_place_of_the_old_one(prorata: CommandLine, tmp_path: Path) -> None:
    _give(prorata, ZOE)
    old, both = tmp_path / "persons.key", tmp_path / "both.key"
    prorata("persons", "key", str(both))
    newer = both.read_text()
    both.write_text(newer + old.read_text())
    prorata.environment |= {"PRORATA_PERSONS_KEY": str(both)}

    assert prorata("persons", "rewrap").out.startswith("1 version")
    both.write_text(newer)
    assert prorata("persons", "rewrap").exit_code == 0
    prorata.environment |= {"PRORATA_PERSONS_KEY": str(old)}
    unreadable = prorata("persons", "rewrap")
    assert (unreadable.exit_code, "details_unreadable" in unreadable.err) == (4, True)


@pytest.mark.parametrize(
    ("file", "code"),
    [(None, "persons_key_missing"), ("missing", "invalid_setting"), ("bad", "invalid_setting")],
)
def test_without_a_good_key_it_says_what_to_do(
    prorata: CommandLine, tmp_path: Path, file: str | None, code: str
) -> None:
    (tmp_path / "bad").write_text("no key\n")
    prorata.environment.pop("PRORATA_PERSONS_KEY")
    if file is not None:
        prorata.environment |= {"PRORATA_PERSONS_KEY": str(tmp_path / file)}

    refused = prorata("persons", "rewrap")

    assert refused.exit_code == 2
    assert code in refused.err
    assert "prorata persons key" in refused.err or "cannot be read" in refused.err


def test_nothing_is_destroyed_before_its_time(prorata: CommandLine) -> None:
    assert prorata("persons", "destroy").out == "0 versions of billing details were destroyed\n"
