"""Who wants to be told: endpoints are made, listed, paused, resumed, given another secret, and removed.

    made = create(connection, NewEndpoint("acme", "https://shop.example/hooks"), addresses)
    made.secret                                      # the receiver checks signatures by it
    pause(connection, "acme", made.id, "moving house")

All functions name the tenant whose endpoint is meant: another one's is not known.
"""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from psycopg.rows import kwargs_row

from consumers.checkpoints import Connection
from consumers.webhooks.addresses import Addresses
from consumers.webhooks.signing import checked_secret, new_secret
from domain.errors import InvalidInput
from publishing.contract import EVENT_TYPES

MOST: Final = 50
"""Endpoints of a tenant."""

OVERLAP: Final = timedelta(hours=24)
"""For so long messages are signed by the former secret too."""

_LETTERS: Final = string.ascii_lowercase + string.digits


class Endpoint(msgspec.Struct, frozen=True):
    """An endpoint as it is shown: without its secret. `types` empty: it is told of all. `paused_because`: why
    nothing is sent to it now.
    `replayed_to`: a replay is under way, and has come to this position."""

    id: str
    tenant: str
    url: str
    types: tuple[str, ...]
    created_at: datetime
    paused_at: datetime | None
    paused_because: str | None
    last_success_at: datetime | None
    replayed_to: int | None = None
    waiting: int = 0
    failing: int = 0


class MadeEndpoint(msgspec.Struct, frozen=True):
    """A new endpoint, or one with a new secret: the only place where that is shown."""

    endpoint: Endpoint
    secret: str

    def __repr__(self) -> str:
        return f"MadeEndpoint({self.endpoint.id!r})"


def _new_id() -> str:
    return "we_" + "".join(secrets.choice(_LETTERS) for _ in range(16))


class NewEndpoint(msgspec.Struct, frozen=True):
    """An endpoint that is wanted. `secret` None: one is made."""

    tenant: str
    url: str
    types: tuple[str, ...] = ()
    secret: str | None = None
    id: str = msgspec.field(default_factory=_new_id)


class Attempt(msgspec.Struct, frozen=True):
    """An attempt at a delivery. `status` None: no answer came, and `error` says why."""

    id: int
    account_id: str
    position: int
    at: datetime
    milliseconds: int
    status: int | None
    error: str | None
    response: str | None


class Queued(msgspec.Struct, frozen=True):
    """A message that was sent or waits. `tries` and `next_at`: of the first one that waits in its account."""

    account_id: str
    position: int
    version: int
    type: str
    queued_at: datetime
    delivered_at: datetime | None
    tries: int
    next_at: datetime | None
    stopped_because: str | None


def create(connection: Connection, wanted: NewEndpoint, addresses: Addresses) -> MadeEndpoint:
    """Make an endpoint: it is told of what is published from now on. Done again, it changes nothing.

    Raises InvalidInput: `invalid_url`, `unknown_event_type`, `invalid_secret`, `too_many_endpoints`.
    """
    addresses.check_url(wanted.url, "$.url")
    for nth, name in enumerate(wanted.types):
        if name not in EVENT_TYPES:
            raise InvalidInput("unknown_event_type", f"$.types[{nth}]", f"no event is called {name[:60]!r}")
    secret = new_secret() if wanted.secret is None else checked_secret(wanted.secret, "$.secret")
    if len(found(connection, wanted.tenant)) >= MOST:
        raise InvalidInput("too_many_endpoints", "", f"a tenant has at most {MOST} endpoints")
    bound = {"id": wanted.id, "tenant": wanted.tenant, "url": wanted.url, "secret": secret}
    connection.execute(_CREATE, {**bound, "types": sorted(set(wanted.types)), "now": datetime.now(UTC)})
    return MadeEndpoint(endpoint(connection, wanted.tenant, wanted.id), secret)


def found(connection: Connection, tenant: str) -> list[Endpoint]:
    """The tenant's endpoints, in the order of their making."""
    return _rows(connection, _LIST, {"tenant": tenant, "id": None})


def endpoint(connection: Connection, tenant: str, id_: str) -> Endpoint:
    """That one. Raises InvalidInput `unknown_endpoint`."""
    rows = _rows(connection, _LIST, {"tenant": tenant, "id": id_})
    if not rows:
        raise InvalidInput("unknown_endpoint", "endpoint", f"there is no endpoint {id_[:60]!r}")
    return rows[0]


def pause(connection: Connection, tenant: str, id_: str, because: str) -> Endpoint:
    """Send nothing to it until it is resumed; what happens meanwhile waits, for some days."""
    endpoint(connection, tenant, id_)
    connection.execute(_PAUSE, {"id": id_, "because": because, "now": datetime.now(UTC)})
    return endpoint(connection, tenant, id_)


def resume(connection: Connection, tenant: str, id_: str) -> Endpoint:
    """Go on where it stopped, at once; also accounts that were given up."""
    endpoint(connection, tenant, id_)
    with connection.transaction():
        connection.execute(_RESUME, {"id": id_})
        connection.execute(_GO_ON, {"id": id_})
    return endpoint(connection, tenant, id_)


def replay(connection: Connection, tenant: str, id_: str, after: int) -> Endpoint:
    """Let everything from after that position of the log on be sent again, and accounts that were given up go
    on; `consumers.webhooks.replaying` does it."""
    resume(connection, tenant, id_)
    connection.execute(_REPLAY, {"id": id_, "after": after})
    return endpoint(connection, tenant, id_)


def roll_secret(connection: Connection, tenant: str, id_: str, now: datetime) -> MadeEndpoint:
    """A new secret; for `OVERLAP` messages are signed by both."""
    endpoint(connection, tenant, id_)
    secret = new_secret()
    connection.execute(_ROLL, {"id": id_, "secret": secret, "until": now + OVERLAP})
    return MadeEndpoint(endpoint(connection, tenant, id_), secret)


def remove(connection: Connection, tenant: str, id_: str) -> None:
    """Forget it, with all that waits for it and its attempts."""
    endpoint(connection, tenant, id_)
    connection.execute("delete from webhooks.endpoints where id = %(id)s", {"id": id_})


def secrets_of(connection: Connection, tenant: str, id_: str, now: datetime) -> tuple[str, ...]:
    """By what messages to it are signed now."""
    endpoint(connection, tenant, id_)
    [[secret, former]] = connection.execute(_SECRETS, {"id": id_, "now": now}).fetchall()
    return (secret,) if former is None else (secret, former)


def attempts(
    connection: Connection, tenant: str, id_: str, *, before: int | None, limit: int
) -> list[Attempt]:
    """The newest attempts, of those recorded before that one."""
    endpoint(connection, tenant, id_)
    bound = {"id": id_, "before": before, "limit": limit}
    with connection.cursor(row_factory=kwargs_row(Attempt)) as cursor:
        return cursor.execute(_ATTEMPTS, bound).fetchall()


def deliveries(
    connection: Connection, tenant: str, id_: str, *, after: int, waiting: bool | None, limit: int
) -> list[Queued]:
    """Messages by position, from after that one on. `waiting`: only those that wait, or were delivered."""
    endpoint(connection, tenant, id_)
    bound = {"id": id_, "after": after, "waiting": waiting, "limit": limit}
    with connection.cursor(row_factory=kwargs_row(Queued)) as cursor:
        return cursor.execute(_DELIVERIES, bound).fetchall()


_CREATE: Final = """
    insert into webhooks.endpoints (id, tenant, url, types, secret, created_at)
    values (%(id)s, %(tenant)s, %(url)s, %(types)s, %(secret)s, %(now)s)
    on conflict (id) do nothing
"""
_LIST: Final = """
    select id, tenant, url, types, created_at, paused_at, paused_because, last_success_at, replayed_to,
        coalesce(waiting, 0) as waiting, coalesce(failing, 0) as failing
    from webhooks.endpoints left join lateral (
        select count(*) as waiting,
            count(*) filter (where tries > 0 or stopped_because is not null) as failing
        from webhooks.queues where queues.endpoint = endpoints.id and queues.waiting
    ) of_queues on true
    where tenant = %(tenant)s and (%(id)s::text is null or id = %(id)s) order by created_at, id
"""
_PAUSE: Final = """
    update webhooks.endpoints set paused_at = %(now)s, paused_because = %(because)s
    where id = %(id)s and paused_at is null
"""
_RESUME: Final = "update webhooks.endpoints set paused_at = null, paused_because = null where id = %(id)s"
_GO_ON: Final = """
    update webhooks.queues
    set next_at = clock_timestamp(), tries = 0, failing_since = null, stopped_because = null
    where endpoint = %(id)s and waiting
"""
_REPLAY: Final = """
    update webhooks.endpoints set replayed_to = least(replayed_to, %(after)s) where id = %(id)s
"""
_ROLL: Final = """
    update webhooks.endpoints set former_secret = secret, former_until = %(until)s, secret = %(secret)s
    where id = %(id)s
"""
_SECRETS: Final = """
    select secret, case when former_until > %(now)s then former_secret end
    from webhooks.endpoints where id = %(id)s
"""
_ATTEMPTS: Final = """
    select id, account_id, position, at, milliseconds, status, error, response from webhooks.attempts
    where endpoint = %(id)s and (%(before)s::bigint is null or id < %(before)s)
    order by id desc limit %(limit)s
"""
_DELIVERIES: Final = """
    select account_id, position, version, type, queued_at, delivered_at,
        case when delivered_at is null then tries else 0 end as tries,
        case when delivered_at is null then next_at end as next_at,
        case when delivered_at is null then stopped_because end as stopped_because
    from webhooks.deliveries join webhooks.queues using (endpoint, account_id)
    where endpoint = %(id)s and position > %(after)s
        and (%(waiting)s::boolean is null or (delivered_at is null) = %(waiting)s)
    order by position limit %(limit)s
"""


def _rows(connection: Connection, statement: str, bound: dict[str, Any]) -> list[Endpoint]:
    with connection.cursor(row_factory=kwargs_row(_endpoint)) as cursor:
        return cursor.execute(statement, bound).fetchall()


def _endpoint(*, types: list[str], **columns: Any) -> Endpoint:
    return Endpoint(types=tuple(types), **columns)
