"""`prorata migrate`: brings the schema and the roles' rights up to date."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from prorata.settings import Settings


def migrate(
    *,
    roles: Annotated[
        bool,
        Parameter(negative="", help="Also make the roles that processes log in as members of (CREATEROLE)."),
    ] = False,
) -> int:
    """Bring the schema and the roles' rights up to date. May be run at any time, and by several at once."""
    from eventlog.postgres.migrate import migrate as apply
    from prorata.migrations import migrations
    from prorata.roles import grant_rights, make_roles

    url = Settings.of().database_url
    applied = apply(url, migrations())
    for name in applied:
        print(f"applied {name}")
    print(f"{len(applied)} migrations applied" if applied else "nothing to apply: the schema is up to date")
    if roles:
        made = make_roles(url)
        print(f"made the roles {', '.join(made)}" if made else "all roles are there")
    if changed := grant_rights(url):
        print(f"{changed} rights of the roles were brought up to date")
    return 0
