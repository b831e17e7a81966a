"""Each command is for one role, which its right is asked of and its failures name."""

import pytest

from prorata.cli.main import GROUPS, app
from prorata.roles import COMMANDS, CONSUMER, MONITOR, READER, RIGHTS, role_for


def test_every_command_says_which_role_it_is_for() -> None:
    listed = {name for name in app if not name.startswith("-")} - set(GROUPS)
    listed |= {f"{group} {name}" for group, of in GROUPS.items() for name in of if not name.startswith("-")}
    assert {command for command in COMMANDS if " --" not in command} == listed


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("status --json", READER),
        ("status --forget relay", MONITOR),
        ("dlq refused finance_ledger", READER),
        ("dlq refused finance_ledger --seen", CONSUMER),
        ("catalog check file.json", None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_a_line_is_for_the_role_of_its_command_and_options(line: str, role: str | None) -> None:
    assert role_for(line.split()) == role


@pytest.mark.parametrize("role", [READER, MONITOR])
def test_who_only_looks_writes_nothing_but_its_own_announcement(role: str) -> None:
    written = {table for table, rights in RIGHTS[role].items() if not rights.startswith("select")}
    written |= {table for table, rights in RIGHTS[role].items() if "insert" in rights or "update" in rights}
    assert written == ({"operations.processes"} if role == MONITOR else set())
