"""Accounts that renew: a log filled with histories of a plan and two add-ons, and runs that renew them.

due = fill(url, accounts=20_000, months=24)      # when all of them renew next
renew(url, due)                                  # a billing run, as `prorata bill` makes it
due = next_month(url)
"""

from __future__ import annotations

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from multiprocessing import get_context
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.catalog import Catalogues, parse_catalog
from domain.settle import next_due
from eventlog.appending import chained_rows
from eventlog.codec import domain_codec
from eventlog.group_commit.threads import GroupedEventLog
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.row_encoding import COLUMNS
from eventlog.records import Append, Head, NewEvent
from projections.models import calendar
from prorata.simulation.run import VirtualAccount
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.billing import RunReport
from service.billing.opening import opened_billing
from service.blocking import BlockingService
from service.catalogue_store import PostgresCatalogues
from service.catalogue_versions import EXAMPLE
from service.catalogues import CatalogueLibrary
from service.clock import SystemClock
from service.conversing import Ports
from service.event_ids import new_event_id
from service.gateways.memory import MemoryTestGateway
from service.service import BillingService

BEGIN: Final = datetime(2024, 1, 15, 9, 0, tzinfo=UTC)
_AT_ONCE: Final = 2_000
_BOUGHT: Final[tuple[c.Command, ...]] = (
    c.PurchasePlan("standard"),
    c.PurchaseAddon("custom_domain"),
    c.PurchaseAddon("surveys"),
)


def account(nth: int) -> str:
    """The id of an account."""
    return f"bench/{nth:07}"


@lru_cache
def story(digest: str, months: int) -> tuple[tuple[NewEvent, ...], datetime]:
    """The events of an account with a plan and two add-ons after so many months, and when it renews next."""
    catalogues = Catalogues.always(parse_catalog(EXAMPLE.read_bytes()))
    virtual = VirtualAccount("EUR", "Europe/Paris", catalogues, BEGIN)
    for nth, command in enumerate(_BOUGHT):
        at = BEGIN + timedelta(days=nth)
        virtual.give(c.Request(command, at, "test", id=f"command-{nth}", cvv=True, billing=True))
    virtual.settle(BEGIN + months * timedelta(days=30.4375) + timedelta(days=2))
    assert virtual.state is not None
    due = next_due(virtual.state)
    assert due is not None
    codec, rows = domain_codec(), []
    for event in virtual.history:
        if isinstance(event, e.AccountOpened):
            event = replace(event, catalog=digest)
        event_type, version, state = codec.encode(event)
        given = None if event.command is None else event.command.id
        rows.append(NewEvent(UUID(int=0), given, event_type, version, event.at, None, state))
    return tuple(rows), due[1]


def fill(url: str, *, accounts: int, months: int, workers: int = 2) -> datetime:
    """Fill the log by COPY, and the calendar as a projector would; when all of the accounts renew next."""
    with closing(PostgresCatalogues(url)) as store:
        digest = CatalogueLibrary(store).pin(None)
    events, due = story(digest, months)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        spans = [(begin, min(begin + _AT_ONCE, accounts)) for begin in range(0, accounts, _AT_ONCE)]
        list(pool.map(partial(_copied, url, digest, months), spans))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """
            insert into projections.calendar
                (account_id, clock, due_at, pending_payment, recorded_at, version, revision, fold)
            select account_id, 'test', %s, false, recorded_at, version, position, %s
            from public.events where version = %s
            """,
            [due, calendar.FOLD.version, len(events)],
        )
    caught_up(url)
    return due


_COPY: Final = f"copy public.events ({', '.join(COLUMNS)}) from stdin (format binary)"
_TYPES: Final = (
    "text", "int8", "int2", "uuid", "text", "text", "int2", "timestamptz", "timestamptz", "text", "bytea",
    "bytea", "bytea",
)  # fmt: skip


def _copied(url: str, digest: str, months: int, span: tuple[int, int]) -> None:
    """Copy the histories of these accounts into the log, chained as appends chain them."""
    events, _ = story(digest, months)
    now = datetime.now(UTC)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        [[log_id]] = cursor.execute("select id from public.log").fetchall()
        with cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for nth in range(*span):
                rows = tuple([replace(row, event_id=new_event_id()) for row in events])
                for row in chained_rows(log_id, Append(account(nth), Head.NONE, rows), now):
                    copy.write_row(msgspec.structs.astuple(row)[1:])


def caught_up(url: str, due: datetime | None = None) -> None:
    """Bring the calendar up to date, as a projector would: everyone renews at that instant next."""
    with psycopg.connect(url, autocommit=True) as connection:
        if due is not None:
            connection.execute("update projections.calendar set due_at = %s", [due])
        connection.execute(
            """
            update projections.checkpoints c
            set position = e.position, hash = e.hash, fold = %s, turn = turn + 1
            from (select position, hash from public.events order by position desc limit 1) e
            where c.projection = 'calendar'
            """,
            [calendar.FOLD.version],
        )
        connection.execute("vacuum analyze projections.calendar")
        connection.execute("vacuum analyze public.events")


def month_after(due: datetime) -> datetime:
    """When they renew after that: on the same day of the next month, in Paris."""
    from zoneinfo import ZoneInfo

    local = due.astimezone(ZoneInfo("Europe/Paris"))
    year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    return local.replace(year=year, month=month).astimezone(UTC)


class Renewed(msgspec.Struct, frozen=True):
    """What a run did: accounts, seconds, and seconds of processor time of its process."""

    accounts: int
    seconds: float
    cpu: float
    began: float = 0.0
    ended: float = 0.0


def renew(url: str, until: datetime, delay: float = 0.0, in_flight: int = 1_000) -> Renewed:
    """Bill what is due, as `prorata bill` does, at a gateway in this process that takes so long."""
    with ExitStack() as stack:
        log = stack.enter_context(closing(PostgresEventLog(url)))
        store = stack.enter_context(closing(PostgresCatalogues(url)))
        library, gateway, clock = CatalogueLibrary(store), MemoryTestGateway(delay=delay), SystemClock()
        account_log = BlockingLog(GroupedEventLog(log))
        ports = Ports(account_log, Accounts(account_log), gateway)
        service = BlockingService(BillingService(ports, library, clock))
        billing = stack.enter_context(
            opened_billing(url, service, log, {"test": gateway}, library, clock, in_flight=in_flight)
        )
        cpu, began = _cpu(), time.time()
        report = billing.run_due("test", until)
        ended = time.time()
        _check(report)
        return Renewed(report.accounts, ended - began, _cpu() - cpu, began, ended)


def _check(report: RunReport) -> None:
    if report.failed or report.waiting or report.untaxed:
        raise RuntimeError(f"not everything was billed: {report}"[:2_000])


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
