"""A payment gateway asked by a test that has no event loop."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.calendar import CivilDate
from domain.conclude import PaymentAnswer
from service.completing import complete
from service.gateways.port import Charged, Confirmation, Means, Movement, RefundMade, SettableGateway


class BlockingGateway:
    """Each call of the gateway to its end; threads share it."""

    def __init__(self, gateway: SettableGateway) -> None:
        self.gateway = gateway

    def charge(self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means) -> Charged:
        return complete(self.gateway.charge(key, account_id, amount, currency, means))

    def finish(self, key: UUID) -> PaymentAnswer:
        return complete(self.gateway.finish(key)).answer

    def reference(self, key: UUID) -> str | None:
        return complete(self.gateway.reference(key))

    def cancel(self, key: UUID) -> PaymentAnswer:
        return complete(self.gateway.cancel(key)).answer

    def refund(self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str) -> RefundMade:
        return complete(self.gateway.refund(key, charge, account_id, amount, currency))

    def movements(self, day: CivilDate) -> list[Movement]:
        async def all_of_them() -> list[Movement]:
            return [movement async for movement in self.gateway.movements(day)]

        return complete(all_of_them())

    def save_method(self, account_id: str, method: Confirmation) -> None:
        complete(self.gateway.save_method(account_id, method))

    def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        complete(self.gateway.set_saved_method(account_id, works=works, final=final, pending=pending))

    def set_refunds(self, account_id: str, *, work: bool) -> None:
        complete(self.gateway.set_refunds(account_id, work=work))

    def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        complete(self.gateway.answer_waiting(key, answer))
