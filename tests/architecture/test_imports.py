"""The packages of the project import one another only as the table in pyproject.toml allows."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.architecture.import_table import ImportTable

ROOT = Path(__file__).parents[2]
ROWS = ["inner: msgspec", "middle: inner.log, third-party", "outer: inner, middle, third-party"]
MODULES = {
    "inner/__init__.py": "",
    "inner/log.py": "import datetime\nimport msgspec\nimport inner.money\n",
    "inner/money.py": "",
    "middle/__init__.py": "import psycopg\nfrom inner import log\n",
    "outer/__init__.py": "import middle, inner.money\n",
}


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Sources to be changed by a test before it calls `refused`."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return dict(MODULES)


def refused(modules: dict[str, str], rows: list[str] = ROWS) -> list[str]:
    """What the contract says about these sources, written into the current folder."""
    for name, source in modules.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(source)
    graph = grimp.build_graph("inner", "middle", "outer", include_external_packages=True, cache_dir=None)
    check = ImportTable("table", {}, {"rows": rows}).check(graph, verbose=False)
    assert check.kept == (not check.metadata["refused"])
    return list(check.metadata["refused"])


def test_no_package_imports_what_is_not_in_its_row() -> None:
    # In a process of its own: the linter configures logging, which silences every logger that exists.
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_what_stands_in_the_rows_is_allowed(modules: dict[str, str]) -> None:
    assert refused(modules) == []


def test_a_package_outside_the_row_is_refused_with_its_line(modules: dict[str, str]) -> None:
    modules["inner/money.py"] = "import decimal\n\nimport outer\n"
    assert refused(modules) == ["inner.money (line 3): outer"]


def test_an_installed_package_is_refused_where_the_row_names_none(modules: dict[str, str]) -> None:
    modules["inner/money.py"] = "def rate():\n    import psycopg.rows\n"
    assert refused(modules) == ["inner.money (line 2): psycopg"]


def test_a_row_that_names_a_module_does_not_open_its_package(modules: dict[str, str]) -> None:
    modules["middle/__init__.py"] = "from inner import log, money\n"
    assert refused(modules) == ["middle (line 1): inner.money"]


def test_an_import_for_types_alone_counts(modules: dict[str, str]) -> None:
    modules["inner/money.py"] = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import kafka\n"
    assert refused(modules) == ["inner.money (line 3): kafka"]


def test_a_package_without_a_row_is_refused(modules: dict[str, str]) -> None:
    assert refused(modules, ROWS[:2]) == ["outer has no row"]
