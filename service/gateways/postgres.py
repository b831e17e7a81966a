"""The durable test gateway: its books are tables."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, Literal, TypeVar
from uuid import UUID

import msgspec

from domain.conclude import PaymentAnswer
from eventlog.errors import LogUnavailable
from eventlog.postgres.connect import Connection
from service.errors import GatewayUnavailable
from service.gateways.played import (
    ANSWER_LOST,
    UNREACHABLE,
    PlayedMethod,
    charged_as,
    check_amount,
    reference_of,
)
from service.gateways.port import Charged, Confirmation, Means, RefundMade
from service.schema import connect

T = TypeVar("T")

_METHOD: Final = """
    select works, final, pending from service.gateway_methods where account_id = %(account_id)s
"""
_CHARGE: Final = """
    insert into service.gateway_payments (key, account_id, amount, currency, answer)
    values (%(key)s, %(account_id)s, %(amount)s, %(currency)s, %(answer)s)
    on conflict (key) do nothing
"""
_FINISH: Final = """
    insert into service.gateway_payments (key, answer) values (%(key)s, 'cancelled')
    on conflict (key) do nothing
"""
_CONCLUDE: Final = """
    update service.gateway_payments set answer = %(answer)s
    where key = %(key)s and answer = 'action_required'
"""
_ANSWER: Final = "select answer from service.gateway_payments where key = %(key)s"
_REFUND: Final = """
    insert into service.gateway_refunds (key, account_id, amount, currency, answer)
    select %(key)s, %(account_id)s, %(amount)s, %(currency)s, case when coalesce(
        (select refunds_work from service.gateway_methods where account_id = %(account_id)s), true
    ) then 'refunded' else 'failed' end
    on conflict (key) do nothing
"""
_REFUNDED: Final = "select answer from service.gateway_refunds where key = %(key)s"
_SET_METHOD: Final = """
    insert into service.gateway_methods (account_id, works, final, pending)
    values (%(account_id)s, %(works)s, %(final)s, %(pending)s)
    on conflict (account_id) do update
        set works = excluded.works, final = excluded.final, pending = excluded.pending
"""
_SET_REFUNDS: Final = """
    insert into service.gateway_methods (account_id, works, refunds_work)
    values (%(account_id)s, true, %(work)s)
    on conflict (account_id) do update set refunds_work = excluded.refunds_work
"""


class PostgresTestGateway:
    """A SettableGateway whose books are tables, written in sessions and commits of its own: what it charged
    stays charged whatever becomes of the process that asked. Of a token only what it stands for is sent."""

    def __init__(self, database_url: str, *, connections: int = 4, patience: float = 10.0) -> None:
        self._connections = connect(database_url, "prorata gateway", limit=connections, patience=patience)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        check_amount(amount, currency)
        if means == UNREACHABLE:
            raise GatewayUnavailable("it cannot be reached")

        def work(connection: Connection) -> PaymentAnswer:
            found = connection.execute(_METHOD, {"account_id": account_id}).fetchone()
            method = PlayedMethod() if found is None else PlayedMethod(*found)
            values = {"key": key, "account_id": account_id, "amount": amount, "currency": currency}
            connection.execute(_CHARGE, {**values, "answer": method.answer(means)})
            return _answer(connection, key)

        answer = self._run(work)
        if means == ANSWER_LOST:
            raise GatewayUnavailable("its answer was lost")
        return charged_as(key, answer)

    async def finish(self, key: UUID) -> PaymentAnswer:
        def work(connection: Connection) -> PaymentAnswer:
            connection.execute(_FINISH, {"key": key})
            return _answer(connection, key)

        return self._run(work)

    async def reference(self, key: UUID) -> str | None:
        def work(connection: Connection) -> bool:
            found = connection.execute(_ANSWER, {"key": key}).fetchone()
            return found is not None and found[0] == "action_required"

        return reference_of(key) if self._run(work) else None

    async def cancel(self, key: UUID) -> PaymentAnswer:
        def work(connection: Connection) -> PaymentAnswer:
            connection.execute(_FINISH, {"key": key})
            connection.execute(_CONCLUDE, {"key": key, "answer": "cancelled"})
            return _answer(connection, key)

        return self._run(work)

    async def refund(self, key: UUID, account_id: str, amount: Decimal, currency: str) -> RefundMade:
        check_amount(amount, currency)

        def work(connection: Connection) -> RefundMade:
            values = {"key": key, "account_id": account_id, "amount": amount, "currency": currency}
            connection.execute(_REFUND, values)
            [[found]] = connection.execute(_REFUNDED, values).fetchall()
            answer: RefundMade = msgspec.convert(found, RefundMade)
            return answer

        return self._run(work)

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        self._set(account_id, PlayedMethod.of(method))

    async def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        self._set(account_id, PlayedMethod(works, final, pending))

    async def set_refunds(self, account_id: str, *, work: bool) -> None:
        self._execute(_SET_REFUNDS, account_id=account_id, work=work)

    async def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        self._execute(_CONCLUDE, key=key, answer=answer)

    def _set(self, account_id: str, method: PlayedMethod) -> None:
        self._execute(_SET_METHOD, account_id=account_id, **msgspec.structs.asdict(method))

    def _execute(self, statement: str, **values: object) -> None:
        self._run(lambda connection: connection.execute(statement, values))

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._connections.run(work)
        except LogUnavailable as error:
            raise GatewayUnavailable(error.reason) from error


def _answer(connection: Connection, key: UUID) -> PaymentAnswer:
    """What the key's row says: an insert that lost has waited for the winner's commit."""
    [[found]] = connection.execute(_ANSWER, {"key": key}).fetchall()
    answer: PaymentAnswer = msgspec.convert(found, PaymentAnswer)
    return answer
