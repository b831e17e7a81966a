"""Billing runs in memory, over the accounts of a world."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from domain.calendar import Instant
from domain.events import Clock
from domain.settle import next_due
from eventlog.errors import LogError
from eventlog.port import EventLog
from service.accounts import Accounts
from service.billing import BillingRun, kept
from service.billing.finding import Expected
from service.billing.run import System
from service.billing.states import BilledAccount, KeptState, Loaded
from service.completing import complete
from tests.support.service.world import World


class NoRivals:
    """The claims of a run that is the only one."""

    def began(self) -> datetime:
        return datetime.min.replace(tzinfo=UTC)

    def claim(
        self, clock: Clock, until: Instant, since: datetime, wanted: Collection[int], most: int
    ) -> list[int]:
        return sorted(wanted)[:most]

    def done(self, clock: Clock, until: Instant, since: datetime) -> set[int]:
        return set()

    def renew(self) -> None:
        """Nothing: nobody else claims."""

    def release(self, clock: Clock, parts: Collection[int], until: Instant | None) -> None:
        """Nothing: nobody else claims."""


class FoldedStates:
    """States that the service's own cache and log make, one after another: for logs in memory."""

    def __init__(self, accounts: Accounts, log: EventLog) -> None:
        self._accounts = accounts
        self._log = log

    def load(self, account_ids: Sequence[str], *, whole: bool = False) -> list[Loaded]:
        return [self._load(account_id) for account_id in account_ids]

    def keep(self, states: Sequence[KeptState]) -> None:
        """Nothing: the service's cache has them."""

    def _load(self, account_id: str) -> Loaded:
        try:
            loaded = complete(self._accounts.load(account_id))
        except LogError as error:
            return error
        if loaded.state is None:
            return LookupError(f"account {account_id!r} was never opened")
        last = self._log.event(account_id, loaded.head.version)
        return BilledAccount(account_id, loaded.state, loaded.head, None if last is None else last.event_id)


class ThroughKeptStates(FoldedStates):
    """States as they come back from where runs keep them: without the invoices up to then."""

    def load(self, account_ids: Sequence[str], *, whole: bool = False) -> list[Loaded]:
        found = super().load(account_ids)
        return found if whole else [_through_kept(loaded) for loaded in found]


def _through_kept(loaded: Loaded) -> Loaded:
    if not isinstance(loaded, BilledAccount):
        return loaded
    state = kept.decoded(kept.encoded(loaded.state))
    assert state is not None
    return replace(loaded, state=state)


class FoldingFinder:
    """A finder that folds every account of the log each time: never late."""

    def __init__(self, world: World) -> None:
        self._world = world

    def expected(self, clock: Clock, until: Instant) -> Expected:
        return Expected(len(self._found(clock, until)), frozenset({0}))

    def due(self, clock: Clock, until: Instant, part: int) -> Iterator[list[str]]:
        yield self._found(clock, until)

    def _found(self, clock: Clock, until: Instant) -> list[str]:
        found = []
        for account_id in self._world.log.accounts():
            state = self._world.service.account(account_id)
            assert state is not None
            due = next_due(state)
            pending = state.payment is not None or bool(state.standing.refunds)
            if state.clock == clock and (pending or (due is not None and due[1] <= until)):
                found.append(account_id)
        return found


def billing_in_memory(
    world: World,
    *,
    in_flight: int = 10,
    per_second: float | None = None,
    patience: float = 8.0,
    states: type[FoldedStates] = FoldedStates,
) -> BillingRun:
    """A run over all accounts of the world, alone."""
    return BillingRun(
        System(
            world.service,
            world.log,
            {"wall": world.gateway, "test": world.gateway},
            world.library,
            world.clock,
            states(world.accounts, world.log),
            FoldingFinder(world),
            NoRivals,
            lambda clock, first, last: {},
            in_flight=in_flight,
            per_second=per_second,
            patience=patience,
        )
    )
