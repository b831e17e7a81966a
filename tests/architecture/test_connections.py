"""Every connection to PostgreSQL is made by one function, so that all have the same settings and checks."""

import re
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[2]
PRODUCT = ("domain", "eventlog", "projections", "service", "publishing", "consumers", "prorata")
CONNECTS = re.compile(
    r"psycopg\.(Async)?(Client)?(Server)?(Connection\.)?connect\b|(Async)?Connection\.connect\b|psycopg_pool"
    r"|PGconn\.connect|from psycopg import .*\bconnect\b|conninfo import .*make_conninfo"
)


def test_no_product_module_connects_to_postgresql_but_by_the_one_function() -> None:
    connecting = {
        str(file.relative_to(ROOT))
        for package in PRODUCT
        for file in (ROOT / package).rglob("*.py")
        if CONNECTS.search(file.read_text())
    }
    assert connecting == {"eventlog/postgres/connect.py"}


SET: Final = re.compile(r"""["']set (session )?(?!local\b)[a-z_]+ (=|to) (?!excluded)['{0-9a-z]+""")
SET_CONFIG: Final = re.compile(r"set_config\('(\w+)'[^;]*?\), false\)")


def test_no_product_module_changes_a_setting_of_its_session() -> None:
    """They are given as a session starts, or hold for a transaction: a pooler would hand them to others.

    The log only keeps `synchronous_commit` as it finds it.
    """
    sources = [file for package in PRODUCT for file in (ROOT / package).rglob("*.py")]
    changed = {
        f"{file.relative_to(ROOT)}: {match.group(0)}"
        for file in sources
        for match in (*SET.finditer(file.read_text()), *SET_CONFIG.finditer(file.read_text()))
        if file.name != "errors.py"
    }
    kept = "set_config('synchronous_commit', current_setting('synchronous_commit'), false)"
    assert changed == {f"eventlog/postgres/connections.py: {kept}"}
