"""What the lists of commands say each is for."""

import importlib
from collections.abc import Iterator

import pytest

from prorata.cli.main import GROUPS, app
from prorata.cli.terminal.descriptions import described
from tests.support.command_line import CommandLine


def _functions() -> Iterator[tuple[str, str]]:
    """Each command as it is typed, and its function as `module:name`."""
    for group, words in ((app, ""), *((group, f"{name} ") for name, group in GROUPS.items())):
        for name in group:
            command = group[name]
            if command.default_command is not None:
                function = command.default_command
                yield f"{words}{name}", f"{function.__module__}:{function.__name__}"


@pytest.mark.parametrize(("typed", "function"), [each for each in _functions() if "cyclopts" not in each[1]])
def test_what_is_read_from_the_source_is_the_first_paragraph_of_the_docstring(
    typed: str, function: str
) -> None:
    module, _, name = function.partition(":")
    documented = getattr(importlib.import_module(module), name).__doc__
    assert described(function) == " ".join(documented.split("\n\n")[0].split())


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_a_list_says_what_each_of_its_commands_is_for(group: str) -> None:
    words = [group] if group else []
    done = CommandLine("postgresql://nowhere")(*words, "--help")
    listed = app if not group else GROUPS[group]
    for name in listed:
        if not name.startswith("-"):
            [row] = [line for line in done.out.splitlines() if line.startswith(f"│ {name} ")]
            assert row.removeprefix(f"│ {name}").strip(" │"), f"{name} has no description"
