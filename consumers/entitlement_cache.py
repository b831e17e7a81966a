"""Who may use what, until when: answered from the access windows that were published (R45).

    Consumer(EntitlementCache(), database_url, bootstrap).run(stop)
    may_use(connection, "acme/a-1", "custom_domain", now)    # Permission(usable="yes", until=…, renews=True)

Rather "unknown" than wrong: what it does not know to be fresh it does not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from consumers.checkpoints import Connection
from consumers.handler import Message
from publishing.contract import AccessWindowsDocument
from publishing.envelope import PublishedState
from publishing.topics import Topics, partition_of

NAME: Final = "entitlement_cache"
GRACE: Final = timedelta(hours=24)
MAX_AGE: Final = timedelta(seconds=60)

_decoder: Final = msgspec.json.Decoder(AccessWindowsDocument)

_REMOVE: Final = """
    delete from windows where account_id = any(%(accounts)s)
"""

_INSERT: Final = """
    insert into windows (account_id, product, begins_at, ends_at, renews)
    select * from unnest(%(accounts)s::text[], %(products)s::text[], %(begins)s::timestamptz[],
        %(ends)s::timestamptz[], %(renews)s::boolean[])
"""

_MAY_USE: Final = """
    select clock_timestamp(),
        (
            select array_agg(heartbeat_at order by partition) from consumers.partitions
            where consumer = %(consumer)s and topic = %(topic)s
        ),
        exists (
            select from consumers.dead_letters
            where consumer = %(consumer)s and topic = %(topic)s and key = %(key)s
        ),
        last.ends_at, coalesce(last.renews, false), last.begins_at is not null
    from (select) one left join lateral (
        select begins_at, ends_at, renews from entitlement_cache.windows
        where account_id = %(account)s and product = %(product)s and begins_at <= %(now)s
        order by begins_at desc limit 1
    ) last on true
"""


class EntitlementCache:
    """The handler: the windows of each account, as last published."""

    name: Final = NAME
    topics: Final = (Topics().access_windows.base,)
    own_tables: Final = ()

    def handle(self, connection: Connection, messages: Sequence[Message]) -> None:
        documents = [_decoder.decode(m.value) for m in messages if isinstance(m, PublishedState)]
        rows: list[tuple[Any, ...]] = []
        for document in documents:
            for shown in document.products:
                for nth, window in enumerate(shown.windows, 1):
                    renews = shown.renews and nth == len(shown.windows)
                    rows.append((document.account, shown.product, window.start, window.until, renews))
        if documents:
            connection.execute(_REMOVE, {"accounts": [document.account for document in documents]})
        if rows:
            names = ("accounts", "products", "begins", "ends", "renews")
            connection.execute(_INSERT, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


@dataclass(frozen=True)
class Permission:
    """Whether a product may be used. `until`: when that ends or ended as far as is known, None: no end or no
    access; `renews`: the end will move. `reason` says why it is unknown."""

    usable: Literal["yes", "no", "unknown"]
    until: datetime | None
    renews: bool
    reason: str | None = None


def may_use(
    connection: Connection,
    account_id: str,
    product: str,
    now: datetime,
    grace: timedelta = GRACE,
    *,
    max_age: timedelta = MAX_AGE,
    prefix: str = "",
) -> Permission:
    """Whether the account may use the product at `now`: before the window's end, or where that renews and its
    renewal is not known yet, at most `grace` later (R45).

    "unknown" when the last heartbeat of the account's partition is older than `max_age` by the database's
    clock, or as much ahead of it, or the account's record could not be handled.
    """
    if now.tzinfo is None:
        raise ValueError("now has no time zone, so it is no instant")
    bound = {
        "consumer": NAME,
        "topic": Topics(prefix).access_windows.name,
        "key": account_id.encode(),
        "account": account_id,
        "product": product,
        "now": now,
    }
    [row] = connection.execute(_MAY_USE, bound, prepare=True).fetchall()
    clock, heartbeats, parked, until, renews, begun = row
    if parked:
        return Permission("unknown", until, renews, "the account's last record could not be handled")
    heartbeat = heartbeats[partition_of(account_id, len(heartbeats))] if heartbeats else None
    if heartbeat is None or clock - heartbeat > max_age:
        since = "ever" if heartbeat is None else f"since {heartbeat.isoformat()}"
        return Permission("unknown", until, renews, f"nothing was heard of the account's partition {since}")
    if heartbeat - clock > max_age:
        ahead = f"the last heartbeat is of {heartbeat.isoformat()}, which is yet to come"
        return Permission("unknown", until, renews, ahead)
    usable = begun and (until is None or now < until or (renews and now < until + grace))
    return Permission("yes" if usable else "no", until, renews)
