"""Importing a package's part loads that part alone: a command loads no rebuild, a reader of a topic no
projector."""

import subprocess
import sys

import pytest

HEAVY = {
    "eventlog": ("psycopg", "kafka", "eventsourcing", "cryptography"),
    "projections.fold": ("psycopg", "kafka", "projections.live", "projections.rebuild"),
    "publishing.envelope": ("psycopg", "projections", "publishing.relay"),
    "publishing.topics": ("psycopg", "projections", "publishing.relay"),
    "consumers.batches": ("projections.live", "projections.rebuild", "consumers.runtime", "publishing.relay"),
    "prorata.gateways": ("stripe", "httpx"),
    "service.service": ("kafka", "projections.live", "projections.rebuild", "publishing"),
    "prorata.cli.main": ("psycopg", "kafka", "rich", "babel", "domain.settle"),
    "prorata.cli.simulate": ("psycopg", "kafka"),
    "prorata.cli.account.command": ("projections.rebuild", "projections.live", "publishing", "consumers"),
}


@pytest.mark.parametrize("module", HEAVY)
def test_a_module_loads_nothing_heavy_that_it_does_not_use(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    unwanted = [
        name
        for name in loaded
        if any(name == heavy or name.startswith(f"{heavy}.") for heavy in HEAVY[module])
    ]
    assert unwanted == []


HELP = {
    "prorata": ("prorata.cli.account", "prorata.cli.operate", "prorata.cli.simulate", "prorata.wiring"),
    "of ours": ("eventlog", "service", "projections", "publishing", "consumers", "domain.decide"),
    "of others": ("psycopg", "kafka", "babel", "structlog", "pyarrow", "cryptography", "rich.markdown"),
}
"""What a list of commands has no use for: it took longer to import than all else."""


@pytest.mark.parametrize("arguments", [(), ("--help",), ("ledger", "--help")])
def test_a_list_of_commands_imports_none_of_them_and_nothing_that_they_need(
    arguments: tuple[str, ...],
) -> None:
    program = (
        "import sys; from prorata.cli.main import main; main(); "
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    unwanted = {heavy for names in HELP.values() for heavy in names}
    loaded = [name for name in done.stderr.split() if name in unwanted]
    assert loaded == []
    assert "Usage: " in done.stdout


def test_the_check_would_see_a_driver() -> None:
    program = "import sys, eventlog.postgres.log; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "psycopg" in done.stdout.split()
