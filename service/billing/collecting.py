"""Charges, many at once: each account's waits for its own answer and for no other's.

A provider that is slow or hangs holds up the accounts that it charges, up to `in_flight` of them at once; the
others wait in the order in which they came. What asks too often is told so with a time (`retry_after`): until
then nobody asks, and then the same is asked again under the same key.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVarTuple
from uuid import UUID

import msgspec

from domain.conclude import AnsweredPayment
from domain.state import PendingPayment
from service.billing.pace import Pace
from service.conversing import FINISH_PAUSES, without_consent
from service.errors import GatewayUnavailable
from service.gateways.port import RENEWING, SAVED_METHOD, Charged, PaymentGateway

Ts = TypeVarTuple("Ts")


class Question(msgspec.Struct, frozen=True, gc=False):
    """A payment that fell due by itself, to be charged; or, `finish`, to be brought to its end."""

    account_id: str
    key: UUID
    payment: PendingPayment
    currency: str
    finish: bool = False


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The provider's answer; None: it gives none. `interrupted`: it gave none to the charge, which was
    cancelled, so that the account is left to a later run. `fault`: the adapter failed, which concerns this
    account alone."""

    reply: AnsweredPayment | None
    interrupted: bool = False
    fault: Exception | None = None


class Provider:
    """A payment provider as a run asks it. `patience`: seconds after which a question counts as unanswered,
    once `watch` runs."""

    def __init__(self, gateway: PaymentGateway, pace: Pace, *, patience: float) -> None:
        self._gateway = gateway
        self._pace = pace
        self._patience = patience
        self._asked_at: dict[asyncio.Task[Any], float] = {}
        self._given_up: set[asyncio.Task[Any]] = set()

    async def ask(self, question: Question) -> Answer:
        """The answer. A charge that gets none is not asked for again: `finish` tells what became of it."""
        interrupted = False
        try:
            if question.finish:
                charged = await self._finished(question.key)
            else:
                try:
                    charged = await self._charged(question)
                except GatewayUnavailable:
                    charged = await self._what_became(question.key)
                    interrupted = charged.answer == "cancelled"
            if charged.answer == "action_required":  # nobody is there to consent (R96)
                charged = await without_consent(self._gateway, question.key, question.payment, charged)
        except GatewayUnavailable:
            return Answer(None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other accounts go on
            return Answer(None, fault=error)
        return Answer(charged.told, interrupted)

    async def watch(self) -> None:
        """Give up what has had no answer for too long, until cancelled. One watch for all costs less than a
        timer for each."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._patience / 4)
            too_old = loop.time() - self._patience
            for task in [task for task, asked_at in self._asked_at.items() if asked_at < too_old]:
                self._given_up.add(task)
                task.cancel()

    async def _charged(self, question: Question) -> Charged:
        payment = question.payment
        means = RENEWING if payment.purpose == "renewal" else SAVED_METHOD
        asked = question.key, question.account_id, payment.amount, question.currency, means
        return await self._answer(self._gateway.charge, *asked)

    async def _what_became(self, key: UUID) -> Charged:
        for pause in FINISH_PAUSES:
            try:
                return await self._finished(key)
            except GatewayUnavailable:
                await asyncio.sleep(pause)
        return await self._finished(key)

    async def _finished(self, key: UUID) -> Charged:
        return await self._answer(self._gateway.finish, key)

    async def _answer(self, ask: Callable[[*Ts], Awaitable[Charged]], *arguments: *Ts) -> Charged:
        """What the provider answers, asked again where it wants to be asked later."""
        task = asyncio.current_task()
        assert task is not None
        while True:
            if not self._pace.is_free:
                await self._pace.turn()
            self._asked_at[task] = asyncio.get_running_loop().time()
            try:
                return await ask(*arguments)
            except GatewayUnavailable as error:
                if error.retry_after is None:
                    raise
                self._pace.hold(error.retry_after)
            except asyncio.CancelledError:
                if task not in self._given_up:
                    raise
                task.uncancel()
                raise GatewayUnavailable("no answer in time") from None
            finally:
                del self._asked_at[task]
                self._given_up.discard(task)


class Collector:
    """Asks up to `in_flight` questions at once; `answered` is told each answer."""

    def __init__(
        self,
        provider: Provider,
        answered: Callable[[Question, Answer], None],
        *,
        in_flight: int,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._provider = provider
        self._answered = answered
        self._in_flight = in_flight
        self._tasks = tasks
        self._waiting: deque[Question] = deque()
        self._workers: list[asyncio.Task[None]] = []
        self._resting: list[asyncio.Future[None]] = []
        self._called = False
        """A worker was called that has not begun to work."""

    def __len__(self) -> int:
        """Questions that nobody has asked yet."""
        return len(self._waiting)

    def add(self, question: Question) -> None:
        """Ask it in its turn."""
        self._waiting.append(question)
        self._call()

    def take_back(self) -> list[Question]:
        """Ask none of those any more that nobody has asked yet; which these are."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def close(self) -> None:
        """End the workers; what is under way is cancelled."""
        for worker in self._workers:
            worker.cancel()

    def _call(self) -> None:
        """Call one worker: it calls the next one before it waits for an answer, if that has something to
        do."""
        if self._called or not self._waiting:
            return
        if self._resting:
            self._called = True
            self._resting.pop().set_result(None)
        elif len(self._workers) < self._in_flight:
            self._called = True
            self._workers.append(self._tasks.create_task(self._work()))

    async def _work(self) -> None:
        loop, asked = asyncio.get_running_loop(), 0
        while True:
            self._called = False
            while self._waiting:
                question = self._waiting.popleft()
                self._call()
                self._answered(question, await self._provider.ask(question))
                asked += 1
                if asked % 32 == 0:
                    await asyncio.sleep(0)  # a gateway in this process may answer without ever waiting
            called = loop.create_future()
            self._resting.append(called)
            await called
