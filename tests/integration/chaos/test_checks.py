"""What `make chaos` checks in the databases and topics is found when it is not so: each test breaks one
promise of a system that was brought to rest."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import msgspec
import psycopg
import pytest

from consumers.entitlement_cache import EntitlementCache
from consumers.finance_ledger.handler import FinanceLedger
from consumers.runtime import Consumer
from domain.calendar import parse_moment
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from projections.live.projector import Projector
from prorata.migrations import migrations
from prorata.settings import Settings
from prorata.wiring import running
from publishing.clients import Broker
from publishing.relay import run_relay
from publishing.topics import Topics
from scripts.chaos import reading
from scripts.chaos.broker_checks import FOLDS, Connection, event_problems, state_problems, table_problems
from scripts.chaos.log_checks import rows_of
from scripts.chaos.model_checks import read_model_problems
from scripts.chaos.money_checks import (
    Charge,
    books,
    invoice_problems,
    payment_problems,
    refund_problems,
    refunds,
)
from service.session import CommandSession
from tests.support.command_line import OPEN, step
from tests.support.servers import SharedServers

STORY = (
    OPEN,
    step("2026-03-20", "purchase_plan", product="standard"),
    step("2026-04-05T18:30", "purchase_addon", product="custom_domain"),
    step("2026-04-07", "buy_credits", product="credits_5000", payment="declined"),
    step("2026-04-10", "remove_addon", product="custom_domain"),
    step("2026-04-11", "credit_note", invoice=1, line=1, net="1.00", reason="service_failure"),
)


@dataclass(frozen=True)
class Rested:
    """A system that was published, consumed and projected to its end."""

    url: str
    kafka: Broker
    topics: Topics


@pytest.fixture(scope="module")
def rested(servers: SharedServers) -> Iterator[Rested]:
    topics = Topics(f"t{secrets.token_hex(4)}.")
    with servers.new_database() as url:
        migrate(url, migrations())
        with (
            running(Settings(database_url=url, allow_test_gateway=True)) as system,
            Projector(url, system.log) as projector,
        ):
            session = CommandSession(
                system.service.core, system.catalogues, system.clock, tenant="main", lives_on="test"
            )
            for line in STORY:
                assert session.answer_line(msgspec.json.encode(line)).is_command
            projector.run_once()
            assert not system.billing.run_due("test", parse_moment("2026-06-01", "Europe/Paris")).failed
            projector.run_once()
            run_relay(system.log, servers.kafka, url, prefix=topics.prefix, once=True)
        for handler in (EntitlementCache(), FinanceLedger()):
            Consumer(handler, url, servers.kafka, prefix=topics.prefix).run_once()
        yield Rested(url, servers.kafka, topics)


@pytest.fixture
def log(rested: Rested) -> Iterator[PostgresEventLog]:
    with closing(PostgresEventLog(rested.url)) as log:
        yield log


@pytest.fixture
def connection(rested: Rested) -> Iterator[Connection]:
    """A transaction whose changes nobody else sees, and nobody ever."""
    with psycopg.connect(rested.url) as connection:
        yield connection
        connection.rollback()


def test_of_a_system_that_does_what_it_promises_nothing_is_found(
    rested: Rested, log: PostgresEventLog, connection: Connection
) -> None:
    rows, topics = rows_of(log), rested.topics
    assert list(event_problems(reading.events(rested.kafka, topics.events.name), rows)) == []
    for topic in FOLDS:
        states = reading.states(rested.kafka, topics.find(topic).name)
        assert states
        assert list(state_problems(topic, states, log)) == []
    assert list(table_problems(connection, log)) == []
    assert list(payment_problems(rows, books(connection))) == []
    assert list(invoice_problems(connection, books(connection), refunds(connection))) == []
    assert list(refund_problems(rows, refunds(connection))) == []
    assert list(read_model_problems(rested.url, log, rows)) == []


@pytest.mark.parametrize("topic", FOLDS)
def test_a_state_that_is_lost_or_another_one_or_of_nobody_is_found(
    topic: str, rested: Rested, log: PostgresEventLog
) -> None:
    right = reading.states(rested.kafka, rested.topics.find(topic).name)
    key = next(iter(right))
    for wrong in (
        {name: state for name, state in right.items() if name != key},
        right | {key: right[key].replace(b"2026-04", b"2026-05")},
        right | {"main/nobody": right[key]},
    ):
        [problem] = state_problems(topic, wrong, log)
        assert problem.startswith(f"{topic}: 1 of {len(right)} states are not the log's: ")


MORE = "finance_ledger.transfers set amount = amount + 0.01"
DOMAIN = "account_id = 'main/a1' and product = 'custom_domain'"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (f"delete from entitlement_cache.windows where {DOMAIN}", "the entitlement cache differs"),
        (
            f"update entitlement_cache.windows set ends_at = ends_at + interval '1 s' where {DOMAIN}",
            "the entitlement cache differs",
        ),
        ("update entitlement_cache.windows set renews = not renews", "the entitlement cache differs"),
        (
            "insert into entitlement_cache.windows values ('main/a2', 'surveys', now(), null, false)",
            "the entitlement cache differs from the log in 1 windows: ('main/a2', 'surveys', ",
        ),
        ("delete from finance_ledger.invoices where number = 2", "the finance ledger differs"),
        (
            "update finance_ledger.invoices set total = 1 where number = 2",
            "from the log in 2 invoices",
        ),
        ("update finance_ledger.invoices set status = 'open' where number = 2", "from the log in 2 invoices"),
        ("delete from finance_ledger.transfers where kind = 'paid' and invoice = 2", "the ledger's cash is"),
        (
            f"update {MORE} where kind = 'issued' and invoice = 2",
            "the finance ledger: ",
        ),
        (
            """insert into finance_ledger.transfers (clock, tenant, day, effective, kind, debit,
                credit, currency, amount, account_id, invoice)
            select clock, tenant, day, effective, kind, debit, credit, currency, amount, account_id, invoice
            from finance_ledger.transfers where kind = 'paid' and invoice = 2""",
            "the ledger's cash is",
        ),
        (
            "delete from service.gateway_payments where answer = 'paid'",
            "the gateway took {'EUR': Decimal('-1.00')}",
        ),
    ],
)
def test_a_consumer_s_table_that_is_not_what_the_log_says_is_found(
    change: str, found: str, connection: Connection, log: PostgresEventLog
) -> None:
    assert connection.execute(change).rowcount > 0
    assert found in "\n".join(table_problems(connection, log))


def test_a_key_that_a_consumer_parked_is_found(
    rested: Rested, connection: Connection, log: PostgresEventLog
) -> None:
    connection.execute(
        """insert into consumers.dead_letters
        values ('finance_ledger', 'billing.events.v1', 0, 7, 'main/a1', null, '{}', '{}', now(), 'no')"""
    )
    assert "is parked" in "\n".join(table_problems(connection, log))


def test_money_that_was_taken_twice_or_not_at_all_is_found(
    connection: Connection, log: PostgresEventLog
) -> None:
    rows, taken = rows_of(log), books(connection)
    key, charge = next((key, charge) for key, charge in taken.items() if charge.answer == "paid")
    assert charge.amount is not None
    without = {other: charge for other, charge in taken.items() if other != key}
    more = taken | {key: msgspec.structs.replace(charge, amount=charge.amount + Decimal("0.01"))}
    for wrong in (without, more):
        assert "main/a1" in "\n".join(payment_problems(rows, wrong))
        assert "invoices say" in "\n".join(invoice_problems(connection, wrong, refunds(connection)))


def test_money_that_was_given_back_twice_or_not_at_all_is_found(
    connection: Connection, log: PostgresEventLog
) -> None:
    rows, given_back = rows_of(log), refunds(connection)
    [(key, refund)] = given_back.items()
    failed = {key: msgspec.structs.replace(refund, answer="failed")}
    twice = given_back | {UUID(int=1): Charge("refunded", Decimal("1.00"), "main/a1")}
    for wrong, found in (({}, "was to go back"), (failed, "was concluded"), (twice, "no credit note")):
        assert found in "\n".join(refund_problems(rows, wrong))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            "update projections.access_windows set ends_at = ends_at + interval '1 day'",
            "access_windows differs",
        ),
        (
            "delete from projections.invoices where number = 2",
            "invoices of main/a1 is not what its events fold",
        ),
        (
            """insert into projections.parked (projection, account_id, version, position, error)
            values ('invoices', 'main/a1', 3, 3, 'by hand')""",
            "invoices: account main/a1 is parked: by hand",
        ),
    ],
)
def test_a_read_model_that_is_not_what_the_log_says_is_found(
    change: str, found: str, rested: Rested, servers: SharedServers
) -> None:
    with servers.new_database(rested.url.rpartition("/")[2]) as url, closing(PostgresEventLog(url)) as log:
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute(change).rowcount > 0
        assert found in "\n".join(read_model_problems(url, log, rows_of(log)))
