"""The durable test gateway: its books are tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, TypeVar
from uuid import UUID

import msgspec

from domain.calendar import CivilDate
from eventlog.errors import LogUnavailable
from eventlog.postgres.connect import Connection
from service.errors import GatewayUnavailable
from service.gateways import postgres_books as books
from service.gateways.batches import Batches
from service.gateways.played import (
    ANSWER_LOST,
    UNREACHABLE,
    PlayedMethod,
    check_amount,
    pause,
    reference_of,
    with_reference,
)
from service.gateways.port import Charged, Confirmation, Means, Movement, RefundMade
from service.schema import ConnectionsLater

T = TypeVar("T")

_LISTED_AT_ONCE: Final = 5_000
_SET_METHOD: Final = """
    insert into service.gateway_methods (account_id, works, final, pending, decline_reason)
    values (%(account_id)s, %(works)s, %(final)s, %(pending)s, %(decline_reason)s)
    on conflict (account_id) do update
        set works = excluded.works, final = excluded.final, pending = excluded.pending,
            decline_reason = excluded.decline_reason
"""
_SET_REFUNDS: Final = """
    insert into service.gateway_methods (account_id, works, refunds_work)
    values (%(account_id)s, true, %(work)s)
    on conflict (account_id) do update set refunds_work = excluded.refunds_work
"""


class PostgresTestGateway:
    """A SettableGateway whose books are tables, written in sessions and commits of its own: what it charged
    stays charged whatever becomes of the process that asked. Of a token only what it stands for is sent.

    Charges that tasks of an event loop ask for while others are under way share the next statement, so there
    can be thousands a second. `delay`: seconds that a charge takes, as at a provider that is far away.
    """

    def __init__(
        self, database_url: str, *, connections: int = 4, patience: float = 10.0, delay: float = 0.0
    ) -> None:
        self._connections = ConnectionsLater(
            database_url, "prorata gateway", limit=connections, patience=patience
        )
        self._threads = ThreadPoolExecutor(connections, "gateway")
        self._delay = delay
        self._batches = Batches(self._charge_all, threads=min(2, connections))

    def close(self) -> None:
        """Close the connections."""
        self._batches.close()
        self._threads.shutdown()
        self._connections.close()

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        check_amount(amount, currency)
        await pause(self._delay)
        if means == UNREACHABLE:
            raise GatewayUnavailable("it cannot be reached")
        asked = books.Asked(key, account_id, amount, currency, means)
        charged = await self._batches.ask(asked)
        if means == ANSWER_LOST:
            raise GatewayUnavailable("its answer was lost")
        return with_reference(key, charged)

    async def finish(self, key: UUID) -> Charged:
        return with_reference(key, await self._batches.ask(books.Asked(key)))

    async def reference(self, key: UUID) -> str | None:
        charged = await self._run(lambda connection: books.charged(connection, [key]).get(key))
        waits = charged is not None and charged.answer == "action_required"
        return reference_of(key) if waits else None

    async def cancel(self, key: UUID) -> Charged:
        await self._batches.ask(books.Asked(key))
        return await self._run(lambda connection: books.ended(connection, key, "cancelled", given_up=True))

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        check_amount(amount, currency)
        return await self._run(
            lambda connection: books.refunded(connection, key, charge, account_id, amount, currency)
        )

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        await self._set(account_id, PlayedMethod.of(method))

    async def movements(self, day: CivilDate) -> AsyncIterator[Movement]:
        begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
        after = books.Place(begins, UUID(int=0))
        while True:
            place = after
            page = await self._run(
                lambda connection, place=place: books.listed(  # type: ignore[misc]
                    connection, place, begins + timedelta(days=1), _LISTED_AT_ONCE
                )
            )
            for movement in page:
                yield movement
            if len(page) < _LISTED_AT_ONCE:
                return
            last = page[-1]
            assert last.key is not None
            after = books.Place(last.at, last.key)

    async def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        await self._set(account_id, PlayedMethod(works, final, pending))

    async def set_refunds(self, account_id: str, *, work: bool) -> None:
        await self._execute(_SET_REFUNDS, account_id=account_id, work=work)

    async def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        await self._run(lambda connection: books.ended(connection, key, answer))

    async def _set(self, account_id: str, method: PlayedMethod) -> None:
        await self._execute(_SET_METHOD, account_id=account_id, **msgspec.structs.asdict(method))

    async def _execute(self, statement: str, **values: object) -> None:
        await self._run(lambda connection: connection.execute(statement, values))

    async def _run(self, work: Callable[[Connection], T]) -> T:
        """Run it: in a thread where there is an event loop, which goes on meanwhile."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._now(work)
        return await loop.run_in_executor(self._threads, self._now, work)

    def _now(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._connections.run(work)
        except LogUnavailable as error:
            raise GatewayUnavailable(error.reason) from error

    def _charge_all(self, asked: Sequence[books.Asked]) -> Sequence[Charged]:
        return self._now(lambda connection: books.decided(connection, asked))
