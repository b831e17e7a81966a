"""The PostgreSQL roles that Prorata's processes and readers run as, and the rights of each.

    make_roles(database_url)      # prorata migrate --roles: the roles, and prorata_owner owns the tables
    grant_rights(database_url)    # at the end of every prorata migrate: each role has what is below, no more

The roles are groups, which nobody can log in as: a process logs in as a member. A right is granted by the
owner of a table, so CREATEROLE is needed only to make the roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from eventlog.postgres.connect import Connection, connect
from eventlog.postgres.migrate import as_owner

OWNER: Final = "prorata_owner"
SERVICE: Final = "prorata_service"
PROJECTOR: Final = "prorata_projector"
RELAY: Final = "prorata_relay"
CONSUMER: Final = "prorata_consumer"
READER: Final = "prorata_reader"
MONITOR: Final = "prorata_monitor"

ROLES: Final = (OWNER, SERVICE, PROJECTOR, RELAY, CONSUMER, READER, MONITOR)

_ROWS: Final = "select, insert, update, delete"

_EVERYONE: Final = {"public.migrations": "select", "public.log": "select"}

# A process announces itself, and removes the rows of its predecessors.
_ANNOUNCES: Final = {"operations.processes": _ROWS}

_READS_LOG: Final = _EVERYONE | {"public.events": "select", "public.events_position": "select"}

# The database hands out positions, so no role may insert one.
_APPENDS: Final = (
    "select, insert (account_id, version, shard, event_id, command_id, type, schema_version, recorded_at, "
    "effective_at, actor, state, previous_hash, hash)"
)

# The state of the system, without the content of any event, record or payment.
_WATCHES: Final = _EVERYONE | {
    "public.events": "select (position, shard, recorded_at)",
    "public.events_position": "select",
    "projections.checkpoints": "select",
    "projections.parked": "select",
    "projections.rebuilds": "select",
    "projections.rebuild_units": "select",
    "projections.calendar": "select (clock, due_at, pending_payment, recorded_at)",
    "operations.processes": "select",
    "publishing.leases": "select",
    "publishing.halts": "select",
    "consumers.partitions": "select",
    "consumers.halts": "select",
    "consumers.dead_letters": "select (consumer, topic, partition, record_offset, key, parked_at, error)",
    "finance_ledger.*": "select",
}

RIGHTS: Final[Mapping[str, Mapping[str, str]]] = {
    SERVICE: _READS_LOG
    | _ANNOUNCES
    | {
        "public.events": _APPENDS,
        "service.snapshots": "select, insert, update",
        "service.kept_states": "select, insert, update",
        "service.billing_parts": "select, update",
        "service.catalogues": "select, insert",
        "service.pinned_catalogues": "select, insert",
        "service.withdrawn_catalogues": "select, insert",
        "service.terms": "select, insert",
        "service.gateway_payments": "select, insert, update (answer)",
        "service.gateway_refunds": "select, insert",
        "service.gateway_methods": "select, insert, update",
        "persons.details": "select, insert, update",
        "service.stripe_charges": "select, insert, update",
        "service.stripe_refunds": "select, insert, update",
        "service.stripe_methods": "select, insert, update",
        "portal.links": _ROWS,
        "portal.sessions": _ROWS,
        # Endpoints are made by the API; what is queued is sent, and replayed from the log.
        "webhooks.endpoints": _ROWS,
        "webhooks.deliveries": _ROWS,
        "webhooks.queues": _ROWS,
        "webhooks.attempts": "select, insert, delete",
        # The billing run updates its calendar itself.
        "projections.calendar": "select, insert, update",
        "projections.checkpoints": "select, update",
        "projections.parked": _ROWS,
        # The HTTP API reads the read models, and keeps its keys; the console shows how the system stands.
        "projections.*": "select",
        "publishing.leases": "select",
        "publishing.halts": "select",
        "consumers.partitions": "select",
        "consumers.halts": "select",
        "consumers.dead_letters": "select (consumer, topic, partition, record_offset, key, parked_at, error)",
        "finance_ledger.*": "select",
        "api.hash_secret": "select, insert",
        "api.keys": "select, insert, update",
    },
    PROJECTOR: _READS_LOG
    | _ANNOUNCES
    | {
        "projections.*": _ROWS,
        "projections.checkpoints": "select, update",
        "projections.rebuilds": "select",
        "projections.rebuild_units": "select",
    },
    RELAY: _READS_LOG
    | _ANNOUNCES
    | {
        "publishing.leases": "select, insert, update",
        "publishing.halts": _ROWS,
    },
    CONSUMER: _EVERYONE
    | _ANNOUNCES
    | {
        "consumers.partitions": "select, insert, update",
        "consumers.revisions": "select, insert, update",
        "consumers.dead_letters": "select, insert, delete",
        "consumers.halts": _ROWS,
        "entitlement_cache.windows": "select, insert, delete",
        "webhooks.endpoints": "select (id, tenant, types)",
        "webhooks.deliveries": "select, insert",
        "webhooks.queues": "select, insert, update",
        "finance_ledger.accounts": "select, insert, update",
        "finance_ledger.transfers": "select, insert",
        "finance_ledger.invoices": "select, insert, update",
        "finance_ledger.schedules": "select, insert, update",
        "finance_ledger.closings": "select, insert",
        "finance_ledger.closing_balances": "select, insert",
    },
    # Readers that change nothing: analysts, `status`, the ledger's reports.
    READER: _WATCHES | {"reporting.*": "select"},
    # `metrics` reads what `status` does, and announces itself, as it keeps running.
    MONITOR: _WATCHES | _ANNOUNCES,
}
"""Role → table or view → its rights, as `grant` writes them. `schema.*`: every table without a line of its
own.

A generation of a read model (`calendar_v2`) has the rights of the read model, a replay's schema
(`finance_ledger_next`) those of the consumer's. Who may do anything in a schema may use the schema.
"""

COMMANDS: Final[Mapping[str, str | None]] = {
    "simulate": None,
    "card-element": None,
    "migrate": OWNER,
    "catalog load": SERVICE,
    "catalog check": None,
    "catalog diff": None,
    "catalog list": SERVICE,
    "catalog show": SERVICE,
    "catalog withdraw": SERVICE,
    "catalog schema": None,
    "tax check": None,
    "tax load": SERVICE,
    "tax list": SERVICE,
    "tax show": SERVICE,
    "discounts check": None,
    "discounts load": SERVICE,
    "discounts list": SERVICE,
    "discounts show": SERVICE,
    "command": SERVICE,
    "accounts": SERVICE,
    "invoices": SERVICE,
    "preview": SERVICE,
    "shop": SERVICE,
    "billing": SERVICE,
    "explain": SERVICE,
    "clock": SERVICE,
    "bill": SERVICE,
    "gateway event": SERVICE,
    "reconcile": SERVICE,
    "import accounts": SERVICE,
    "import events": OWNER,
    "export events": SERVICE,
    "serve": SERVICE,
    "key create": SERVICE,
    "key list": SERVICE,
    "key roll": SERVICE,
    "key revoke": SERVICE,
    "project": PROJECTOR,
    "lag": READER,
    "parked": READER,
    "release": PROJECTOR,
    "topics": None,
    "relay": RELAY,
    "consume": CONSUMER,
    "replay": OWNER,
    "status": READER,
    "status --forget": MONITOR,
    "metrics": MONITOR,
    "dlq list": READER,
    "dlq refused": READER,
    "dlq refused --seen": CONSUMER,
    "dlq show": CONSUMER,
    "dlq release": CONSUMER,
    "archive run": CONSUMER,
    "archive verify": None,
    "ledger recognise": CONSUMER,
    "ledger show": READER,
    "ledger close": CONSUMER,
    "ledger export": READER,
    "ledger summary": READER,
    "ledger check": READER,
    "history": SERVICE,
    "show": SERVICE,
    "diff": SERVICE,
    "rebuild": OWNER,
    "verify": SERVICE,
    "seal": SERVICE,
    "seal-key": None,
    "erase": SERVICE,
    "persons key": None,
    "persons rewrap": SERVICE,
    "persons destroy": SERVICE,
    "webhooks send": SERVICE,
    "demo": None,
}
"""The role that each command is run by; None: it needs no database of Prorata's, or brings its own logins."""


def role_for(arguments: Sequence[str]) -> str | None:
    """The role that a command line is for; None: none, or no command."""
    found: tuple[int, str | None] = (0, None)
    for command, role in COMMANDS.items():
        words = command.split()
        names = [word for word in words if not word.startswith("--")]
        if list(arguments[: len(names)]) == names and set(words) <= set(arguments):
            found = max(found, (len(words), role), key=lambda one: one[0])
    return found[1]


_SCHEMAS: Final = (
    "^(service|persons|portal|webhooks|projections|publishing|reporting|consumers|operations|api"
    "|(entitlement_cache|finance_ledger)(_next|_before)?)$"
)
_PUBLIC: Final = ["log", "events", "migrations", "sealed_event", "refuse_change", "events_position"]
"""Prorata's objects in schema public, which may hold those of others too."""

_BESIDE: Final = re.compile(r"(_next|_before)$|_v[0-9]+$")
_PRIVILEGE: Final = re.compile(r"(\w+)(?: \(([^)]*)\))?")


class Right(NamedTuple):
    """A privilege of a role on a schema or a table; `column`, unless empty, restricts it to that column."""

    role: str
    schema: str
    table: str
    privilege: str
    column: str

    @property
    def place(self) -> tuple[str, str, str]:
        return self.role, self.schema, self.table


_TABLES: Final = """
    select nspname, relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'p', 'v', 'S')
        and (nspname ~ %(schemas)s or nspname = 'public' and relname = any(%(public)s))
    order by nspname, relname
"""

_HELD: Final = """
    with entries as (
        select nspname as schema, '' as table, nspacl as acl, '' as column from pg_namespace
        union all
        select nspname, relname, relacl, ''
        from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        union all
        select nspname, relname, attacl, attname
        from pg_attribute join pg_class on pg_class.oid = attrelid
        join pg_namespace on pg_namespace.oid = relnamespace
    )
    select pg_get_userbyid(grantee), entries.schema, entries.table, lower(privilege_type), entries.column
    from entries cross join aclexplode(acl)
    where pg_get_userbyid(grantee) = any(%(roles)s)
        and (entries.schema ~ %(schemas)s or entries.schema = 'public' and entries.table = any(%(public)s))
"""

_EXISTING: Final = "select rolname from pg_roles where rolname = any(%(roles)s)"

_MAY_ACT_AS_OWNER: Final = """
    select pg_has_role(current_user, relowner, 'USAGE') from pg_class where oid = to_regclass('public.events')
"""

_NOT_THE_OWNERS: Final = """
    select kind, name from (
        select case relkind when 'v' then 'view' else 'table' end as kind,
            format('%%I.%%I', nspname, relname) as name, relowner as owner, nspname, relname as own_name
        from pg_class join pg_namespace on pg_namespace.oid = relnamespace where relkind in ('r', 'p', 'v')
        union all
        select 'type', format('%%I.%%I', nspname, relname), relowner, nspname, relname
        from pg_class join pg_namespace on pg_namespace.oid = relnamespace where relkind = 'c'
        union all
        select 'function', pg_proc.oid::regprocedure::text, proowner, nspname, proname
        from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
        union all
        select 'schema', quote_ident(nspname), nspowner, nspname, ''
        from pg_namespace where nspname <> 'public'
    ) found
    where owner <> %(owner)s::regrole
        and (nspname ~ %(schemas)s or nspname = 'public' and own_name = any(%(public)s))
    order by kind <> 'schema', name
"""

# Only one session at a time may change roles and grants: PostgreSQL refuses concurrent changes of a catalogue
# row.
_ONE_AT_A_TIME: Final = "select pg_advisory_xact_lock(hashtextextended('prorata/roles', 0))"


def make_roles(database_url: str) -> list[str]:
    """Make the roles that the server lacks, and let prorata_owner own what is Prorata's in this database.

    Return those made. The login becomes a member of prorata_owner. It owns the database, or is a superuser.
    """
    with connect(database_url, "prorata migrate") as connection:
        made = [role for role in ROLES if role not in _existing(connection) and _make(connection, role)]
        with connection.transaction():
            connection.execute(_ONE_AT_A_TIME)
            _hand_over(connection)
    return made


def grant_rights(database_url: str) -> int:
    """Give each existing role exactly its rights in this database; return the number of changes."""
    with connect(database_url, "prorata migrate") as connection:
        as_owner(connection)
        with connection.transaction():
            connection.execute(_ONE_AT_A_TIME)
            roles = [role for role in RIGHTS if role in _existing(connection)]
            wanted, held = set(_wanted(connection, roles)), set(_held(connection, roles))
            _grant(connection, wanted, held)
    return len(wanted ^ held)


def is_owner(database_url: str) -> bool:
    """Whether the login may act as the owner of Prorata's tables, and so do anything with them."""
    with connect(database_url, "prorata roles") as connection:
        rows = connection.execute(_MAY_ACT_AS_OWNER).fetchall()
    return bool(rows and rows[0][0])


def _existing(connection: Connection) -> set[str]:
    return {role for (role,) in connection.execute(_EXISTING, {"roles": list(ROLES)}).fetchall()}


def _make(connection: Connection, role: str) -> bool:
    """Make the role; False if it was made meanwhile: roles are the server's, so another database may do
    so."""
    try:
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return False
    return True


def _hand_over(connection: Connection) -> None:
    """Let prorata_owner own everything of Prorata's."""
    owner, bound = sql.Identifier(OWNER), {"owner": OWNER, "schemas": _SCHEMAS, "public": _PUBLIC}
    found = connection.execute(_NOT_THE_OWNERS, bound).fetchall()
    # Who made a role may grant it, and is no member that could act as it until then.
    [[may_act, database]] = connection.execute(
        "select pg_has_role(current_user, %(owner)s, 'SET'), current_database()", {"owner": OWNER}
    ).fetchall()
    if not may_act:
        connection.execute(sql.SQL("grant {} to current_user").format(owner))
    if found:
        connection.execute(
            sql.SQL("grant create on database {} to {}").format(sql.Identifier(database), owner)
        )
        connection.execute(sql.SQL("grant usage, create on schema public to {}").format(owner))
    for kind, name in found:
        connection.execute(sql.SQL(f"alter {kind} {name} owner to {{}}").format(owner))


def _wanted(connection: Connection, roles: list[str]) -> Iterator[Right]:
    tables = connection.execute(_TABLES, {"schemas": _SCHEMAS, "public": _PUBLIC}).fetchall()
    for role in roles:
        for schema, table in tables:
            found = list(_rights_on(role, schema, table))
            yield from found
            if found and schema != "public":  # which everyone may use, and belongs to the database's owner
                yield Right(role, schema, "", "usage", "")


def _rights_on(role: str, schema: str, table: str) -> Iterator[Right]:
    rights, of_schema = RIGHTS[role], _BESIDE.sub("", schema)
    granted = rights.get(f"{of_schema}.{_BESIDE.sub('', table)}", rights.get(f"{of_schema}.*", ""))
    for privilege, columns in _PRIVILEGE.findall(granted):
        for column in columns.split(", "):
            yield Right(role, schema, table, privilege, column)


def _held(connection: Connection, roles: list[str]) -> Iterator[Right]:
    bound = {"roles": roles, "schemas": _SCHEMAS, "public": _PUBLIC}
    yield from map(Right._make, connection.execute(_HELD, bound).fetchall())


def _grant(connection: Connection, wanted: set[Right], held: set[Right]) -> None:
    for place in sorted({right.place for right in wanted ^ held}):
        role, schema, table = place
        names = {"role": sql.Identifier(role), "on": sql.SQL("schema {}").format(sql.Identifier(schema))}
        if table:
            names["on"] = sql.SQL("table {}").format(sql.Identifier(schema, table))
        connection.execute(sql.SQL("revoke all on {on} from {role}").format(**names))
        for right in sorted(wanted):
            if right.place == place:
                what: sql.Composable = sql.SQL(right.privilege)
                if right.column:
                    what = sql.SQL("{} ({})").format(what, sql.Identifier(right.column))
                connection.execute(sql.SQL("grant {what} on {on} to {role}").format(what=what, **names))
