"""`prorata parked` says which accounts a read model has stopped at, and `prorata release` lets one go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from domain.commands import PayBalance
from eventlog.postgres.log import PostgresEventLog
from projections.live.projector import Projector
from projections.registry import FOLDS
from tests.support.command_line import CommandLine
from tests.support.projections.fold_driver import Billing, unreadable
from tests.support.projections.read_models import folded, live_a_little, shown

ACCOUNT = "main/a-1"


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    prorata = CommandLine(database_url)
    assert prorata("migrate").exit_code == 0
    return prorata


@pytest.fixture
def billing(prorata: CommandLine, database_url: str) -> Iterator[Billing]:
    """An account that lived a little, projected."""
    with closing(PostgresEventLog(database_url)) as log, Projector(database_url, log) as projector:
        billing = Billing(log)
        live_a_little(billing, ACCOUNT)
        projector.run_once()
        yield billing


def test_a_parked_account_is_shown_with_its_event_and_the_reason(
    prorata: CommandLine, billing: Billing
) -> None:
    [poison] = billing.append(ACCOUNT, unreadable())
    assert prorata("project", "--once").exit_code == 0
    done = prorata("parked", "--json")
    assert done.exit_code == 0, done
    assert {entry["projection"] for entry in done.answers} == set(FOLDS)
    assert {(e["account_id"], e["version"], e["position"]) for e in done.answers} == {
        (ACCOUNT, poison.version, poison.position)
    }
    assert ACCOUNT in prorata("parked").out
    assert {lag["parked"] for lag in prorata("lag", "--json").answers} == {1}


def test_an_account_whose_cause_is_not_gone_stays_parked_and_it_is_said_why(
    prorata: CommandLine, billing: Billing
) -> None:
    billing.append(ACCOUNT, unreadable())
    assert prorata("project", "--once").exit_code == 0
    done = prorata("release", ACCOUNT)
    assert done.exit_code == 1
    assert "prorata: still_parked: entitlements: cannot read event" in done.err
    assert len(prorata("parked", "--json").answers) == len(FOLDS)


def test_a_released_account_is_shown_as_the_log_has_it(
    prorata: CommandLine, billing: Billing, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into projections.parked (projection, account_id, version, position, error) "
            "values ('invoices', %s, 3, 3, 'by hand')",
            [ACCOUNT],
        )
        billing.give(ACCOUNT, PayBalance(), "2026-07-25")
        assert prorata("project", "--once").exit_code == 0
        assert shown(connection, ACCOUNT)["invoices"] != folded(billing.log, ACCOUNT)["invoices"]
        done = prorata("release", ACCOUNT)
        assert (done.exit_code, done.out) == (0, f"{ACCOUNT} goes on in invoices\n")
        assert shown(connection, ACCOUNT) == folded(billing.log, ACCOUNT)
    assert prorata("parked").out == "no account is parked\n"


def test_an_account_that_is_not_parked_is_bad_input(prorata: CommandLine) -> None:
    done = prorata("release", ACCOUNT)
    assert done.exit_code == 2
    assert "not_parked" in done.err
