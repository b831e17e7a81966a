"""A test gateway in memory."""

from __future__ import annotations

from decimal import Decimal
from threading import Lock
from typing import Literal
from uuid import UUID

from domain.conclude import PaymentAnswer
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


class MemoryTestGateway:
    """A SettableGateway of one process, that ends with it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._methods: dict[str, PlayedMethod] = {}
        self._refunds_fail: set[str] = set()
        self.answers: dict[UUID, PaymentAnswer] = {}
        """Every key that was charged or finished."""
        self.refunds: dict[UUID, RefundMade] = {}
        """Every key that was refunded, or failed to be."""

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        check_amount(amount, currency)
        if means == UNREACHABLE:
            raise GatewayUnavailable("it cannot be reached")
        with self._lock:
            method = self._methods.get(account_id, PlayedMethod())
            answer = self.answers.setdefault(key, method.answer(means))
        if means == ANSWER_LOST:
            raise GatewayUnavailable("its answer was lost")
        return charged_as(key, answer)

    async def finish(self, key: UUID) -> PaymentAnswer:
        with self._lock:
            return self.answers.setdefault(key, "cancelled")

    async def reference(self, key: UUID) -> str | None:
        return reference_of(key) if self.answers.get(key) == "action_required" else None

    async def cancel(self, key: UUID) -> PaymentAnswer:
        with self._lock:
            if self.answers.get(key, "action_required") == "action_required":
                self.answers[key] = "cancelled"
            return self.answers[key]

    async def refund(self, key: UUID, account_id: str, amount: Decimal, currency: str) -> RefundMade:
        check_amount(amount, currency)
        with self._lock:
            return self.refunds.setdefault(key, "failed" if account_id in self._refunds_fail else "refunded")

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        with self._lock:
            self._methods[account_id] = PlayedMethod.of(method)

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
            if self.answers.get(key) == "action_required":
                self.answers[key] = answer
