"""Tables put in the place of others: what belongs to the name goes with it.

    take_after(connection, ("projections", "calendar"), ("projections", "calendar_v2"))
    with views_follow(connection, [("projections", "calendar")]):
        ...                                    # in the transaction that renames both

PostgreSQL keeps owner, rights, comment and views with the table itself: what is renamed takes them away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import sql

QualifiedName: TypeAlias = tuple[str, str]
"""Schema and table."""

_OWNER: Final = "select pg_get_userbyid(relowner) from pg_class where oid = %(table)s::regclass"
_OWNER_OF_SCHEMA: Final = "select pg_get_userbyid(nspowner) from pg_namespace where nspname = %(schema)s"

_RIGHTS: Final = """
    select pg_get_userbyid(grantee), privilege_type
    from pg_class cross join aclexplode(relacl) entry
    where pg_class.oid = %(table)s::regclass and grantee not in (0, relowner)
"""
_COLUMN_RIGHTS: Final = """
    select pg_get_userbyid(grantee), privilege_type, attname
    from pg_attribute cross join aclexplode(attacl) entry
    where attrelid = %(table)s::regclass and grantee <> 0
"""
_RIGHTS_OF_SCHEMA: Final = """
    select pg_get_userbyid(grantee), privilege_type
    from pg_namespace cross join aclexplode(nspacl) entry
    where nspname = %(schema)s and grantee not in (0, nspowner)
"""
_COMMENT: Final = "select obj_description(%(table)s::regclass, 'pg_class')"

# By name: what is qualified is found again after the names have changed hands.
_BY_NAME: Final = "select set_config('search_path', 'pg_catalog', true)"
_VIEWS: Final = """
    select distinct nspname, relname, pg_get_viewdef(views.oid)
    from pg_depend join pg_rewrite on pg_rewrite.oid = objid
    join pg_class views on views.oid = ev_class and views.relkind = 'v'
    join pg_namespace on pg_namespace.oid = views.relnamespace
    where classid = 'pg_rewrite'::regclass and refobjid = any(%(tables)s::regclass[])
        and refobjid <> views.oid and pg_has_role(views.relowner, 'USAGE')
    order by nspname, relname
"""


def take_after(
    connection: psycopg.Connection[Any],
    before: QualifiedName,
    after: QualifiedName,
    *,
    described: bool = True,
) -> None:
    """Give a new table the owner and the rights of another one.

    `described`: also its comment and the rights on columns, since it has the same columns.
    """
    bound, names = {"table": _text(before)}, {"after": sql.Identifier(*after)}
    [[owner]] = connection.execute(_OWNER, bound).fetchall()
    connection.execute(
        sql.SQL("alter table {after} owner to {owner}").format(owner=sql.Identifier(owner), **names)
    )
    for role, right in connection.execute(_RIGHTS, bound).fetchall():
        _grant(connection, sql.SQL(right), sql.SQL("table {after}").format(**names), role)
    if not described:
        return
    for role, right, column in connection.execute(_COLUMN_RIGHTS, bound).fetchall():
        of_column = sql.SQL("{} ({})").format(sql.SQL(right), sql.Identifier(column))
        _grant(connection, of_column, sql.SQL("table {after}").format(**names), role)
    [[comment]] = connection.execute(_COMMENT, bound).fetchall()
    if comment is not None:
        connection.execute(
            sql.SQL("comment on table {after} is {comment}").format(comment=sql.Literal(comment), **names)
        )


def schema_takes_after(connection: psycopg.Connection[Any], before: str, after: str) -> None:
    """The same of an empty schema: its owner and its rights."""
    bound, schema = {"schema": before}, sql.SQL("schema {}").format(sql.Identifier(after))
    [[owner]] = connection.execute(_OWNER_OF_SCHEMA, bound).fetchall()
    for role, right in connection.execute(_RIGHTS_OF_SCHEMA, bound).fetchall():
        _grant(connection, sql.SQL(right), schema, role)
    connection.execute(sql.SQL("alter {} owner to {}").format(schema, sql.Identifier(owner)))


@contextmanager
def views_follow(connection: psycopg.Connection[Any], tables: Sequence[QualifiedName]) -> Iterator[None]:
    """Let the views on these tables show, once others have taken their names, what has the names then.

    In a transaction, which looks up unqualified names in pg_catalog alone from then on.
    """
    connection.execute(_BY_NAME)
    views = connection.execute(_VIEWS, {"tables": list(map(_text, tables))}).fetchall()
    yield
    for schema, name, definition in views:
        made = sql.SQL("create or replace view {} as {}")
        connection.execute(made.format(sql.Identifier(schema, name), sql.SQL(definition)))


def _grant(connection: psycopg.Connection[Any], right: sql.Composable, on: sql.Composable, role: str) -> None:
    names = {"right": right, "on": on, "role": sql.Identifier(role)}
    connection.execute(sql.SQL("grant {right} on {on} to {role}").format(**names))


def _text(name: QualifiedName) -> str:
    return sql.Identifier(*name).as_string()
