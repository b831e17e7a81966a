"""A test gateway in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from threading import Lock
from typing import Literal
from uuid import UUID

from msgspec.structs import replace

from domain.calendar import CivilDate
from domain.conclude import PaymentAnswer
from service.errors import GatewayUnavailable
from service.gateways.played import (
    ANSWER_LOST,
    UNREACHABLE,
    PlayedMethod,
    check_amount,
    pause,
    reference_of,
    status_of,
    with_reference,
)
from service.gateways.port import Charged, Confirmation, Means, Movement, RefundMade


def _real_time() -> datetime:
    return datetime.now(UTC)


_CANCELLED = Charged("cancelled")


class MemoryTestGateway:
    """A SettableGateway of one process, that ends with it. `delay`: seconds that a charge takes."""

    _usual = PlayedMethod()
    """The saved method of an account for which none was set."""

    def __init__(self, *, delay: float = 0.0) -> None:
        self._lock = Lock()
        self.now: Callable[[], datetime] = _real_time
        """What its list of a day goes by."""
        self._delay = delay
        self._methods: dict[str, PlayedMethod] = {}
        self._refunds_fail: set[str] = set()
        self._charged: dict[UUID, Charged] = {}
        self._listed: dict[UUID, Movement] = {}
        self._given_back: dict[UUID, Decimal] = {}
        self.refunds: dict[UUID, RefundMade] = {}
        """Every key that was refunded, or failed to be."""

    @property
    def answers(self) -> dict[UUID, PaymentAnswer]:
        """Every key that was charged or finished."""
        return {key: charged.answer for key, charged in self._charged.items()}

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        check_amount(amount, currency)
        await pause(self._delay)
        if means == UNREACHABLE:
            raise GatewayUnavailable("it cannot be reached")
        with self._lock:
            method = self._methods.get(account_id, self._usual)
            if key not in self._charged:
                self._charged[key] = self._played(method, means)
                self._list("charge", key, key, account_id, amount, currency)
            charged = self._charged[key]
        if means == ANSWER_LOST:
            raise GatewayUnavailable("its answer was lost")
        return with_reference(key, charged)

    async def finish(self, key: UUID) -> Charged:
        with self._lock:
            return with_reference(key, self._charged.setdefault(key, _CANCELLED))

    async def reference(self, key: UUID) -> str | None:
        return reference_of(key) if self._answer(key) == "action_required" else None

    async def cancel(self, key: UUID) -> Charged:
        with self._lock:
            if self._answer(key) in (None, "action_required"):
                self._charged[key] = _CANCELLED
            return self._charged[key]

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        check_amount(amount, currency)
        with self._lock:
            if key not in self.refunds:
                fails = account_id in self._refunds_fail or amount > self._left(charge)
                self.refunds[key] = "failed" if fails else "refunded"
                self._list("refund", key, charge, account_id, amount, currency)
                if not fails:
                    self._given_back[charge] = self._given_back.get(charge, Decimal(0)) + amount
            return self.refunds[key]

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        with self._lock:
            self._methods[account_id] = PlayedMethod.of(method)

    async def movements(self, day: CivilDate) -> AsyncIterator[Movement]:
        with self._lock:
            listed = list(self._listed.values())
        for movement in listed:
            if movement.at.astimezone(UTC).date() == day:
                yield self._as_it_stands(movement)

    async def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        with self._lock:
            self._methods[account_id] = PlayedMethod(works, final, pending)

    async def set_refunds(self, account_id: str, *, work: bool) -> None:
        with self._lock:
            (self._refunds_fail.discard if work else self._refunds_fail.add)(account_id)

    async def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        with self._lock:
            if self._answer(key) in ("action_required", "pending"):
                self._charged[key] = Charged(answer)

    def _played(self, method: PlayedMethod, means: Means) -> Charged:
        """How a charge is answered."""
        return method.answer(means)

    def _left(self, charge: UUID) -> Decimal:
        """What of the charge can be given back."""
        if self._answer(charge) != "paid":
            return Decimal(0)
        return self._listed[charge].amount - self._given_back.get(charge, Decimal(0))

    def _answer(self, key: UUID) -> PaymentAnswer | None:
        charged = self._charged.get(key)
        return None if charged is None else charged.answer

    def _list(
        self,
        kind: Literal["charge", "refund"],
        key: UUID,
        charge: UUID,
        account_id: str,
        amount: Decimal,
        currency: str,
    ) -> None:
        at = self.now()
        reference = f"test_{charge}" if kind == "charge" else f"test_{charge}/{key}"
        self._listed[key] = Movement(kind, "paid", reference, key, account_id, amount, currency, at)

    def _as_it_stands(self, movement: Movement) -> Movement:
        assert movement.key is not None
        refund = movement.kind == "refund"
        answer = self.refunds[movement.key] if refund else self._charged[movement.key].answer
        return replace(movement, status=status_of(answer))
