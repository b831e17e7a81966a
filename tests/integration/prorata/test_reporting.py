"""What analysts read: views whose columns are explained, and nothing else."""

from __future__ import annotations

import psycopg
import pytest

from eventlog.postgres.connect import connect
from eventlog.postgres.log import PostgresEventLog
from projections.live.projector import Projector
from prorata.migrations import migrations
from prorata.roles import PROJECTOR, READER, SERVICE
from tests.support.projections.fold_driver import Billing
from tests.support.projections.read_models import live_a_little
from tests.support.roles import login, migrated

OURS = "nspname not like 'pg\\_%%' and nspname <> 'information_schema'"

READABLE_COLUMNS = f"""
    select nspname, relname, attname
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    join pg_attribute on attrelid = pg_class.oid
    where relkind in ('r', 'v') and attnum > 0 and not attisdropped and {OURS}
        and has_schema_privilege(pg_namespace.oid, 'usage')
        and has_column_privilege(pg_class.oid, attnum, 'select')
"""

SENSITIVE = {"state", "actor", "value", "header_values", "command_id", "body", "key"}
"""Columns that hold what people wrote, what a payment was, or whole events."""


@pytest.fixture
def url(database_url: str) -> str:
    """A database with all tables and rights."""
    return migrated(database_url, migrations())


def test_every_table_view_and_column_says_what_it_holds(url: str) -> None:
    with connect(url, "test") as connection:
        silent = connection.execute(
            f"""
            select nspname || '.' || relname || coalesce('.' || attname, '')
            from pg_class join pg_namespace on pg_namespace.oid = relnamespace
            left join lateral (
                select attname::text, attnum from pg_attribute
                where attrelid = pg_class.oid and attnum > 0 and not attisdropped
                union all select null, 0
            ) columns on true
            where relkind in ('r', 'v') and {OURS}
                and coalesce(case when attnum = 0 then obj_description(pg_class.oid, 'pg_class')
                    else col_description(pg_class.oid, attnum) end, '') = ''
        """.replace("%%", "%")
        ).fetchall()
    assert silent == []


def test_the_reader_sees_the_business_in_every_view(url: str) -> None:
    log = PostgresEventLog(login(url, SERVICE))
    live_a_little(Billing(log), "acme/a-1")
    with Projector(login(url, PROJECTOR), log) as projector:
        projector.run_once()
    log.close()
    with connect(login(url, READER), "test") as reader:
        views = [
            name
            for (name,) in reader.execute(
                "select table_name from information_schema.views where table_schema = 'reporting'"
            )
        ]
        rows = {view: reader.execute(f"select * from reporting.{view}").fetchall() for view in views}
    assert set(rows) == {
        *("accounts", "entitlements", "access_windows", "invoices", "invoice_lines", "revenue_by_month"),
        *("invoice_line_taxes", "credit_notes", "credit_note_lines", "discounts"),
    }
    assert all(rows[view] for view in rows if view != "revenue_by_month"), "the books are a consumer's"


def test_the_reader_sees_no_payment_no_person_and_no_event(url: str) -> None:
    with connect(login(url, READER), "test") as reader:
        readable = reader.execute(READABLE_COLUMNS.replace("%%", "%")).fetchall()
    assert {(schema, table) for schema, table, _ in readable if schema == "service"} == set()
    found = {
        (schema, table, column)
        for schema, table, column in readable
        if column in SENSITIVE or column.endswith("_hash")
    }
    # The key of a parked record is its account: `status` and `dlq list` name it.
    assert found == {("consumers", "dead_letters", "key"), ("consumers", "partitions", "last_hash")}


def test_the_reader_writes_nothing(url: str) -> None:
    with connect(login(url, READER), "test") as reader:
        writable = reader.execute(
            f"""
            select nspname, relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
            where relkind in ('r', 'v') and {OURS} and (
                has_table_privilege(pg_class.oid, 'insert, update, delete, truncate, trigger')
                or has_any_column_privilege(pg_class.oid, 'insert, update')
            )
            """.replace("%%", "%")
        ).fetchall()
        assert writable == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("create table mine (n int)")
