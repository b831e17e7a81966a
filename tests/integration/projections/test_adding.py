"""A read model is added to a running system by its module and one rebuild."""

from decimal import Decimal
from threading import Thread

import psycopg
import pytest

from domain.commands import PurchasePlan
from projections.errors import UnknownProjection
from projections.history.as_of import At, as_of
from projections.live import checkpoints
from projections.live.projector import Projector
from projections.models import invoices
from projections.models.added import monthly_revenue
from projections.rebuild.rebuilding import rebuild
from projections.registry import ADDED
from projections.tables import Connection
from tests.support.projections.fold_driver import Billing
from tests.support.projections.read_models import live_a_little, running

ACCOUNTS = [f"acme/a-{n}" for n in range(4)]
REVENUE = monthly_revenue.PROJECTION
ROWS = "select * from projections.monthly_revenue order by account_id, month, product, kind"


@pytest.fixture
def everything(projector_url: str, billing: Billing) -> Projector:
    """A projector as `prorata project` runs it."""
    return Projector(projector_url, billing.log)


def folded_rows(billing: Billing) -> list[tuple[object, ...]]:
    moment = At(billing.log.last_position())
    documents = [d for a in billing.states for d in as_of(billing.log, REVENUE.fold, a, moment)]
    rows = [row for document in documents for row in REVENUE.rows(document)[0]]
    return sorted(rows, key=lambda row: row[:4])


def test_its_module_is_found() -> None:
    assert REVENUE in ADDED


def test_until_then_the_projector_passes_over_it(
    everything: Projector, billing: Billing, connection: Connection
) -> None:
    live_a_little(billing, ACCOUNTS[0])
    with everything:
        everything.run_once()
    with pytest.raises(UnknownProjection, match="'monthly_revenue'"):
        checkpoints.read(connection, ["monthly_revenue"])
    assert checkpoints.read(connection, ["invoices"])


def test_a_running_projector_goes_on_with_it_as_soon_as_it_is_built(
    everything: Projector, owner_url: str, billing: Billing, connection: Connection
) -> None:
    live_a_little(billing, ACCOUNTS[0])

    def traffic() -> None:
        for account_id in ACCOUNTS[1:]:
            live_a_little(billing, account_id)

    with everything, running(everything):
        commands = Thread(target=traffic)
        commands.start()
        assert list(rebuild(owner_url, billing.log, REVENUE)) == []
        commands.join(60)
        last = billing.log.last_position()
        while any(c.position < last for c in checkpoints.read(connection, ["monthly_revenue"])):
            assert not commands.is_alive()
    assert connection.execute(ROWS).fetchall() == folded_rows(billing)
    assert list(rebuild(owner_url, billing.log, REVENUE)) == []
    assert {c.generation for c in checkpoints.read(connection, ["monthly_revenue"])} == {2}
    assert connection.execute(ROWS).fetchall() == folded_rows(billing)


def test_only_trying_it_leaves_nothing(owner_url: str, billing: Billing, connection: Connection) -> None:
    live_a_little(billing, ACCOUNTS[0])
    before = checkpoints.read_all(connection)
    assert list(rebuild(owner_url, billing.log, REVENUE, swap=False)) == []
    found = connection.execute("select from pg_tables where tablename like 'monthly%'").fetchall()
    assert (found, checkpoints.read_all(connection)) == ([], before)


def test_its_table_has_the_key_and_the_indexes_that_the_module_names(
    owner_url: str, billing: Billing, connection: Connection
) -> None:
    for _ in range(2):
        list(rebuild(owner_url, billing.log, REVENUE))
        found = connection.execute(
            "select split_part(indexdef, ' USING ', 2) from pg_indexes where tablename = 'monthly_revenue'"
        )
        assert sorted(found) == [("btree (account_id, month, product, kind)",), ("btree (month)",)]
        [[options]] = connection.execute(
            "select reloptions from pg_class where relname = 'monthly_revenue'"
        ).fetchall()
        assert "fillfactor=90" in options


def test_finance_is_told_each_month_over_all_accounts_and_of_one_tenant(
    owner_url: str, projector_url: str, billing: Billing
) -> None:
    for account_id in (*ACCOUNTS, "zeta/b"):
        live_a_little(billing, account_id)
    billing.open("acme/yen", "2026-01-20", currency="JPY")
    billing.give("acme/yen", PurchasePlan("standard"), "2026-01-20")
    list(rebuild(owner_url, billing.log, REVENUE))
    moment = At(billing.log.last_position())
    of_one = as_of(billing.log, invoices.FOLD, ACCOUNTS[0], moment)
    in_april = sum((i.total for i in of_one if (i.date.year, i.date.month) == (2026, 4)), Decimal(0))
    with psycopg.connect(projector_url) as service:
        acme = monthly_revenue.of_all(service, tenant="acme", clock="test")
        all_of_them = monthly_revenue.of_all(service, clock="test")
        assert monthly_revenue.of_all(service) == []
    april = [r for r in acme if f"{r.month:%Y-%m}" == "2026-04"]
    assert {r.currency for r in april} == {"EUR"}
    assert sum(r.billed - r.credited for r in april) == len(ACCOUNTS) * in_april
    april = [r for r in all_of_them if f"{r.month:%Y-%m}" == "2026-04"]
    assert sum(r.billed - r.credited for r in april) == (len(ACCOUNTS) + 1) * in_april
    assert {r.currency for r in acme} == {"EUR", "JPY"}
