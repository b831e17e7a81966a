"""Replace tables by others, and keep owner, rights, comments and views with the name.

    take_after(connection, ("projections", "calendar"), ("projections", "calendar_v2"))
    with views_follow(connection, [("projections", "calendar")]):
        ...                                    # rename both in this transaction

PostgreSQL attaches all of these to the table itself, so a renamed table would take them along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import sql

QualifiedName: TypeAlias = tuple[str, str]
"""(schema, table)"""

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

# With pg_catalog as the only path, view definitions have qualified names, which then mean the new tables.
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
    """Give the table `after` the owner and the rights of the table `before`.

    `described`: also the comment and the rights on columns, for tables with the same columns.
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
    """Give the empty schema `after` the owner and the rights of the schema `before`."""
    bound, schema = {"schema": before}, sql.SQL("schema {}").format(sql.Identifier(after))
    [[owner]] = connection.execute(_OWNER_OF_SCHEMA, bound).fetchall()
    for role, right in connection.execute(_RIGHTS_OF_SCHEMA, bound).fetchall():
        _grant(connection, sql.SQL(right), schema, role)
    connection.execute(sql.SQL("alter {} owner to {}").format(schema, sql.Identifier(owner)))


@contextmanager
def views_follow(connection: psycopg.Connection[Any], tables: Sequence[QualifiedName]) -> Iterator[None]:
    """Redefine the views on these tables after the block has renamed them, to show the tables that then have
    the names.

    Within the caller's transaction, whose search path is pg_catalog alone from then on.
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
