"""Every command as the role that it is for, and as each of the others: it works, or says what lacks."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from prorata.roles import COMMANDS, MONITOR, OWNER, READER, ROLES
from publishing.clients import Broker
from tests.support.command_line import OPEN, CommandLine, Done, step
from tests.support.domain.catalogs import CATALOG_FILE
from tests.support.roles import login

LINES = {
    "migrate": "",
    "catalog load": str(CATALOG_FILE),
    "catalog list": "",
    "catalog show": "1",
    "catalog withdraw": "1",
    "tax load": "{folder}/tax.json",
    "tax list": "",
    "tax show": "1",
    "discounts load": "{folder}/discounts.json",
    "discounts list": "",
    "discounts show": "1",
    "command": "--test-clock",
    "accounts": "",
    "invoices": "",
    "preview": 'a1 {"do":"cancel_plan"}',
    "shop": "a1",
    "billing": "a1",
    "explain": "a1 1",
    "key create": "--role owner --name shop",
    "key list": "",
    "key roll": "key_none",
    "key revoke": "key_none",
    "gateway event": "{folder}/tax.json --signature t=1,v1=0",
    "bill": "--test-clock --until 2026-06-01 --once",
    "clock": "a1 --advance-to 2026-06-02",
    "import accounts": "{folder}/accounts.csv --test-clock --as-of 2026-04-10",
    "export events": "{folder}/log.jsonl",
    "import events": "{folder}/log.jsonl",
    "reconcile": "",
    "project": "--once",
    "lag": "",
    "parked": "",
    "release": "a1",
    "relay": "--once",
    "consume": "finance_ledger --once",
    "archive run": "{folder} --once",
    "status": "",
    "status --forget": "metrics",
    "dlq list": "",
    "dlq refused": "finance_ledger",
    "dlq refused --seen": "finance_ledger",
    "dlq show": "finance_ledger a1",
    "dlq release": "finance_ledger a1",
    "ledger recognise": "--through 2026-05-01",
    "ledger show": "--through 2026-05-01",
    "ledger export": "",
    "ledger summary": "",
    "ledger check": "",
    "ledger close": "2026-03",
    "history": "a1",
    "show": "a1 --at 2026-04-10",
    "diff": "a1 --from 2026-03-25 --to 2026-04-10",
    "verify": "",
    "seal": "{folder}/seal --key {folder}/key",
    "erase": "a1",
    "persons rewrap": "",
    "persons destroy": "",
    "webhooks send": "--once",
    "rebuild": "calendar",
    "replay": "finance_ledger",
}
"""In an order in which each finds what it needs. `metrics` and `serve` run on: they ask what `status` and
`command` ask."""

ACCOUNTS_FILE = Path(__file__).parents[2] / "docs" / "importing" / "accounts.csv"
STORY = [OPEN, step("2026-03-20", "purchase_plan", product="standard")]


@pytest.fixture
def prorata(database_url: str, kafka_bootstrap: Broker, topic_prefix: str) -> CommandLine:
    """A migrated system in which something was sold."""
    command_line = CommandLine(database_url, kafka_bootstrap, topic_prefix)
    assert command_line("migrate", "--roles").exit_code == 0
    assert command_line.commands(*STORY).exit_code == 0
    return command_line


def prepare(prorata: CommandLine, folder: Path) -> None:
    """Put the files into the folder that the lines name."""
    prorata("seal-key", str(folder / "key"))
    prorata("persons", "key", str(folder / "persons.key"))
    prorata.environment |= {"PRORATA_PERSONS_KEY": str(folder / "persons.key")}
    (folder / "tax.json").write_text('{"seller": "FR", "rates": []}', encoding="utf-8")
    (folder / "accounts.csv").write_text(ACCOUNTS_FILE.read_text("utf-8"), encoding="utf-8")
    (folder / "log.jsonl").write_text("", encoding="utf-8")
    (folder / "discounts.json").write_text('{"discounts": []}', encoding="utf-8")


def run(prorata: CommandLine, command: str, folder: Path) -> Done:
    arguments = [
        part.format(folder=folder) if "{folder}" in part else part for part in LINES[command].split()
    ]
    given = b"".join(msgspec.json.encode(line) + b"\n" for line in STORY) if command == "command" else b""
    return prorata(*command.split(), *arguments, given=given)


def assert_sentence(command: str, done: Done) -> None:
    assert done.exit_code != 70, (command, done)
    assert "Traceback" not in done.err, (command, done)
    if "privilege_missing" in done.err:
        assert done.exit_code == 4, (command, done)
        assert f"this command is for a member of {COMMANDS[command]}" in done.err, (command, done)


def test_every_command_of_a_role_is_tried_here() -> None:
    assert {command for command, role in COMMANDS.items() if role} - {"metrics", "serve"} == set(LINES)


def test_every_command_works_as_the_role_that_it_is_for(prorata: CommandLine, tmp_path: Path) -> None:
    prepare(prorata, tmp_path)
    for command in LINES:
        done = run(prorata, command, tmp_path)
        assert_sentence(command, done)
        assert "privilege_missing" not in done.err, (command, done)
        assert "cannot announce" not in done.err, (command, done)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ROLES)
def test_a_command_by_another_role_works_or_says_what_lacks(
    prorata: CommandLine, database_url: str, tmp_path: Path, role: str
) -> None:
    prepare(prorata, tmp_path)
    as_role = CommandLine(login(database_url, role), prorata.environment["PRORATA_KAFKA"])
    as_role.environment["PRORATA_KAFKA_PREFIX"] = prorata.environment["PRORATA_KAFKA_PREFIX"]
    refused, went_well = set(), set()
    for command in LINES:
        done = run(as_role, command, tmp_path)
        assert_sentence(command, done)
        if "privilege_missing" in done.err:
            refused.add(command)
        if done.exit_code == 0:
            went_well.add(command)
    assert not {command for command in refused if role in (OWNER, COMMANDS[command])}
    if role in (READER, MONITOR):
        changing = {command for command, of in COMMANDS.items() if of not in (None, OWNER, READER, MONITOR)}
        assert changing & went_well <= {"archive run"}, "which reads topics alone"
