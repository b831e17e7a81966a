"""Processes of the service that take turns at every instruction, as a seed says, and may die at any of them.

    world = Interleaved(seed)
    world.begin("one", process.say(line)); world.begin("two", other.say(line))
    world.run()

Each process has its own cache and stops before and after every call of the log and of the gateway; which one
goes on is drawn each time. One that dies goes on no more, as after kill -9: nothing of it runs again.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, Literal
from uuid import UUID

from domain.errors import Failure
from eventlog import Head, NewEvent, StoredEvent
from eventlog.memory import MemoryEventLog
from service.account_log import AccountLog, BlockingLog
from service.accounts import Accounts
from service.catalogue_store import MemoryCatalogues
from service.catalogues import CatalogueLibrary
from service.clock import FixedClock
from service.commands import AnswerLine
from service.conversing import Ports
from service.errors import GatewayUnavailable
from service.gateways.port import Charged, Confirmation, Means, RefundMade
from service.service import BillingService
from service.session import CommandSession
from tests.support.service.late_gateway import LateGateway
from tests.support.service.world import NOW

FAULTS: Final = 0.04
"""How often a call of the gateway gets no answer, before or after it was done."""


class Instruction:
    """A moment at which another process may go on."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __await__(self) -> Generator[Instruction, None, None]:
        yield self


class SteppedLog:
    """A log whose calls are instructions."""

    def __init__(self, log: AccountLog) -> None:
        self._log = log

    async def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        await Instruction("before append")
        stored = await self._log.append(account_id, head, events)
        await Instruction("after append")
        return stored

    async def head(self, account_id: str) -> Head:
        await Instruction("head")
        return await self._log.head(account_id)

    async def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        await Instruction("read")
        return await self._log.read_account(account_id, after_version, limit)

    async def event(self, account_id: str, version: int) -> StoredEvent | None:
        await Instruction("event")
        return await self._log.event(account_id, version)

    async def find_command(self, account_id: str, command_id: str) -> list[StoredEvent]:
        await Instruction("find")
        return await self._log.find_command(account_id, command_id)


class SteppedGateway(LateGateway):
    """A provider whose calls are instructions, and whose answers may be lost."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self.faults = FAULTS
        self.charged_amounts: dict[UUID, list[Decimal]] = {}
        """What was decided to be charged under each key, each time."""

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        await self._may_fail("before charge")
        charged = await super().charge(key, account_id, amount, currency, means)
        await self._may_fail("after charge")
        return charged

    async def finish(self, key: UUID) -> Charged:
        await self._may_fail("before finish")
        finished = await super().finish(key)
        await self._may_fail("after finish")
        return finished

    async def cancel(self, key: UUID) -> Charged:
        await self._may_fail("before cancel")
        cancelled = await super().cancel(key)
        await self._may_fail("after cancel")
        return cancelled

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        await self._may_fail("before refund")
        made = await super().refund(key, charge, account_id, amount, currency)
        await self._may_fail("after refund")
        return made

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        await self._may_fail("before saving")
        await super().save_method(account_id, method)
        await self._may_fail("after saving")

    def _list(
        self,
        kind: Literal["charge", "refund"],
        key: UUID,
        charge: UUID,
        account_id: str,
        amount: Decimal,
        currency: str,
    ) -> None:
        super()._list(kind, key, charge, account_id, amount, currency)
        if kind == "charge":
            self.charged_amounts.setdefault(key, []).append(amount)

    async def _may_fail(self, moment: str) -> None:
        await Instruction(moment)
        if self._random.random() < self.faults:
            raise GatewayUnavailable(moment)


class Process:
    """One process of the service, with its own cache."""

    def __init__(self, world: Interleaved) -> None:
        log = SteppedLog(BlockingLog(world.log))
        library = CatalogueLibrary(world.store, good_for=0.0)
        ports = Ports(log, Accounts(log), world.gateway, world.sleep)
        self.service = BillingService(ports, library, world.clock, recover_after=timedelta(seconds=10))
        self.session = CommandSession(self.service, library, world.clock, tenant="main", lives_on="wall")

    async def say(self, line: bytes) -> AnswerLine | str:
        """The answer to a line on the wall clock, or the code of why there is none."""
        try:
            return await self.session.answer(line)
        except Failure as failure:
            return failure.code


class Interleaved:
    """The log, the provider and the clock that the processes share."""

    def __init__(self, seed: int, *, deaths: float = 0.01) -> None:
        self.random = Random(seed)
        self.clock = FixedClock(NOW)
        self.log = MemoryEventLog(clock=self.clock.now)
        self.store = MemoryCatalogues()
        self.gateway = SteppedGateway(self.random)
        self.gateway.now = self.clock.now
        self.deaths = deaths
        self.died = 0
        self.moments: set[str] = set()
        """The instructions at which a process died."""
        self._running: list[Coroutine[Any, Any, Any]] = []
        self._dead: list[Coroutine[Any, Any, Any]] = []

    def process(self) -> Process:
        """Another process."""
        return Process(self)

    async def sleep(self, seconds: float) -> None:
        """Time passes for everybody."""
        self.clock.advance(timedelta(seconds=seconds))
        await Instruction("sleep")

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let a process do this, from the next turn on."""
        self._running.append(work)

    def run(self) -> None:
        """Let all processes take turns until each has ended or died. Some stand still for a while, in which
        the others may take over what is theirs."""
        still: list[Coroutine[Any, Any, Any]] = []
        while self._running or still:
            if not self._running or (still and self.random.random() < 0.02):
                self._running.append(still.pop())
            work = self.random.choice(self._running)
            try:
                instruction: Instruction = work.send(None)
            except StopIteration:
                self._running.remove(work)
                continue
            self._happens(work, instruction, still)

    def _happens(
        self, work: Coroutine[Any, Any, Any], instruction: Instruction, still: list[Coroutine[Any, Any, Any]]
    ) -> None:
        """What may happen to a process at an instruction, most of all where it is about to write."""
        often = 3 if instruction.name.startswith(("before", "after")) else 1
        drawn = self.random.random()
        if drawn < self.deaths * often:
            self._running.remove(work)
            self._dead.append(work)
            self.died += 1
            self.moments.add(instruction.name)
        elif drawn < 2 * self.deaths * often:
            self._running.remove(work)
            still.append(work)
            self.clock.advance(timedelta(seconds=12))
        elif drawn > 0.99:
            self.clock.advance(timedelta(seconds=self.random.choice((0.1, 3))))

    def done(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What it returns, when nothing fails and nobody else is there."""
        while True:
            try:
                work.send(None)
            except StopIteration as ended:
                return ended.value

    def bury(self) -> None:
        """Let go of the dead, once everything was looked at."""
        for work in self._dead:
            work.close()
