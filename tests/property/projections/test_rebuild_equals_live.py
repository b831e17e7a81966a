"""Invariant 5 of the rules through PostgreSQL: whatever was commanded, and however the log was cut into
pages, the live tables, the tables rebuilt from empty and the folds of the log say the same."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Struct

from domain.commands import (
    BuyCredits,
    CancelPlan,
    ChangePlan,
    ChangeTransactional,
    CloseAccount,
    Command,
    CreditNote,
    GrantDiscount,
    LoseDispute,
    OpenDispute,
    PausePlan,
    PayBalance,
    PayOut,
    PurchaseAddon,
    PurchasePlan,
    RecordPayment,
    Reissue,
    RemoveAddon,
    ResumePlan,
    SetTaxProfile,
    StartTransactional,
    StopTransactional,
    TopUpTransactional,
    Undo,
    WinDispute,
    WriteOff,
)
from eventlog.postgres.log import PostgresEventLog
from projections.live.projector import Projector
from projections.rebuild.rebuilding import rebuild
from projections.registry import ADDED, ALL
from tests.support.domain.catalogs import SHIPPED
from tests.support.projections.fold_driver import TAXED, Billing
from tests.support.projections.read_models import all_rows, folded, shown
from tests.support.servers import NewDatabase

ACCOUNTS = ("acme/a", "acme/b", "acme/c")


class Give(Struct, frozen=True):
    """A command to an account, some days later."""

    account: str
    command: Command
    days: int
    pay: Literal["paid", "declined"] | None


class Settle(Struct, frozen=True):
    """What is due of the account, some days later."""

    account: str
    days: int
    pay: Literal["paid", "declined"] | None


class Recover(Struct, frozen=True):
    """The answer of a payment that has none, if there is such a one."""

    account: str
    answer: Literal["paid", "declined", "cancelled"]


class Project(Struct, frozen=True):
    """Some pages of the log; by a projector that remembers, or by a new one."""

    page: int
    pages: int
    anew: bool


class Refunds(Struct, frozen=True):
    """How every refund is answered from now on."""

    answer: Literal["refunded", "failed", "unknown"]


Step = Give | Settle | Recover | Project | Refunds

account = st.sampled_from(ACCOUNTS)
days = st.integers(0, 40)
pay = st.sampled_from(["paid", "paid", "paid", "declined", None])
family = st.sampled_from(list(SHIPPED.families))
plan = st.sampled_from([(p.id, tier) for p in SHIPPED.plans.values() for tier in p.tiers])
add_on = st.sampled_from(list(SHIPPED.add_ons))
blocks = st.integers(1, 45)

command: st.SearchStrategy[Command] = st.one_of(
    plan.map(lambda chosen: PurchasePlan(*chosen)),
    plan.map(lambda chosen: ChangePlan(*chosen)),
    family.map(CancelPlan),
    st.builds(PausePlan, family, st.none() | st.dates(date(2026, 1, 1), date(2027, 6, 1))),
    family.map(ResumePlan),
    add_on.map(PurchaseAddon),
    add_on.map(RemoveAddon),
    (add_on | st.sampled_from(list(SHIPPED.plans))).map(Undo),
    st.sampled_from(list(SHIPPED.credits)).map(BuyCredits),
    blocks.map(StartTransactional),
    blocks.map(ChangeTransactional),
    blocks.map(TopUpTransactional),
    st.builds(StopTransactional),
    st.builds(PayBalance),
    st.builds(CloseAccount),
)
invoice = st.integers(1, 4)
second_part: st.SearchStrategy[Command] = st.one_of(
    st.builds(SetTaxProfile, st.sampled_from(["FR", "DE"]), st.sampled_from(["consumer", "business"])),
    st.builds(CreditNote, invoice, st.just("goodwill"), to=st.sampled_from(["payment_method", "account"])),
    st.builds(CreditNote, invoice, st.just("other"), line=st.just(1), net=st.sampled_from(["1.00", "3.33"])),
    st.builds(GrantDiscount, percent=st.sampled_from(["15", "100"]), duration=st.sampled_from(["once", 3])),
    st.builds(GrantDiscount, fixed=st.just("7.00"), carried=st.sampled_from([True, UNSET])),
    st.builds(RecordPayment, st.sampled_from(["2.00", "50.00"])),
    st.builds(PayOut),
    *[st.builds(kind, invoice) for kind in (OpenDispute, WinDispute, LoseDispute, Reissue, WriteOff)],
)
step: st.SearchStrategy[Step] = st.one_of(
    st.builds(Give, account, command, days, pay),
    st.builds(Give, account, command, days, pay),
    st.builds(Give, account, second_part, days, pay),
    st.builds(Settle, account, days, pay),
    st.builds(Refunds, st.sampled_from(["refunded", "failed", "unknown"])),
    st.builds(Recover, account, st.sampled_from(["paid", "declined", "cancelled"])),
    st.builds(Project, st.integers(1, 7), st.integers(1, 3), st.booleans()),
)


class World:
    """Accounts on a log, a clock that only goes on, and projectors at work."""

    def __init__(self, database_url: str, log: PostgresEventLog) -> None:
        self._database_url = database_url
        self._log = log
        self._today = datetime(2026, 1, 15, 10, tzinfo=UTC)
        self._projectors: dict[int, Projector] = {}
        self.billing = Billing(log)
        for account_id in ACCOUNTS:
            self.billing.open(account_id, self._later(0))
            self.billing.give(account_id, SetTaxProfile("DE", "consumer", region="HEL"), self._later(0))
        self.billing.catalogues = TAXED

    def take(self, step: Step) -> None:
        billing = self.billing
        match step:
            case Give():
                billing.give(step.account, step.command, self._later(step.days), pay=step.pay)
            case Settle():
                until = self._later(step.days)
                if billing.states[step.account].payment is None:
                    billing.settle(step.account, until, pay=step.pay)
            case Recover():
                if billing.states[step.account].payment is not None:
                    billing.recover(step.account, step.answer)
            case Project():
                self._project(step)
            case Refunds():
                billing.refunds = step.answer

    def close(self) -> None:
        for projector in self._projectors.values():
            projector.close()

    def _later(self, more: int) -> str:
        self._today += timedelta(days=more)
        return self._today.isoformat()

    def _project(self, step: Project) -> None:
        if step.anew and step.page in self._projectors:
            self._projectors.pop(step.page).close()
        if step.page not in self._projectors:
            self._projectors[step.page] = Projector(
                self._database_url, self._log, page=step.page, cached_accounts=2
            )
        for _ in range(step.pages):
            self._projectors[step.page].run_page()


@pytest.mark.timeout(300)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(step, min_size=5, max_size=40))
def test_live_rows_rebuilt_rows_and_folds_are_the_same(steps: list[Step], new_database: NewDatabase) -> None:
    with new_database() as database_url, closing(PostgresEventLog(database_url)) as log:
        for projection in ADDED:
            list(rebuild(database_url, log, projection))
        with closing(World(database_url, log)) as world:
            for taken in steps:
                world.take(taken)
        with Projector(database_url, log, page=5) as projector:
            projector.run_once()
        with psycopg.connect(database_url, autocommit=True) as connection:
            live = all_rows(connection)
            for account_id in ACCOUNTS:
                assert shown(connection, account_id) == folded(log, account_id)
            for projection in ALL:
                assert list(rebuild(database_url, log, projection)) == []
            assert all_rows(connection) == live
