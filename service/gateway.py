"""The payment port, and the test gateways that stand for a payment provider.

    gateway.charge(key, "main/a1", Decimal("20.00"), "EUR", Confirmation(token)).answer   # "paid"
    gateway.finish(key)                                                                   # "paid", for ever
    gateway.refund(key_of_the_credit_note, "main/a1", Decimal("4.84"), "EUR")             # "refunded"

The key is the event id of the intent. Exactly one of charge and finish wins a key: after `finish` a key not
yet charged is forbidden for ever (R16). A charge that waits for the customer (R96), or that is answered late
(R98), is decided later; from then on it has its answer for ever too. Under one key a refund is made once
(R62).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from threading import Lock
from typing import Final, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable
from uuid import UUID

import msgspec

from domain.calendar import CivilDate
from domain.conclude import PaymentAnswer
from eventlog.errors import LogUnavailable
from eventlog.postgres.connect import Connection
from service.errors import GatewayUnavailable
from service.schema import connect

T = TypeVar("T")
RefundMade: TypeAlias = Literal["refunded", "failed"]


class Confirmation(msgspec.Struct, frozen=True):
    """A token of the provider's, which stands for a confirmation (R15) or for another payment method (R56).
    It is shown nowhere, not even in a repr."""

    token: str

    def __repr__(self) -> str:
        return "Confirmation(token=…)"


class SavedMethod(msgspec.Struct, frozen=True):
    """The method that the provider keeps for the account: renewals, scheduled resumes, tries, `pay_balance`.
    `late`: it may be answered later (R98)."""

    late: bool = False


Means: TypeAlias = Confirmation | SavedMethod
SAVED_METHOD: Final = SavedMethod()
RENEWING: Final = SavedMethod(late=True)

DECLINED: Final = Confirmation("tok_declined")
"""At the test gateways: declined; saved as a method, it does not work."""
DECLINED_FOR_GOOD: Final = Confirmation("tok_declined_for_good")
"""At the test gateways: declined, and it never will be accepted (R54)."""
ACTION_REQUIRED: Final = Confirmation("tok_action_required")
"""At the test gateways: it waits for the customer's own consent (R96)."""
ANSWER_LOST: Final = Confirmation("tok_answer_lost")
"""At the test gateways: charged, but the answer never arrives."""
UNREACHABLE: Final = Confirmation("tok_unreachable")
"""At the test gateways: neither charged nor answered."""
CONFIRMED: Final = Confirmation("tok_confirmed")
"""At the test gateways paid, as every other token; unless the saved method was set not to work."""


class Charged(msgspec.Struct, frozen=True):
    """The answer to a charge. `reference`: what the customer's browser needs to give consent, shown to the
    caller alone and kept nowhere (R96). `answer_by`: when a late answer is expected (R98)."""

    answer: PaymentAnswer
    reference: str | None = None
    answer_by: CivilDate | None = None

    def __repr__(self) -> str:
        return f"Charged(answer={self.answer!r}, …)"


class PaymentGateway(Protocol):
    """A payment provider, safe to share between threads. Every call may be repeated; each raises
    GatewayUnavailable where it has no answer."""

    def charge(self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means) -> Charged:
        """Charge once under this key, whatever happens; a key decided before has its answer for ever, also
        `cancelled`.

        Raises GatewayUnavailable: whether it was charged is unknown.
        """
        ...

    def finish(self, key: UUID) -> PaymentAnswer:
        """What became of the key; one not yet charged is `cancelled` now and can never be charged. One that
        waits for the customer, or for a late answer, still does."""
        ...

    def reference(self, key: UUID) -> str | None:
        """The reference anew, of a charge that waits for the customer (R96); None: it does not wait."""
        ...

    def cancel(self, key: UUID) -> PaymentAnswer:
        """Give up a charge that waits for the customer: `cancelled`, or how it ended before that (R96)."""
        ...

    def refund(self, key: UUID, account_id: str, amount: Decimal, currency: str) -> RefundMade:
        """Give back by the account's payment method, once under this key, whatever happens (R62).

        Raises GatewayUnavailable: whether it was made is unknown.
        """
        ...

    def save_method(self, account_id: str, method: Confirmation) -> None:
        """From now on the account's saved method is the one that the token stands for (R56)."""
        ...


@runtime_checkable
class SettableGateway(PaymentGateway, Protocol):
    """A gateway that plays what a story says (docs/scenarios.md)."""

    def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        """How every payment of the account is answered from now on, purchases included. `final`: its declines
        are for good; `pending`: renewals are answered late."""
        ...

    def set_refunds(self, account_id: str, *, work: bool) -> None:
        """Whether refunds to the account are made from now on, or fail."""
        ...

    def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        """How a charge that waits for the customer ends; nothing, if it does not wait."""
        ...


class _Method(msgspec.Struct, frozen=True):
    """A saved method of an account at the test gateways."""

    works: bool = True
    final: bool = False
    pending: bool = False

    @classmethod
    def of(cls, token: Confirmation) -> _Method:
        return cls(token not in (DECLINED, DECLINED_FOR_GOOD), token == DECLINED_FOR_GOOD)

    def answer(self, means: Means) -> PaymentAnswer:
        if means == ACTION_REQUIRED:
            return "action_required"
        if means == DECLINED:
            return "declined"
        if not self.works or means == DECLINED_FOR_GOOD:
            return "declined_final" if self.final or means == DECLINED_FOR_GOOD else "declined"
        return "pending" if self.pending and means == RENEWING else "paid"


def _charged(key: UUID, answer: PaymentAnswer) -> Charged:
    return Charged(answer, _reference(key) if answer == "action_required" else None)


def _reference(key: UUID) -> str:
    return f"ref_{key}"


class MemoryTestGateway:
    """A SettableGateway of one process, that ends with it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._methods: dict[str, _Method] = {}
        self._refunds_fail: set[str] = set()
        self.answers: dict[UUID, PaymentAnswer] = {}
        """Every key that was charged or finished."""
        self.refunds: dict[UUID, RefundMade] = {}
        """Every key that was refunded, or failed to be."""

    def charge(self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means) -> Charged:
        _check(amount, currency)
        if means == UNREACHABLE:
            raise GatewayUnavailable("it cannot be reached")
        with self._lock:
            method = self._methods.get(account_id, _Method())
            answer = self.answers.setdefault(key, method.answer(means))
        if means == ANSWER_LOST:
            raise GatewayUnavailable("its answer was lost")
        return _charged(key, answer)

    def finish(self, key: UUID) -> PaymentAnswer:
        with self._lock:
            return self.answers.setdefault(key, "cancelled")

    def reference(self, key: UUID) -> str | None:
        return _reference(key) if self.answers.get(key) == "action_required" else None

    def cancel(self, key: UUID) -> PaymentAnswer:
        with self._lock:
            if self.answers.get(key, "action_required") == "action_required":
                self.answers[key] = "cancelled"
            return self.answers[key]

    def refund(self, key: UUID, account_id: str, amount: Decimal, currency: str) -> RefundMade:
        _check(amount, currency)
        with self._lock:
            return self.refunds.setdefault(key, "failed" if account_id in self._refunds_fail else "refunded")

    def save_method(self, account_id: str, method: Confirmation) -> None:
        with self._lock:
            self._methods[account_id] = _Method.of(method)

    def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        with self._lock:
            self._methods[account_id] = _Method(works, final, pending)

    def set_refunds(self, account_id: str, *, work: bool) -> None:
        with self._lock:
            (self._refunds_fail.discard if work else self._refunds_fail.add)(account_id)

    def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        with self._lock:
            if self.answers.get(key) == "action_required":
                self.answers[key] = answer


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

    def charge(self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means) -> Charged:
        _check(amount, currency)
        if means == UNREACHABLE:
            raise GatewayUnavailable("it cannot be reached")

        def work(connection: Connection) -> PaymentAnswer:
            found = connection.execute(_METHOD, {"account_id": account_id}).fetchone()
            method = _Method() if found is None else _Method(*found)
            values = {"key": key, "account_id": account_id, "amount": amount, "currency": currency}
            connection.execute(_CHARGE, {**values, "answer": method.answer(means)})
            return _answer(connection, key)

        answer = self._run(work)
        if means == ANSWER_LOST:
            raise GatewayUnavailable("its answer was lost")
        return _charged(key, answer)

    def finish(self, key: UUID) -> PaymentAnswer:
        def work(connection: Connection) -> PaymentAnswer:
            connection.execute(_FINISH, {"key": key})
            return _answer(connection, key)

        return self._run(work)

    def reference(self, key: UUID) -> str | None:
        def work(connection: Connection) -> bool:
            found = connection.execute(_ANSWER, {"key": key}).fetchone()
            return found is not None and found[0] == "action_required"

        return _reference(key) if self._run(work) else None

    def cancel(self, key: UUID) -> PaymentAnswer:
        def work(connection: Connection) -> PaymentAnswer:
            connection.execute(_FINISH, {"key": key})
            connection.execute(_CONCLUDE, {"key": key, "answer": "cancelled"})
            return _answer(connection, key)

        return self._run(work)

    def refund(self, key: UUID, account_id: str, amount: Decimal, currency: str) -> RefundMade:
        _check(amount, currency)

        def work(connection: Connection) -> RefundMade:
            values = {"key": key, "account_id": account_id, "amount": amount, "currency": currency}
            connection.execute(_REFUND, values)
            [[found]] = connection.execute(_REFUNDED, values).fetchall()
            answer: RefundMade = msgspec.convert(found, RefundMade)
            return answer

        return self._run(work)

    def save_method(self, account_id: str, method: Confirmation) -> None:
        self._set(account_id, _Method.of(method))

    def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        self._set(account_id, _Method(works, final, pending))

    def set_refunds(self, account_id: str, *, work: bool) -> None:
        self._execute(_SET_REFUNDS, account_id=account_id, work=work)

    def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        self._execute(_CONCLUDE, key=key, answer=answer)

    def _set(self, account_id: str, method: _Method) -> None:
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


def _check(amount: Decimal, currency: str) -> None:
    if amount <= 0:
        raise ValueError(f"nothing is moved that is not above zero: {amount} {currency}")
