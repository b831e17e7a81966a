"""The payment port, and the test gateway that stands for a payment provider.

    gateway.charge(key, "main/a1", Decimal("20.00"), "EUR", Confirmation(token))   # "paid"
    gateway.finish(key)                                                            # "paid", for ever

The key is the event id of the payment's intent. Exactly one of charge and finish wins a key: after
`finish` a key not yet charged is forbidden for ever (R16).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from threading import Lock
from typing import Final, Protocol, TypeAlias, TypeVar, runtime_checkable
from uuid import UUID

import msgspec

from domain.conclude import PaymentAnswer
from eventlog.errors import LogUnavailable
from eventlog.postgres.connect import Connection
from service.errors import GatewayUnavailable
from service.schema import connect

T = TypeVar("T")


class Confirmation(msgspec.Struct, frozen=True):
    """The provider's single-use token of a confirmation (R15). It is shown nowhere, not even in a repr."""

    token: str

    def __repr__(self) -> str:
        return "Confirmation(token=…)"


class SavedMethod(msgspec.Struct, frozen=True):
    """The method that the provider keeps for the account: renewals, scheduled resumes, `pay_balance`."""


Means: TypeAlias = Confirmation | SavedMethod
SAVED_METHOD: Final = SavedMethod()

DECLINED: Final = Confirmation("tok_declined")
"""At the test gateways: declined."""
ANSWER_LOST: Final = Confirmation("tok_answer_lost")
"""At the test gateways: charged, but the answer never arrives."""
UNREACHABLE: Final = Confirmation("tok_unreachable")
"""At the test gateways: neither charged nor answered."""
CONFIRMED: Final = Confirmation("tok_confirmed")
"""At the test gateways paid, as every other token; unless the saved method was set not to work."""


class PaymentGateway(Protocol):
    """A payment provider, safe to share between threads. Both calls may be repeated."""

    def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> PaymentAnswer:
        """Charge once under this key, whatever happens; a key decided before has its answer for ever, also
        `cancelled`.

        Raises GatewayUnavailable: whether it was charged is unknown.
        """
        ...

    def finish(self, key: UUID) -> PaymentAnswer:
        """What became of the key; one not yet charged is `cancelled` now and can never be charged.

        Raises GatewayUnavailable: ask again.
        """
        ...


@runtime_checkable
class SettableGateway(PaymentGateway, Protocol):
    """A gateway on which an account's saved method can be set (docs/scenarios.md, `payment_method`)."""

    def set_saved_method(self, account_id: str, *, works: bool) -> None:
        """How every payment of the account is answered from now on, purchases included."""
        ...


class MemoryTestGateway:
    """A SettableGateway of one process, that ends with it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._refused: set[str] = set()
        self.answers: dict[UUID, PaymentAnswer] = {}
        """Every key that was decided."""

    def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> PaymentAnswer:
        _check(amount, currency)
        if means == UNREACHABLE:
            raise GatewayUnavailable("it cannot be reached")
        with self._lock:
            declined = means == DECLINED or account_id in self._refused
            answer = self.answers.setdefault(key, "declined" if declined else "paid")
        if means == ANSWER_LOST:
            raise GatewayUnavailable("its answer was lost")
        return answer

    def finish(self, key: UUID) -> PaymentAnswer:
        with self._lock:
            return self.answers.setdefault(key, "cancelled")

    def set_saved_method(self, account_id: str, *, works: bool) -> None:
        with self._lock:
            (self._refused.discard if works else self._refused.add)(account_id)


_CHARGE: Final = """
    insert into service.gateway_payments (key, account_id, amount, currency, answer)
    select %(key)s, %(account_id)s, %(amount)s, %(currency)s, case
        when %(declined)s or not coalesce(
            (select works from service.gateway_methods where account_id = %(account_id)s), true
        ) then 'declined' else 'paid' end
    on conflict (key) do nothing
"""
_FINISH: Final = """
    insert into service.gateway_payments (key, answer) values (%(key)s, 'cancelled')
    on conflict (key) do nothing
"""
_ANSWER: Final = "select answer from service.gateway_payments where key = %(key)s"
_SET_METHOD: Final = """
    insert into service.gateway_methods (account_id, works) values (%(account_id)s, %(works)s)
    on conflict (account_id) do update set works = excluded.works
"""


class PostgresTestGateway:
    """A SettableGateway whose books are tables, written in sessions and commits of its own: what it charged
    stays charged whatever becomes of the process that asked. Of a token only what it stands for is sent."""

    def __init__(self, database_url: str, *, connections: int = 4, patience: float = 10.0) -> None:
        self._connections = connect(database_url, "prorata gateway", limit=connections, patience=patience)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> PaymentAnswer:
        _check(amount, currency)
        if means == UNREACHABLE:
            raise GatewayUnavailable("it cannot be reached")
        answer = self._decide(
            _CHARGE,
            key=key,
            account_id=account_id,
            amount=amount,
            currency=currency,
            declined=means == DECLINED,
        )
        if means == ANSWER_LOST:
            raise GatewayUnavailable("its answer was lost")
        return answer

    def finish(self, key: UUID) -> PaymentAnswer:
        return self._decide(_FINISH, key=key)

    def set_saved_method(self, account_id: str, *, works: bool) -> None:
        values = {"account_id": account_id, "works": works}
        self._run(lambda connection: connection.execute(_SET_METHOD, values))

    def _decide(self, insert: str, **values: object) -> PaymentAnswer:
        """Insert the key's row unless it is there, and read what it says: an insert that lost waits for the
        winner's commit, and the row is never changed."""

        def work(connection: Connection) -> PaymentAnswer:
            connection.execute(insert, values)
            [[found]] = connection.execute(_ANSWER, values).fetchall()
            answer: PaymentAnswer = msgspec.convert(found, PaymentAnswer)
            return answer

        return self._run(work)

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._connections.run(work)
        except LogUnavailable as error:
            raise GatewayUnavailable(error.reason) from error


def _check(amount: Decimal, currency: str) -> None:
    if amount <= 0:
        raise ValueError(f"a charge is above zero, not {amount} {currency}")
