"""What is put into the queues: an event, for each endpoint that wants to be told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from consumers.checkpoints import Connection
from consumers.handler import Message
from eventlog.records import StoredEvent
from publishing.cloudevents import structured
from publishing.contract import Clock
from publishing.envelope import PublishedEvent
from publishing.topics import Topics

NAME: Final = "webhooks"

_ENDPOINTS: Final = "select id, tenant, types from endpoints where tenant = any(%(tenants)s)"
_LAST: Final = """
    select endpoint, account_id, last_version from queues
    where (endpoint, account_id) in (select * from unnest(%(endpoints)s::text[], %(accounts)s::text[]))
"""
_DELIVERIES: Final = """
    insert into deliveries (endpoint, account_id, position, version, type, body)
    select * from unnest(%(endpoint)s::text[], %(account_id)s::text[], %(position)s::bigint[],
        %(version)s::bigint[], %(type)s::text[], %(body)s::bytea[])
    on conflict (endpoint, account_id, position) do nothing
"""
_AGAIN: Final = _DELIVERIES.replace(
    "do nothing", "do update set body = excluded.body, delivered_at = null, queued_at = excluded.queued_at"
)
_QUEUES: Final = """
    insert into queues (endpoint, account_id, last_version, waiting, next_at)
    select endpoint, account_id, version, true, clock_timestamp()
    from unnest(%(endpoint)s::text[], %(account_id)s::text[], %(version)s::bigint[])
        as given (endpoint, account_id, version)
    on conflict (endpoint, account_id) do update
    set last_version = greatest(queues.last_version, excluded.last_version), waiting = true,
        next_at = case when queues.waiting then queues.next_at else excluded.next_at end
"""


class Subscription(msgspec.Struct, frozen=True):
    """What an endpoint wants to be told. `types` empty: all."""

    endpoint: str
    tenant: str
    types: frozenset[str]

    def wants(self, account_id: str, event_type: str) -> bool:
        """Whether it is to be told of that event."""
        of_tenant = account_id.startswith(f"{self.tenant}/")
        return of_tenant and (not self.types or event_type in self.types)


class Delivery(msgspec.Struct, frozen=True):
    """A message that is to be sent."""

    endpoint: str
    account_id: str
    position: int
    version: int
    type: str
    body: bytes


class WebhookQueue:
    """The handler: the deliveries of each endpoint."""

    name: Final = NAME
    topics: Final = (Topics().events.base,)
    own_tables: Final = ("endpoints", "deliveries", "queues", "attempts")

    def handle(self, connection: Connection, messages: Sequence[Message]) -> None:
        events = [message for message in messages if isinstance(message, PublishedEvent)]
        tenants = {event.account_id.partition("/")[0] for event in events}
        rows = connection.execute(_ENDPOINTS, {"tenants": sorted(tenants)}).fetchall()
        told = [Subscription(id_, tenant, frozenset(types)) for id_, tenant, types in rows]
        wanted = [(one, event) for event in events for one in told if one.wants(event.account_id, event.type)]
        if wanted:
            last = _last_versions(connection, {(one.endpoint, event.account_id) for one, event in wanted})
            queue(connection, list(_numbered(wanted, last)))


def message_of(log_id: UUID, stored: StoredEvent, clock: Clock | None, previous_version: int | None) -> bytes:
    """The body that is sent: the event as a CloudEvent, and the version of the account's event before it that
    this endpoint was told of."""
    document = structured(log_id, stored, clock)
    document["previousversion"] = None if previous_version is None else str(previous_version)
    return msgspec.json.encode(document)


def queue(connection: Connection, deliveries: Sequence[Delivery], *, again: bool = False) -> None:
    """Put them into the queues; what is there already stays as it is, or is sent `again`. The session looks
    in the schema first, and the deliveries of an account are in order."""
    if not deliveries:
        return
    names = Delivery.__struct_fields__
    connection.execute(
        _AGAIN if again else _DELIVERIES, {name: [getattr(one, name) for one in deliveries] for name in names}
    )
    newest = {(one.endpoint, one.account_id): one.version for one in deliveries}
    heads = sorted(newest.items())
    bound = {
        "endpoint": [endpoint for (endpoint, _), _ in heads],
        "account_id": [account_id for (_, account_id), _ in heads],
        "version": [version for _, version in heads],
    }
    connection.execute(_QUEUES, bound)


_Key = tuple[str, str]


def _last_versions(connection: Connection, keys: Iterable[_Key]) -> dict[_Key, int]:
    ordered = sorted(keys)
    bound: dict[str, Any] = {
        "endpoints": [endpoint for endpoint, _ in ordered],
        "accounts": [account_id for _, account_id in ordered],
    }
    rows = connection.execute(_LAST, bound).fetchall()
    return {(endpoint, account_id): version for endpoint, account_id, version in rows}


def _numbered(
    wanted: Iterable[tuple[Subscription, PublishedEvent]], last: dict[_Key, int]
) -> Iterator[Delivery]:
    """Each delivery, naming the version before it; what is there already, or comes after what is, is left
    out."""
    for one, event in wanted:
        key, stored = (one.endpoint, event.account_id), event.event
        previous = last.get(key)
        if previous is not None and previous >= stored.version:
            continue
        body = message_of(event.log_id, stored, event.clock, previous)
        last[key] = stored.version
        yield Delivery(one.endpoint, event.account_id, stored.position, stored.version, stored.type, body)
