"""Wire the packages together on real servers: the one place that chooses an implementation for each port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, contextmanager
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

import msgspec

from eventlog.group_commit.threads import GroupedEventLog
from eventlog.postgres.log import PostgresEventLog
from prorata.gateways import Gateways, opened_gateways
from prorata.settings import Settings
from service.account_log import BlockingLog
from service.account_log_asyncio import AsyncioAccountLog
from service.accounts import Accounts
from service.blocking import BlockingService
from service.catalogue_store import PostgresCatalogues
from service.catalogues import CatalogueLibrary
from service.clock import CheckedClock, Clock, SystemClock
from service.completing import OffLoop
from service.conversing import Ports
from service.gateways.port import PaymentGateway
from service.off_loop import ThreadsOffLoop
from service.service import BillingService
from service.snapshots import PostgresSnapshots
from service.turns import LoopTurns

if TYPE_CHECKING:
    from service.billing import BillingRun

PATIENCE = 10.0
"""Seconds for which a call tries to reach a lost server before it fails."""


class Running:
    """The service and its parts, connected to its servers for the time of a `with`."""

    def __init__(
        self,
        log: PostgresEventLog,
        service: BlockingService,
        catalogues: CatalogueLibrary,
        clock: Clock,
        gateways: Gateways,
        open_billing: Callable[[Running], BillingRun],
    ) -> None:
        self.log = log
        self.service = service
        self.catalogues = catalogues
        self.clock = clock
        self.gateways = gateways
        self._open_billing = open_billing

    @cached_property
    def billing(self) -> BillingRun:
        """The billing run, which connects when it is first asked for."""
        return self._open_billing(self)


@contextmanager
def opened_log(settings: Settings) -> Iterator[PostgresEventLog]:
    """The log only."""
    with closing(PostgresEventLog(settings.database_url, patience=PATIENCE)) as log:
        yield log


@contextmanager
def opened_catalogues(settings: Settings) -> Iterator[CatalogueLibrary]:
    """The catalogue's versions only."""
    with closing(PostgresCatalogues(settings.database_url, patience=PATIENCE)) as store:
        yield CatalogueLibrary(store)


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    """The service with its log, gateway and catalogues, and the billing run for those who ask for it."""
    url = settings.database_url
    with ExitStack() as stack:
        log = stack.enter_context(opened_log(settings))
        snapshots = stack.enter_context(closing(PostgresSnapshots(url, patience=PATIENCE)))
        gateways = stack.enter_context(opened_gateways(settings))
        catalogues = stack.enter_context(opened_catalogues(settings))
        clock = _clock(settings, log)
        account_log = BlockingLog(GroupedEventLog(log))
        ports = Ports(
            account_log, Accounts(account_log, snapshots), gateways.wall, test_gateway=gateways.test
        )
        wall_clock = gateways.serve_the_wall_clock
        service = BlockingService(_service(settings, ports, catalogues, clock, wall_clock=wall_clock))
        yield Running(log, service, catalogues, clock, gateways, partial(_open_billing, settings, stack))


def _open_billing(settings: Settings, stack: ExitStack, system: Running) -> BillingRun:
    from service.billing.opening import opened_billing

    return stack.enter_context(
        opened_billing(
            settings.database_url,
            system.service,
            system.log,
            {"wall": system.gateways.wall, "test": system.gateways.test},
            system.catalogues,
            system.clock,
            patience=PATIENCE,
            recover_after=timedelta(seconds=settings.recover_after),
            in_flight=settings.gateway_in_flight,
            per_second=settings.gateway_per_second,
        )
    )


class AsyncSystem(msgspec.Struct, frozen=True):
    """The service for the tasks of one event loop, connected to its servers for the time of an `async with`.
    No call of `service` holds the loop up; those of `catalogues` and `log` block (`off_loop`)."""

    service: BillingService
    log: PostgresEventLog
    catalogues: CatalogueLibrary
    clock: Clock
    gateway: PaymentGateway
    off_loop: ThreadsOffLoop


@asynccontextmanager
async def open_async_system(
    settings: Settings, *, gateway: PaymentGateway | None = None
) -> AsyncIterator[AsyncSystem]:
    """The service for a server: appends share commits, loads share statements, and the commands of one
    account wait for their turn. Several processes may each open one. `gateway`: in place of that of the
    settings; it stays open."""
    url = settings.database_url
    async with AsyncExitStack() as stack:
        off_loop = ThreadsOffLoop()
        stack.callback(off_loop.close)
        log = await stack.enter_async_context(AsyncioAccountLog(url, patience=PATIENCE))
        blocking = await asyncio.to_thread(_opened, settings, off_loop, gateway)
        stack.push_async_callback(asyncio.to_thread, blocking.closes.close)
        clock = _clock(settings, log.log)
        gateways, accounts, turns = blocking.gateways, Accounts(log, blocking.snapshots), LoopTurns()
        ports = Ports(log, accounts, gateways.wall, asyncio.sleep, off_loop, turns, gateways.test)
        wall_clock = gateways.serve_the_wall_clock
        service = _service(settings, ports, blocking.catalogues, clock, wall_clock=wall_clock)
        yield AsyncSystem(service, log.log, blocking.catalogues, clock, gateways.wall, off_loop)


class _Opened(msgspec.Struct, frozen=True):
    """What connects as it is made, which blocks."""

    snapshots: PostgresSnapshots
    catalogues: CatalogueLibrary
    gateways: Gateways
    closes: ExitStack


def _opened(settings: Settings, off_loop: OffLoop, gateway: PaymentGateway | None) -> _Opened:
    url = settings.database_url
    with ExitStack() as stack:
        snapshots = PostgresSnapshots(url, patience=PATIENCE, off_loop=off_loop)
        stack.callback(snapshots.close)
        catalogues = stack.enter_context(opened_catalogues(settings))
        if gateway is None:
            gateways = stack.enter_context(opened_gateways(settings))
        else:
            gateways = Gateways(gateway, gateway, serve_the_wall_clock=True)
        return _Opened(snapshots, catalogues, gateways, stack.pop_all())


def _clock(settings: Settings, log: PostgresEventLog) -> CheckedClock:
    return CheckedClock(SystemClock(), log.server_time, limit=timedelta(seconds=settings.clock_limit))


def _service(
    settings: Settings, ports: Ports, catalogues: CatalogueLibrary, clock: Clock, *, wall_clock: bool
) -> BillingService:
    return BillingService(
        ports,
        catalogues,
        clock,
        recover_after=timedelta(seconds=settings.recover_after),
        test_clocks=settings.test_clocks == "allowed",
        wall_clock=wall_clock,
    )
