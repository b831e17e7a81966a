"""What a sender does with the queues: it takes some, each with its first deliveries, and says what came of
them.

    for taken in take(connection, room=64, each=16, busy={}):
        conclude(connection, taken, await sent(taken))

A queue that was taken is the sender's for `LEASE`; one that dies in the middle leaves it to the others then.
No queue is behind another: not behind one of the same endpoint that fails, nor behind other endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Final

import msgspec
from psycopg.errors import ForeignKeyViolation

from consumers.checkpoints import Connection

LEASE: Final = timedelta(seconds=60)
"""Longer than the deliveries of a turn take."""

TURN: Final = 10
"""Deliveries of a queue in one turn, at most."""

GIVE_UP: Final = timedelta(days=3)
"""For so long a delivery is tried."""

KEPT: Final = timedelta(days=30)
"""For so long what was delivered, what waits for a paused endpoint, and attempts are kept."""

_PAUSES: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800)
_GONE: Final = 410


class Message(msgspec.Struct, frozen=True):
    """A delivery that waits."""

    position: int
    body: bytes


class Taken(msgspec.Struct, frozen=True):
    """A queue that is this sender's for now, with the first of its deliveries, in order."""

    endpoint: str
    url: str
    secrets: tuple[str, ...]
    account_id: str
    tries: int
    failing_since: datetime | None
    until: datetime
    messages: tuple[Message, ...]


class Sent(msgspec.Struct, frozen=True):
    """What came of one attempt. `status`: the endpoint's answer; None: none came, and `error` says why."""

    position: int
    at: datetime
    milliseconds: int
    status: int | None
    error: str | None
    response: str | None

    @property
    def taken_in(self) -> bool:
        """Whether the endpoint took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def said(self) -> str:
        """In a few words, why it did not."""
        return self.error if self.status is None and self.error is not None else f"it answered {self.status}"


def take(connection: Connection, *, room: int, each: int, busy: Mapping[str, int]) -> list[Taken]:
    """Take up to `room` queues that are due, of each endpoint up to `each` less those that are under way."""
    bound = {
        "room": room,
        "each": each,
        "busy": list(busy),
        "counts": list(busy.values()),
        "lease": LEASE,
    }
    with connection.transaction():
        heads = connection.execute(_TAKE, bound).fetchall()
        if not heads:
            return []
        keys = {
            "endpoints": [head[0] for head in heads],
            "accounts": [head[1] for head in heads],
            "turn": TURN,
        }
        waiting: dict[tuple[str, str], list[Message]] = {}
        for endpoint, account_id, position, body in connection.execute(_WAITING, keys).fetchall():
            waiting.setdefault((endpoint, account_id), []).append(Message(position, bytes(body)))
    return [
        Taken(
            endpoint,
            url,
            (secret,) if former is None else (secret, former),
            account_id,
            tries,
            failing_since,
            until,
            tuple(waiting.get((endpoint, account_id), ())),
        )
        for endpoint, account_id, url, secret, former, tries, failing_since, until in heads
    ]


def conclude(connection: Connection, taken: Taken, sent: Sequence[Sent], random: Random) -> None:
    """Record the attempts and what they took in; let the queue go on, or wait until it is tried again.

    After `GIVE_UP` without success the endpoint is paused; where it took in other accounts' messages
    meanwhile, this queue alone is stopped.
    """
    failed = next((one for one in sent if not one.taken_in), None)
    key = {"endpoint": taken.endpoint, "account_id": taken.account_id}
    with suppress(ForeignKeyViolation), connection.transaction():  # the endpoint was removed meanwhile
        _record(connection, taken, sent)
        # The lock first: what is queued meanwhile is seen by the statements after it.
        [*held] = connection.execute(_HELD, key).fetchall()
        if not held:
            return
        if any(one.taken_in for one in sent):
            connection.execute(_SUCCEEDED, key)
        if held[0][0] != taken.until:
            return  # it was another sender's meanwhile, who goes on from what is recorded
        if failed is None:
            connection.execute(_GO_ON, key)
        else:
            _put_off(connection, taken, sent, failed, random)


def forget(connection: Connection) -> None:
    """Forget what is older than `KEPT`: attempts, what was delivered, and what waits."""
    for statement in (_FORGET_DELIVERIES, _FORGET_ATTEMPTS):
        connection.execute(statement, {"kept": KEPT})


def next_pause(tries: int, random: Random) -> timedelta:
    """For how long to wait after so many failures, from the first: a fifth more or less, so that many do not
    come back at once."""
    seconds = _PAUSES[min(tries, len(_PAUSES)) - 1]
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))


def _record(connection: Connection, taken: Taken, sent: Sequence[Sent]) -> None:
    rows = [
        {
            "endpoint": taken.endpoint,
            "account_id": taken.account_id,
            **msgspec.structs.asdict(one),
        }
        for one in sent
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_ATTEMPTED, rows)
    delivered = [one.position for one in sent if one.taken_in]
    bound = {"endpoint": taken.endpoint, "account_id": taken.account_id, "positions": delivered}
    connection.execute(_DELIVERED, bound)


def _put_off(
    connection: Connection, taken: Taken, sent: Sequence[Sent], failed: Sent, random: Random
) -> None:
    anew = sent[0].taken_in
    since = failed.at if anew or taken.failing_since is None else taken.failing_since
    tries = 1 if anew else taken.tries + 1
    bound = {
        "endpoint": taken.endpoint,
        "account_id": taken.account_id,
        "tries": tries,
        "since": since,
        "pause": next_pause(tries, random),
        "stopped": None,
        "because": None,
    }
    if failed.status == _GONE:
        bound["because"] = "it answered 410: it is gone"
    elif failed.at - since >= GIVE_UP:
        sentence = f"a message was tried for {GIVE_UP.days} days: {failed.said}"
        [[succeeded]] = connection.execute(_SUCCEEDED_SINCE, bound).fetchall()
        bound["stopped" if succeeded else "because"] = sentence
    connection.execute(_PUT_OFF, bound)
    if bound["because"] is not None:
        connection.execute(_PAUSE, bound)


_TAKE: Final = """
    with under_way as (select * from unnest(%(busy)s::text[], %(counts)s::int[]) as given (endpoint, many)),
    due as (
        select queue.endpoint, queue.account_id, url, secret,
            case when former_until > clock_timestamp() then former_secret end as former
        from webhooks.endpoints left join under_way on under_way.endpoint = endpoints.id
        cross join lateral (
            select endpoint, account_id from webhooks.queues
            where queues.endpoint = endpoints.id and waiting and stopped_because is null
                and next_at <= clock_timestamp() and (taken_until is null or taken_until < clock_timestamp())
            order by next_at limit greatest(0, %(each)s - coalesce(many, 0))
            for update skip locked
        ) queue
        where paused_at is null
        order by random() limit %(room)s
    )
    update webhooks.queues set taken_until = clock_timestamp() + %(lease)s from due
    where queues.endpoint = due.endpoint and queues.account_id = due.account_id
    returning queues.endpoint, queues.account_id, url, secret, former, tries, failing_since, taken_until
"""
_WAITING: Final = """
    select endpoint, account_id, position, body
    from unnest(%(endpoints)s::text[], %(accounts)s::text[]) as taken (endpoint, account_id)
    cross join lateral (
        select position, body from webhooks.deliveries
        where deliveries.endpoint = taken.endpoint and deliveries.account_id = taken.account_id
            and delivered_at is null
        order by position limit %(turn)s
    ) waiting
    order by endpoint, account_id, position
"""
_ATTEMPTED: Final = """
    insert into webhooks.attempts (endpoint, account_id, position, at, milliseconds, status, error, response)
    values (%(endpoint)s, %(account_id)s, %(position)s, %(at)s, %(milliseconds)s, %(status)s::int,
        %(error)s::text, %(response)s::text)
"""
_DELIVERED: Final = """
    update webhooks.deliveries set delivered_at = clock_timestamp()
    where endpoint = %(endpoint)s and account_id = %(account_id)s and position = any(%(positions)s::bigint[])
        and delivered_at is null
"""
_HELD: Final = """
    select taken_until from webhooks.queues where endpoint = %(endpoint)s and account_id = %(account_id)s
    for update
"""
_SUCCEEDED: Final = """
    update webhooks.endpoints set last_success_at = clock_timestamp() where id = %(endpoint)s
"""
_GO_ON: Final = """
    update webhooks.queues
    set taken_until = null, tries = 0, failing_since = null, next_at = clock_timestamp(),
        waiting = exists (
            select from webhooks.deliveries
            where deliveries.endpoint = queues.endpoint and deliveries.account_id = queues.account_id
                and delivered_at is null
        )
    where endpoint = %(endpoint)s and account_id = %(account_id)s
"""
_SUCCEEDED_SINCE: Final = """
    select coalesce(last_success_at > %(since)s, false) from webhooks.endpoints where id = %(endpoint)s
"""
_PUT_OFF: Final = """
    update webhooks.queues set taken_until = null, tries = %(tries)s, failing_since = %(since)s,
        next_at = clock_timestamp() + %(pause)s, stopped_because = %(stopped)s
    where endpoint = %(endpoint)s and account_id = %(account_id)s
"""
_PAUSE: Final = """
    update webhooks.endpoints set paused_at = clock_timestamp(), paused_because = %(because)s
    where id = %(endpoint)s and paused_at is null
"""
_FORGET_DELIVERIES: Final = """
    delete from webhooks.deliveries where coalesce(delivered_at, queued_at) < clock_timestamp() - %(kept)s
"""
_FORGET_ATTEMPTS: Final = "delete from webhooks.attempts where at < clock_timestamp() - %(kept)s"
