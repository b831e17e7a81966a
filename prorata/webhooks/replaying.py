"""Replays: what an endpoint was told before, or never was, is put into its queues again, from the log.

    Replaying(connection, log).some()       # a page of each replay that is under way; whether there was any

How far a replay has come is written with what it queued, so one that is killed goes on from there. It ends at
the log's settled end; what is published later the consumer queues.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from consumers.checkpoints import Connection
from consumers.handler import at_home
from consumers.webhooks.handler import NAME, Delivery, Subscription, message_of, queue
from domain import events as e
from domain.events import Clock
from eventlog.codec import domain_codec
from eventlog.port import EventLog
from eventlog.records import StoredEvent

PAGE: Final = 500


class Replaying:
    """Of one sender; the others find a replay that is worked at locked, and leave it."""

    def __init__(self, connection: Connection, log: EventLog) -> None:
        self._connection = connection
        self._log = log
        self._codec = domain_codec()

    def some(self) -> bool:
        """Queue a page of one replay; False: none is under way, or others work at it."""
        with self._connection.transaction():
            at_home(self._connection, NAME)
            rows = self._connection.execute(_UNDER_WAY).fetchall()
            if not rows:
                return False
            [(id_, tenant, types, reached)] = rows
            page = self._log.read_settled(reached, PAGE)
            told = Subscription(id_, tenant, frozenset(types))
            wanted = [stored for stored in page if told.wants(stored.account_id, stored.type)]
            queue(self._connection, list(self._deliveries(told, wanted)), again=True)
            ended = len(page) < PAGE
            reached = None if ended else page[-1].position
            self._connection.execute(_REACHED, {"id": id_, "reached": reached})
        return True

    def _deliveries(self, told: Subscription, events: Sequence[StoredEvent]) -> Iterator[Delivery]:
        accounts = sorted({stored.account_id for stored in events})
        clocks = self._clocks(accounts)
        last: dict[str, int | None] = {}
        for stored in events:
            account_id = stored.account_id
            if account_id not in last:
                last[account_id] = self._last_before(told, stored)
            body = message_of(self._log.log_id, stored, clocks.get(account_id), last[account_id])
            last[account_id] = stored.version
            yield Delivery(told.endpoint, account_id, stored.position, stored.version, stored.type, body)

    def _last_before(self, told: Subscription, stored: StoredEvent) -> int | None:
        """The version of the account's event before this one that the endpoint is told of."""
        if not told.types:
            return stored.version - 1 or None
        earlier = (
            self._log.read_account(stored.account_id, limit=stored.version - 1) if stored.version > 1 else []
        )
        return max((one.version for one in earlier if one.type in told.types), default=None)

    def _clocks(self, accounts: Sequence[str]) -> dict[str, Clock]:
        opened = [(first.account_id, self._codec.read(first)) for first in self._log.first_events(accounts)]
        return {account: event.clock for account, event in opened if isinstance(event, e.AccountOpened)}


_UNDER_WAY: Final = """
    select id, tenant, types, replayed_to from endpoints where replayed_to is not null
    order by id limit 1 for update skip locked
"""
_REACHED: Final = "update endpoints set replayed_to = %(reached)s where id = %(id)s"
