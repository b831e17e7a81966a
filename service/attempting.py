"""Attempts at one account's work until none is lost: load, let the domain decide, record; on a lost race,
anew. `service.service` says what the work is."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TypeAlias, TypeVar

from msgspec.structs import replace

from domain.answers import Answer, answer_of
from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.commands import Command, Request
from domain.decide import Repeated
from domain.errors import InvalidCatalog, InvalidInput
from domain.events import Clock as ClockName
from domain.state import Account, RecordedCommand
from eventlog.codec import domain_codec
from eventlog.errors import VersionConflict
from service.accounts import LoadedAccount, is_at
from service.answering import (
    EVENTS_OF_A_COMMAND,
    GivenCommand,
    credit_applied_with,
    first_recorded,
    own_events,
    too_early,
)
from service.catalogues import CatalogueLibrary
from service.clock import Clock
from service.completing import OffLoop
from service.conversing import Attempt, Ports
from service.errors import Contended
from service.gateways.port import SAVED_METHOD, Confirmation, Means
from service.recovery import Recovery, UnansweredPayment

Result = TypeVar("Result")
Decide: TypeAlias = Callable[[Account | None, Request, Catalogues], Awaitable[Answer | Repeated]]


class Attempting:
    """What an attempt works on, and how what it decides becomes an answer. The settings are those of
    `service.service.BillingService`."""

    def __init__(
        self,
        ports: Ports,
        catalogues: CatalogueLibrary,
        clock: Clock,
        *,
        recover_after: timedelta = timedelta(seconds=30),
        payment_wait: timedelta = timedelta(seconds=2),
        attempts: int = 100,
        test_clocks: bool = True,
        wall_clock: bool = True,
    ) -> None:
        self._ports = ports
        self._catalogues = catalogues
        self._clock = clock
        self._recovery = Recovery(ports, clock, recover_after, catalogues.series_for)
        self._payment_wait = payment_wait
        self._attempts = attempts
        self._test_clocks = test_clocks
        self._wall_clock = wall_clock
        self._codec = domain_codec()

    @property
    def ports(self) -> Ports:
        """What it works on."""
        return self._ports

    @property
    def off_loop(self) -> OffLoop:
        """Runs what blocks."""
        return self._ports.off_loop

    async def account(self, account_id: str) -> Account | None:
        """The account as it is in the log now; None: never opened."""
        return (await self._ports.accounts.load(account_id)).state

    async def last_seen(self, account_id: str) -> Account | None:
        """The account as last seen: good for what never changes (currency, zone, clock, catalogue)."""
        recalled = self._ports.accounts.recall(account_id)
        return await self.account(account_id) if recalled is None else recalled.state

    def check_clock(self, clock: ClockName) -> None:
        """Raise InvalidInput `test_clocks_refused` where that clock is forbidden here (R97), or
        `test_gateway_refused` where nothing but the test gateway could charge on the wall clock."""
        if clock == "test" and not self._test_clocks:
            message = "this system takes no accounts on a test clock (PRORATA_TEST_CLOCKS=refused)"
            raise InvalidInput("test_clocks_refused", "", message)
        if clock == "wall" and not self._wall_clock:
            message = (
                "the test gateway charges nobody, so it serves no account on the wall clock: choose a "
                "payment provider (PRORATA_GATEWAY), or to try Prorata out set PRORATA_ALLOW_TEST_GATEWAY=1"
            )
            raise InvalidInput("test_gateway_refused", "", message)

    async def attempted(self, account_id: str, work: Callable[[Attempt], Awaitable[Result | None]]) -> Result:
        """What the work returns of the account as it is now, once it loses no race."""
        return await self._until_won(account_id, work, fresh=True)

    async def _until_won(
        self,
        account_id: str,
        work: Callable[[Attempt], Awaitable[Result | None]],
        means: Means = SAVED_METHOD,
        method: Confirmation | None = None,
        actor: str | None = None,
        *,
        fresh: bool = False,
        waiting: UnansweredPayment | None = None,
    ) -> Result:
        """What the work returns once it loses no race, begun when it is this caller's turn at the account.
        Where it returns None the account has changed, and it is done again. `waiting`: what the work waits
        for another's payment, which is over where that is why its turn did not come."""
        turns = self._ports.turns
        has_turn = await turns.take(account_id)
        if not has_turn and waiting is not None:
            waiting.left -= turns.patience
        try:
            return await self._won(account_id, work, means, method, actor, fresh=fresh)
        finally:
            if has_turn:
                turns.pass_on(account_id)

    async def _won(
        self,
        account_id: str,
        work: Callable[[Attempt], Awaitable[Result | None]],
        means: Means = SAVED_METHOD,
        method: Confirmation | None = None,
        actor: str | None = None,
        *,
        fresh: bool = False,
    ) -> Result:
        """What the work returns once it loses no race."""
        lost = 0
        for _ in range(self._attempts):
            recalled = None if fresh else self._ports.accounts.recall(account_id)
            loaded = recalled or await self._ports.accounts.load(account_id)
            await self._look_around(loaded.state)
            attempt = Attempt(
                self._ports,
                account_id,
                loaded,
                confirmed=recalled is None,
                means=means,
                method=method,
                actor=actor,
            )
            try:
                result = await work(attempt)
            except VersionConflict:
                await self._conclude_left_open(attempt)
                result = None
                lost += 1
                await self._ports.sleep(random.uniform(0, min(0.2, 0.002 * 2**lost)))  # noqa: S311 - jitter
            if result is not None:
                return result
            fresh = True
        raise Contended(account_id, self._attempts)

    async def _look_around(self, state: Account | None) -> None:
        """See which catalogues there are, and what time it is, where that was not looked at for a while: then
        no decision has to wait for it."""
        if not self._catalogues.knows(state):
            own = None if state is None else state.catalog
            await self._ports.off_loop(partial(self._catalogues.look, state), f"catalogues {own}")
        if not self._clock.is_checked():
            await self._ports.off_loop(self._clock.check, "clock")

    async def _give(self, attempt: Attempt, request: Request, decide: Decide) -> GivenCommand | None:
        """The answer on the attempt's state. None: the state was stale and the answer records nothing, so it
        is given only at the log's head."""
        self.check_clock(request.clock)
        state = await self._with_forgotten_id(attempt.account_id, attempt.state, request)
        request = self._at_its_instant(request, state)
        early = too_early(request, state)
        outcome: Answer | Repeated | InvalidInput
        try:
            outcome = early or await decide(state, request, self._catalogues.series_for(state))
        except InvalidCatalog as error:  # what a `catalog` command makes of the account's own
            outcome = error
        if not attempt.confirmed and not await self._at_head(attempt.account_id, attempt.loaded):
            return None
        if isinstance(outcome, InvalidInput):
            raise outcome
        if isinstance(outcome, Repeated):
            assert state is not None
            return await self._as_recorded(attempt.account_id, request.command, outcome.version)
        version = attempt.left_at
        if version is None and attempt.state is not None:
            version = attempt.state.version
        return GivenCommand(outcome, version, attempt.position)

    async def _conclude_left_open(self, attempt: Attempt) -> None:
        if attempt.left_open is not None:
            await self._recovery.conclude_own(attempt.account_id, attempt.left_open)

    async def _with_forgotten_id(
        self, account_id: str, state: Account | None, request: Request
    ) -> Account | None:
        """The state with the request's command id, where it is one of those that states forget."""
        if (
            state is None
            or request.id is None
            or not state.forgotten_commands
            or request.id in state.commands
        ):
            return state
        first = first_recorded(await self._ports.log.find_command(account_id, request.id))
        if first is None:
            return state
        command = self._codec.read(first).command
        assert command is not None
        assert command.fingerprint is not None
        recorded = RecordedCommand(first.version, command.fingerprint)
        return replace(state, commands={**state.commands, request.id: recorded})

    def _at_its_instant(self, request: Request, state: Account | None) -> Request:
        """The request at its instant."""
        if request.clock == "test":
            return request
        return replace(request, at=self._clock.now() if state is None else self._instant(state, None))

    def _instant(self, state: Account, at: Instant | None) -> Instant:
        """The present of the account: on the wall clock max(now, its last instant), on a test clock `at`."""
        now = self._clock.now() if state.clock == "wall" else at
        return state.last_at if now is None else max(now, state.last_at)

    async def _at_head(self, account_id: str, loaded: LoadedAccount) -> bool:
        return is_at(loaded.head, await self._ports.log.head(account_id))

    async def _as_recorded(self, account_id: str, command: Command, version: int) -> GivenCommand:
        """The answer that the recorded events of a command make, the first of which is this version: of the
        account as they left it, by the catalogues known then."""
        stored = await self._ports.log.read_account(account_id, version - 1, EVENTS_OF_A_COMMAND)
        own = own_events(stored)
        left_at = own[-1].version + credit_applied_with(own[-1], stored)
        state = await self._ports.accounts.as_of(account_id, left_at)
        known = self._catalogues.series_for(state, known_at=own[-1].effective_at)
        events = [self._codec.read(row) for row in own]
        return GivenCommand(answer_of(command, events, state, known), left_at)
