"""Payment gateways that fail as providers do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from service.errors import GatewayUnavailable
from service.gateways.memory import MemoryTestGateway
from service.gateways.port import Charged, Means, RefundMade


class UnreliableGateway(MemoryTestGateway):
    """A gateway with a flag for each way to fail; `before_answer` is called while a charge is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.charges_are_lost = False
        """Charges succeed, but get no answer."""
        self.charges_fail = False
        """Charges fail without an answer."""
        self.finishes_fail = False
        """`finish`, `cancel` and `reference` get no answer."""
        self.refunds_are_lost = False
        """Refunds are made, but get no answer."""
        self.refunds_fail = False
        """Refunds fail without an answer."""
        self.before_refund: Callable[[], None] | None = None
        """Is called while a refund is under way."""
        self.before_answer: Callable[[], None] | None = None
        self.asked: list[tuple[str, UUID, Means | None]] = []

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        self.asked.append(("charge", key, means))
        if self.charges_fail:
            raise GatewayUnavailable("away")
        if self.before_answer is not None:
            elsewhere, self.before_answer = self.before_answer, None
            elsewhere()
        answer = await super().charge(key, account_id, amount, currency, means)
        if self.charges_are_lost:
            raise GatewayUnavailable("answer lost")
        return answer

    async def finish(self, key: UUID) -> Charged:
        self.asked.append(("finish", key, None))
        if self.finishes_fail:
            raise GatewayUnavailable("away")
        return await super().finish(key)

    async def cancel(self, key: UUID) -> Charged:
        self.asked.append(("cancel", key, None))
        if self.finishes_fail:
            raise GatewayUnavailable("away")
        return await super().cancel(key)

    async def reference(self, key: UUID) -> str | None:
        self.asked.append(("reference", key, None))
        if self.finishes_fail:
            raise GatewayUnavailable("away")
        return await super().reference(key)

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        self.asked.append(("refund", key, None))
        if self.refunds_fail:
            raise GatewayUnavailable("away")
        if self.before_refund is not None:
            elsewhere, self.before_refund = self.before_refund, None
            elsewhere()
        answer = await super().refund(key, charge, account_id, amount, currency)
        if self.refunds_are_lost:
            raise GatewayUnavailable("answer lost")
        return answer
