"""Wire the packages together on real servers: the one place that chooses an implementation for each port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta

import msgspec

from eventlog.group_commit.threads import GroupedEventLog
from eventlog.postgres.log import PostgresEventLog
from prorata.settings import Settings
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.billing import BillingRun, ProjectedCalendar
from service.blocking import BlockingService
from service.catalogue_store import PostgresCatalogues
from service.catalogues import CatalogueLibrary
from service.clock import CheckedClock, Clock, SystemClock
from service.conversing import Ports
from service.gateways.postgres import PostgresTestGateway
from service.service import BillingService
from service.snapshots import PostgresSnapshots

PATIENCE = 10.0
"""Seconds for which a call tries to reach a lost server before it fails."""

GATEWAY_PATIENCE = 5.0
"""Seconds for the payment gateway: less than `Settings.recover_after`, so that a live process gives up
first."""

BILLING_WORKERS = 16
"""Bills twice as many accounts a second as 4 workers; 32 are no faster."""


class Running(msgspec.Struct, frozen=True):
    """The service and its parts, connected to its servers for the time of a `with`."""

    log: PostgresEventLog
    service: BlockingService
    catalogues: CatalogueLibrary
    billing: BillingRun
    clock: Clock


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
    """The service with its log, gateway, catalogues and billing run."""
    url = settings.database_url
    with ExitStack() as stack:
        log = stack.enter_context(opened_log(settings))
        snapshots = stack.enter_context(closing(PostgresSnapshots(url, patience=PATIENCE)))
        gateway = stack.enter_context(closing(PostgresTestGateway(url, patience=GATEWAY_PATIENCE)))
        catalogues = stack.enter_context(opened_catalogues(settings))
        calendar = stack.enter_context(closing(ProjectedCalendar(url, patience=PATIENCE)))
        limit = timedelta(seconds=settings.clock_limit)
        clock = CheckedClock(SystemClock(), log.server_time, limit=limit)
        account_log = BlockingLog(GroupedEventLog(log))
        ports = Ports(account_log, Accounts(account_log, snapshots), gateway)
        core = BillingService(
            ports,
            catalogues,
            clock,
            recover_after=timedelta(seconds=settings.recover_after),
            test_clocks=settings.test_clocks == "allowed",
        )
        service = BlockingService(core)
        billing = BillingRun(service, calendar, clock, workers=BILLING_WORKERS)
        yield Running(log, service, catalogues, billing, clock)
