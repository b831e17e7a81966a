"""A payment gateway asked by a test that has no event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from threading import Thread
from typing import Any, Literal, TypeVar
from uuid import UUID

from domain.calendar import CivilDate
from domain.conclude import PaymentAnswer
from service.completing import complete
from service.gateways.port import (
    Charged,
    Confirmation,
    Means,
    Movement,
    PaymentGateway,
    RefundMade,
    SettableGateway,
)

Returned = TypeVar("Returned")
Ask = Callable[[Coroutine[Any, Any, Any]], Any]


class AskedGateway:
    """Each call of the gateway to its end; threads share it. `ask`: how a call is brought to its end, as a
    script does (`complete`) or as the tasks of an event loop do (`LoopInThread`)."""

    def __init__(self, gateway: PaymentGateway, ask: Ask = complete) -> None:
        self.gateway = gateway
        self.ask = ask

    def charge(self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means) -> Charged:
        charged: Charged = self.ask(self.gateway.charge(key, account_id, amount, currency, means))
        return charged

    def finish(self, key: UUID) -> PaymentAnswer:
        return self.finished(key).answer

    def finished(self, key: UUID) -> Charged:
        finished: Charged = self.ask(self.gateway.finish(key))
        return finished

    def reference(self, key: UUID) -> str | None:
        reference: str | None = self.ask(self.gateway.reference(key))
        return reference

    def cancel(self, key: UUID) -> PaymentAnswer:
        cancelled: Charged = self.ask(self.gateway.cancel(key))
        return cancelled.answer

    def refund(self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str) -> RefundMade:
        made: RefundMade = self.ask(self.gateway.refund(key, charge, account_id, amount, currency))
        return made

    def save_method(self, account_id: str, method: Confirmation) -> None:
        self.ask(self.gateway.save_method(account_id, method))

    def movements(self, day: CivilDate) -> list[Movement]:
        async def all_of_them() -> list[Movement]:
            return [movement async for movement in self.gateway.movements(day)]

        listed: list[Movement] = self.ask(all_of_them())
        return listed


class BlockingGateway(AskedGateway):
    """The same of a gateway that plays what a story says."""

    def __init__(self, gateway: SettableGateway, ask: Ask = complete) -> None:
        super().__init__(gateway, ask)
        self._played = gateway

    def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        self.ask(self._played.set_saved_method(account_id, works=works, final=final, pending=pending))

    def set_refunds(self, account_id: str, *, work: bool) -> None:
        self.ask(self._played.set_refunds(account_id, work=work))

    def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        self.ask(self._played.answer_waiting(key, answer))


class LoopInThread:
    """An event loop in a thread of its own: a test's threads ask its tasks."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def ask(self, work: Coroutine[Any, Any, Returned]) -> Returned:
        """What a task returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        """End the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
