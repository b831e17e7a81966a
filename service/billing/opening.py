"""The billing run on a migrated PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta

from domain.events import Clock as ClockName
from eventlog.port import EventLog
from projections import MIGRATIONS
from service.billing.claims import PostgresClaims
from service.billing.finding import CalendarFinder
from service.billing.foreseeing import InvoicedBefore
from service.billing.run import BillingRun, System
from service.billing.states import PostgresStates
from service.blocking import BlockingService
from service.catalogues import CatalogueLibrary
from service.clock import Clock
from service.gateways.port import PaymentGateway
from service.schema import connect


@contextmanager
def opened_billing(
    database_url: str,
    service: BlockingService,
    log: EventLog,
    gateways: Mapping[ClockName, PaymentGateway],
    catalogues: CatalogueLibrary,
    clock: Clock,
    *,
    patience: float = 10.0,
    recover_after: timedelta = timedelta(seconds=30),
    in_flight: int = 1_000,
    per_second: float | None = None,
) -> Iterator[BillingRun]:
    """A billing run whose finder, states and claims are the database's; `recover_after` is the
    service's. All its runs share one event loop, since adapters of gateways keep connections for theirs."""
    with (
        closing(connect(database_url, "prorata billing", limit=6, patience=patience)) as own,
        closing(
            connect(database_url, "prorata calendar", limit=2, patience=patience, source=MIGRATIONS)
        ) as calendar,
        asyncio.Runner() as loop,
    ):
        yield BillingRun(
            System(
                service,
                log,
                gateways,
                catalogues,
                clock,
                PostgresStates(own),
                CalendarFinder(calendar),
                lambda: PostgresClaims(own),
                InvoicedBefore(calendar),
                in_flight=in_flight,
                per_second=per_second,
                burst=per_second or 1.0,
                patience=max(1.0, 0.8 * recover_after.total_seconds()),
                recover_after=recover_after,
            ),
            loop.run,
        )
