"""The door to the billing run, for the terminal, scripts and tests."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final, TypeVar, TypeVarTuple

import msgspec

from domain import events as e
from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.errors import InvalidInput
from domain.events import Clock as ClockName
from domain.state import Account
from eventlog.codec import domain_codec
from eventlog.garbage_collection import without_garbage_collection
from eventlog.port import EventLog
from eventlog.records import Append
from service.billing.claims import Claims
from service.billing.collecting import Answer, Collector, Provider, Question
from service.billing.finding import PAGE, Finder
from service.billing.foreseeing import Before, Foreseeing, Foreseen
from service.billing.hands import Hand
from service.billing.pace import Pace
from service.billing.pipeline import Stages, ToAppend, Way
from service.billing.report import Progress, RunReport, Tally
from service.billing.sharing import Sharing
from service.billing.stage import Stage
from service.billing.states import KeptState, Loaded, States
from service.blocking import BlockingService
from service.catalogues import CatalogueLibrary
from service.clock import Clock
from service.gateways.port import PaymentGateway

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

IN_HAND: Final = 4_000
"""Accounts whose states are in memory: then nothing more is loaded."""

TO_ASK: Final = 2_000
"""Charges that wait in memory with their accounts' states, besides those under way; more are set aside."""

ASIDE: Final = 200_000
"""Charges that are set aside, of some 300 bytes each, before nothing more is issued."""

TELL_EVERY: Final = 0.5
"""Seconds between two reports of how far it is."""

COLLECT_EVERY: Final = 10.0
"""Seconds between two collections of garbage, which Python's own count would make hundreds of times a second:
they took a quarter of the run's time."""

_THREADS: Final = 8
_NO_CATALOGUES: Final = Catalogues(())


class System(msgspec.Struct, frozen=True):
    """What a run works on. `claims` makes the leases of a run; `before` knows what was billed a month before.

    `in_flight`: charges under way at once; `per_second`, `burst`: how fast the provider is asked, by default
    without a limit; `patience`: seconds after which it counts as silent, fewer than `recover_after`, the age
    at which others take a payment over.
    """

    service: BlockingService
    log: EventLog
    gateways: Mapping[ClockName, PaymentGateway]
    catalogues: CatalogueLibrary
    clock: Clock
    states: States
    finder: Finder
    claims: Callable[[], Claims]
    before: Before
    in_flight: int = 1_000
    per_second: float | None = None
    burst: float = 1.0
    patience: float = 8.0
    recover_after: timedelta = timedelta(seconds=30)


def _never() -> bool:
    return False


class BillingRun:
    """Settles what is due; one run after the other. Several processes share the work."""

    def __init__(
        self, system: System, run: Callable[[Coroutine[Any, Any, RunReport]], RunReport] = asyncio.run
    ) -> None:
        """`run`: runs a coroutine in an event loop."""
        self._system = system
        self._in_loop = run

    def run_due(
        self,
        lives_on: ClockName,
        until: Instant,
        progress: Progress | None = None,
        *,
        stopped: Callable[[], bool] = _never,
    ) -> RunReport:
        """Settle every account of the clock up to the instant, its boundaries included. One that fails is
        reported, and the others go on. `stopped`: once it returns True, the run ends after what is under way.

        Raises InvalidInput `until_in_future` on the wall clock, `test_clocks_refused`,
        `test_gateway_refused`, and LogUnavailable, WrongDatabase or ClockAhead where no account could go on.
        """
        self.check(lives_on, until)
        with without_garbage_collection(), ThreadPoolExecutor(_THREADS, "billing") as threads:
            run = _Run(self._system, threads, lives_on, until, progress, stopped)
            return self._in_loop(run.settle())

    def check(self, lives_on: ClockName, until: Instant) -> None:
        """Raise InvalidInput `until_in_future` or `test_clocks_refused`."""
        self._system.service.check_clock(lives_on)
        if lives_on == "wall" and until > self._system.clock.now():
            message = (
                f"{until.isoformat()} lies in the future: on the wall clock nothing is billed before its time"
            )
            raise InvalidInput("until_in_future", "$.until", message)

    def foresee(self, lives_on: ClockName, until: Instant) -> Foreseen:
        """What `run_due` would bill, every charge taken as paid; nothing is changed. Raises as that does."""
        self.check(lives_on, until)
        system = self._system
        foreseeing = Foreseeing(lives_on, until, system.catalogues.series_for)
        return foreseeing.foresee(system.finder, system.states, system.before)


class _Run:
    """One run: its stages, and what is in hand."""

    def __init__(
        self,
        system: System,
        threads: ThreadPoolExecutor,
        lives_on: ClockName,
        until: Instant,
        progress: Progress | None,
        stopped: Callable[[], bool],
    ) -> None:
        self._system = system
        self._threads = threads
        self._lives_on: ClockName = lives_on
        self._until = until
        self._progress = progress
        self._stopped = stopped
        self._codec = domain_codec()
        self._tally = Tally()
        self._hands: dict[str, Hand] = {}
        self._aside: deque[Hand] = deque()

    async def settle(self) -> RunReport:
        """Settle all that is found."""
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._over, self._room = asyncio.Event(), asyncio.Event()
        system = self._system
        self._loads = Stage(self._load, most=PAGE)
        self._appends = Stage(self._append, most=PAGE)
        self._keeps = Stage(self._keep, most=PAGE)
        self._alone = Stage(self._settle_alone, most=1)
        stages = Stages(
            self._appends.add, self._ask, self._loads.add, self._alone.add, self._keeps.add, self._left
        )
        self._way = Way(stages, self._tally, self._until, system.recover_after, system.clock.now)
        self._sharing = Sharing(
            system.claims(), system.finder, self._lives_on, self._until, self._in_thread, self._stopped
        )
        try:
            await self._work()
        except BaseExceptionGroup as group:
            raise _first(group) from None
        finally:
            await self._sharing.abandon()
        report = self._report()
        if self._progress is not None:
            self._progress(report)
        return report

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            pace = Pace(self._system.per_second, self._system.burst)
            provider = Provider(self._system.gateways[self._lives_on], pace, patience=self._system.patience)
            self._collector = Collector(
                provider, self._answered, in_flight=self._system.in_flight, tasks=tasks
            )
            tasks.create_task(self._find())
            twice = (self._loads, self._appends)
            running = [tasks.create_task(stage.run()) for stage in (*twice, *twice, self._keeps)]
            running += [tasks.create_task(self._alone.run()) for _ in range(4)]
            further = (provider.watch(), self._sharing.renew(), self._tell())
            running += [tasks.create_task(work) for work in further]
            await self._over.wait()
            await self._keeps.drained()
            for task in running:
                task.cancel()
            self._collector.close()

    # ---- found and loaded ----------------------------------------------------

    async def _find(self) -> None:
        system = self._system
        expected = await self._in_thread(system.finder.expected, self._lives_on, self._until)
        self._tally.expected = expected.accounts
        await self._sharing.find(expected, self._found)
        self._look_whether_over()

    async def _found(self, part: int, page: list[str]) -> int:
        new = [account_id for account_id in page if account_id not in self._hands]
        for account_id in new:
            hand = self._hands[account_id] = Hand(account_id, part)
            self._loads.add(hand)
        while self._in_memory >= IN_HAND + self._system.in_flight or len(self._aside) >= ASIDE:
            self._room.clear()
            await self._room.wait()
        return len(new)

    @property
    def _in_memory(self) -> int:
        return len(self._hands) - len(self._aside)

    async def _load(self, hands: list[Hand]) -> None:
        whole = [hand for hand in hands if hand.whole]
        for alike in ([hand for hand in hands if not hand.whole], whole):
            loaded = await self._in_thread(self._loaded, alike, alike is whole) if alike else []
            for hand, (found, catalogues) in zip(alike, loaded, strict=True):
                if catalogues is None:
                    self._left(hand, False)  # it lives on the other clock
                else:
                    self._way.begin(hand, found, catalogues)

    def _loaded(self, hands: Sequence[Hand], whole: bool) -> list[tuple[Loaded, Catalogues | None]]:  # noqa: FBT001
        """The accounts and their catalogues, which may have to be read; None: on the other clock."""
        system = self._system
        if self._lives_on == "wall":
            system.clock.now()  # nobody is billed by a clock that is ahead
        wall: Catalogues | None = None
        found: list[tuple[Loaded, Catalogues | None]] = []
        for loaded in system.states.load([hand.account_id for hand in hands], whole=whole):
            if loaded is None or isinstance(loaded, Exception):
                found.append((loaded, _NO_CATALOGUES))
                continue
            state = loaded.state
            if state.clock != self._lives_on:
                found.append((loaded, None))
            elif state.catalog is None:
                wall = system.catalogues.series_for(state) if wall is None else wall
                found.append((loaded, wall))
            else:
                found.append(self._with_own(loaded, state))
        return found

    def _with_own(self, loaded: Loaded, state: Account) -> tuple[Loaded, Catalogues]:
        try:
            return loaded, self._system.catalogues.series_for(state)
        except Exception as error:  # noqa: BLE001 - it concerns this account alone
            return error, _NO_CATALOGUES

    # ---- appended and kept ---------------------------------------------------

    async def _append(self, given: list[ToAppend]) -> None:
        appends = [Append(one.hand.account_id, one.hand.head, one.rows) for one in given]
        outcomes = await self._in_thread(self._system.log.append_many, appends)
        for one, outcome in zip(given, outcomes, strict=True):
            self._way.appended(one, outcome)

    async def _keep(self, states: list[KeptState]) -> None:
        latest = {one.account_id: one for one in states}
        await self._in_thread(self._system.states.keep, list(latest.values()))

    async def _settle_alone(self, hands: list[Hand]) -> None:
        [hand] = hands
        outcome, state = await self._in_thread(self._settled_alone, hand.account_id)
        self._way.settled_alone(hand, outcome, state)

    def _settled_alone(self, account_id: str) -> tuple[Sequence[e.Event] | Exception, Account | None]:
        service, log = self._system.service, self._system.log
        try:
            before = log.head(account_id).version
            state = service.account(account_id)
            if state is None or state.clock != self._lives_on:
                return (), None
            service.settle(account_id, self._until)
            recorded = self._codec.read_all(log.read_account(account_id, before))
            return recorded, service.account(account_id)
        except Exception as error:  # noqa: BLE001 - it concerns this account alone, or ends the run
            return error, None

    # ---- collected -----------------------------------------------------------

    def _ask(self, question: Question, hand: Hand) -> None:
        if self._stopped():
            self._way.answered(hand, Answer(None))
        elif len(self._collector) >= TO_ASK + self._system.in_flight and not question.finish:
            hand.put_down()
            self._aside.append(hand)
            self._room.set()
        else:
            self._collector.add(question)

    def _answered(self, question: Question, answer: Answer) -> None:
        self._way.answered(self._hands[question.account_id], answer)
        if self._aside and len(self._collector) <= (TO_ASK + self._system.in_flight) // 2:
            for _ in range(min(PAGE, len(self._aside))):
                self._loads.add(self._aside.popleft())

    def _left(self, hand: Hand, later: bool) -> None:  # noqa: FBT001
        del self._hands[hand.account_id]
        self._sharing.settled(hand.part, complete=not later)
        self._room.set()
        self._look_whether_over()

    def _look_whether_over(self) -> None:
        if self._sharing.rests:
            self._over.set()

    # ---- told ----------------------------------------------------------------

    async def _tell(self) -> None:
        collected = self._began
        while True:
            await asyncio.sleep(TELL_EVERY)
            if self._loop.time() >= collected + COLLECT_EVERY:
                gc.collect()
                collected = self._loop.time()
            if self._progress is not None:
                self._progress(self._report())
            if self._stopped():
                for question in self._collector.take_back():
                    self._way.answered(self._hands[question.account_id], Answer(None))
                while self._aside:
                    self._way.answered(self._aside.popleft(), Answer(None))

    def _report(self) -> RunReport:
        return self._tally.report(self._loop.time() - self._began)

    async def _in_thread(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await self._loop.run_in_executor(self._threads, work, *arguments)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first: the others were cancelled for it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
