"""The adapter's own tables: what Stripe forgets, or answers only of what it was asked before.

Every statement is in a commit of its own and may be run twice. Nothing of a card and no token is in them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Final, Literal, TypeVar
from uuid import UUID

import msgspec

from domain.events import DeclineReason
from eventlog.errors import LogUnavailable
from eventlog.postgres.connect import Connection
from service.errors import GatewayUnavailable
from service.gateways.port import Charged, RefundMade
from service.gateways.stripe.declines import Declined
from service.gateways.stripe.waiting import in_thread
from service.schema import connect

T = TypeVar("T", bound=msgspec.Struct)

Decided = Literal["paid", "declined", "declined_final", "cancelled"]

_CHARGE: Final = """
    select key, account_id, amount, currency, late, intent, claim, declined, decline_reason, answer
    from service.stripe_charges where key = %(key)s
"""
_BEGIN: Final = """
    insert into service.stripe_charges (key, account_id, amount, currency, late)
    values (%(key)s, %(account_id)s, %(amount)s, %(currency)s, %(late)s)
    on conflict (key) do nothing
"""
_CLAIM: Final = """
    update service.stripe_charges set intent = %(intent)s, claim = %(claim)s
    where key = %(key)s and intent is null and answer is null
"""
_RELEASE: Final = """
    update service.stripe_charges set intent = null, claim = null
    where key = %(key)s and claim = %(claim)s and answer is null
"""
_FORBID: Final = """
    insert into service.stripe_charges as charges (key, answer) values (%(key)s, 'cancelled')
    on conflict (key) do update set answer = 'cancelled'
    where charges.intent is null and charges.answer is null
"""
_NOTE: Final = """
    update service.stripe_charges set declined = %(declined)s, decline_reason = %(reason)s
    where key = %(key)s and answer is null and intent = %(intent)s
"""
_DECIDE: Final = """
    update service.stripe_charges
    set answer = %(answer)s, decline_reason = case when %(answer)s like 'declined%%' then %(reason)s end
    where key = %(key)s and answer is null and intent is not distinct from %(intent)s
"""
_REFUND: Final = """
    select key, charge, account_id, amount, currency, refund, answer
    from service.stripe_refunds where key = %(key)s
"""
_BEGIN_REFUND: Final = """
    insert into service.stripe_refunds (key, charge, account_id, amount, currency)
    values (%(key)s, %(charge)s, %(account_id)s, %(amount)s, %(currency)s)
    on conflict (key) do nothing
"""
_DECIDE_REFUND: Final = """
    update service.stripe_refunds set refund = coalesce(refund, %(refund)s), answer = %(answer)s
    where key = %(key)s and answer is null
"""
_METHOD: Final = """
    select account_id, customer, method, type, declined, decline_reason
    from service.stripe_methods where account_id = %(account_id)s
"""
_ADD_CUSTOMER: Final = """
    insert into service.stripe_methods (account_id, customer) values (%(account_id)s, %(customer)s)
    on conflict (account_id) do nothing
"""
_SET_METHOD: Final = """
    insert into service.stripe_methods (account_id, customer, method, type, declined, decline_reason)
    values (%(account_id)s, %(customer)s, %(method)s, %(type)s, %(declined)s, %(reason)s)
    on conflict (account_id) do update set customer = excluded.customer, method = excluded.method,
        type = excluded.type, declined = excluded.declined, decline_reason = excluded.decline_reason
"""
_FIRST_METHOD: Final = """
    update service.stripe_methods set method = %(method)s, type = %(type)s
    where account_id = %(account_id)s and method is null and declined is null
"""


class ChargeRow(msgspec.Struct, frozen=True):
    """A charge as it is kept. `answer`: decided for ever. Without an account: forbidden before it was
    made."""

    key: UUID
    account_id: str | None
    amount: Decimal | None
    currency: str | None
    late: bool
    intent: str | None
    claim: UUID | None
    declined: Literal["declined", "declined_final"] | None
    decline_reason: DeclineReason | None
    answer: Decided | None

    @property
    def decided(self) -> Charged | None:
        """The answer, once there is one."""
        return None if self.answer is None else Charged(self.answer, decline_reason=self.decline_reason)

    @property
    def noted(self) -> Declined | None:
        """The decline that was seen, whatever became of its intent since."""
        return None if self.declined is None else Declined(self.declined, self.decline_reason)


class RefundRow(msgspec.Struct, frozen=True):
    """A refund as it is kept."""

    key: UUID
    charge: UUID
    account_id: str
    amount: Decimal
    currency: str
    refund: str | None
    answer: RefundMade | None


class MethodRow(msgspec.Struct, frozen=True):
    """The customer and its saved method; `declined`: it was refused when it was saved."""

    account_id: str
    customer: str
    method: str | None = None
    type: str | None = None
    declined: Literal["declined", "declined_final"] | None = None
    decline_reason: DeclineReason | None = None

    @property
    def refused(self) -> Declined | None:
        """How every payment by it is answered."""
        return None if self.declined is None else Declined(self.declined, self.decline_reason)


class StripeBooks:
    """The tables, on connections of their own."""

    def __init__(self, database_url: str, *, connections: int = 4, patience: float = 5.0) -> None:
        self._connections = connect(database_url, "prorata stripe", limit=connections, patience=patience)
        self._threads = ThreadPoolExecutor(connections, "stripe-books")

    def close(self) -> None:
        """Close the connections."""
        self._threads.shutdown()
        self._connections.close()

    async def charge(self, key: UUID) -> ChargeRow | None:
        """None: it was neither charged nor finished."""
        return await self._one(ChargeRow, (), _CHARGE, key=key)

    async def begun(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, *, late: bool
    ) -> ChargeRow:
        """The row of the charge, made now if there is none."""
        values = {"key": key, "account_id": account_id, "amount": amount, "currency": currency, "late": late}
        return await self._row(ChargeRow, (_BEGIN,), _CHARGE, **values)

    async def claimed(self, key: UUID, intent: str, claim: UUID) -> ChargeRow:
        """The row, which names the intent and the attempt if it named none and is not decided: only the
        attempt that it names confirms."""
        return await self._row(ChargeRow, (_CLAIM,), _CHARGE, key=key, intent=intent, claim=claim)

    async def released(self, key: UUID, claim: UUID) -> None:
        """The attempt will not confirm, and has not: another one may name an intent."""
        await self._one(ChargeRow, (_RELEASE,), _CHARGE, key=key, claim=claim)

    async def forbidden(self, key: UUID) -> ChargeRow:
        """The row; without an intent it is `cancelled` from now on."""
        return await self._row(ChargeRow, (_FORBID,), _CHARGE, key=key)

    async def note(self, key: UUID, intent: str, declined: Declined) -> None:
        """A decline of the row's intent was seen, which will be cancelled."""
        values = {"key": key, "intent": intent, "declined": declined.answer, "reason": declined.reason}
        await self._row(ChargeRow, (_NOTE,), _CHARGE, **values)

    async def decided(
        self, key: UUID, intent: str | None, answer: Decided, reason: DeclineReason | None = None
    ) -> ChargeRow:
        """The row with its answer for ever: this one, if there was none. Undecided, if it names another
        intent meanwhile, which the answer is not of."""
        values = {"key": key, "intent": intent, "answer": answer, "reason": reason}
        return await self._row(ChargeRow, (_DECIDE,), _CHARGE, **values)

    async def refund_begun(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundRow:
        """The row of the refund, made now if there is none."""
        values = {
            "key": key,
            "charge": charge,
            "account_id": account_id,
            "amount": amount,
            "currency": currency,
        }
        return await self._row(RefundRow, (_BEGIN_REFUND,), _REFUND, **values)

    async def refund_decided(self, key: UUID, refund: str | None, answer: RefundMade) -> RefundMade:
        """The answer for ever: this one, if there was none."""
        row = await self._row(RefundRow, (_DECIDE_REFUND,), _REFUND, key=key, refund=refund, answer=answer)
        assert row.answer is not None
        return row.answer

    async def refund(self, key: UUID) -> RefundRow | None:
        """None: it was never asked for."""
        return await self._one(RefundRow, (), _REFUND, key=key)

    async def method(self, account_id: str) -> MethodRow | None:
        """None: the account is no customer yet."""
        return await self._one(MethodRow, (), _METHOD, account_id=account_id)

    async def customer_added(self, account_id: str, customer: str) -> MethodRow:
        """The account's row; this customer, if it had none."""
        return await self._row(MethodRow, (_ADD_CUSTOMER,), _METHOD, account_id=account_id, customer=customer)

    async def set_method(self, row: MethodRow) -> None:
        """From now on this method pays."""
        values = msgspec.structs.asdict(row)
        values["reason"] = values.pop("decline_reason")
        await self._row(MethodRow, (_SET_METHOD,), _METHOD, **values)

    async def first_method(self, account_id: str, method: str, method_type: str) -> None:
        """This method pays from now on, unless one was saved before."""
        await self._one(
            MethodRow, (_FIRST_METHOD,), _METHOD, account_id=account_id, method=method, type=method_type
        )

    async def _row(self, kind: type[T], statements: tuple[str, ...], read: str, **values: object) -> T:
        row = await self._one(kind, statements, read, **values)
        assert row is not None
        return row

    async def _one(self, kind: type[T], statements: tuple[str, ...], read: str, **values: object) -> T | None:
        def work(connection: Connection) -> T | None:
            for statement in statements:
                connection.execute(statement, values)
            rows = connection.execute(read, values).fetchall()
            fields = kind.__struct_fields__
            return msgspec.convert(dict(zip(fields, rows[0], strict=True)), kind) if rows else None

        return await self._run(work)

    async def _run(self, work: Callable[[Connection], T | None]) -> T | None:
        try:
            return await in_thread(self._threads, self._connections.run, work)
        except LogUnavailable as error:
            raise GatewayUnavailable(error.reason) from error
