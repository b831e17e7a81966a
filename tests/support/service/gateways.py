"""Payment gateways that fail as providers do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from domain.conclude import PaymentAnswer
from service.errors import GatewayUnavailable
from service.gateway import Means, MemoryTestGateway


class UnreliableGateway(MemoryTestGateway):
    """A gateway with a flag for each way to fail; `before_answer` is called while a charge is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.charges_are_lost = False
        """Charges succeed, but get no answer."""
        self.charges_fail = False
        """Charges fail without an answer."""
        self.finishes_fail = False
        self.before_answer: Callable[[], None] | None = None
        self.asked: list[tuple[str, UUID, Means | None]] = []

    def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> PaymentAnswer:
        self.asked.append(("charge", key, means))
        if self.charges_fail:
            raise GatewayUnavailable("away")
        if self.before_answer is not None:
            elsewhere, self.before_answer = self.before_answer, None
            elsewhere()
        answer = super().charge(key, account_id, amount, currency, means)
        if self.charges_are_lost:
            raise GatewayUnavailable("answer lost")
        return answer

    def finish(self, key: UUID) -> PaymentAnswer:
        self.asked.append(("finish", key, None))
        if self.finishes_fail:
            raise GatewayUnavailable("away")
        return super().finish(key)
