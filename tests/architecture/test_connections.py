"""Every connection to PostgreSQL is made by one function, so that all have the same settings and checks."""

import re
from pathlib import Path

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
