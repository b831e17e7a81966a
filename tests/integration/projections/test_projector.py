"""What the projector promises: rows that are the folds' documents, and a checkpoint that says up to where."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from domain.commands import PurchaseAddon, PurchasePlan
from eventlog import NotMigrated
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from projections.errors import CheckpointForeign, FoldOutdated, UnknownProjection
from projections.live import checkpoints
from projections.live.projector import Counts, Projector
from projections.live.waiting import wait_for
from projections.models import entitlements, invoices
from projections.registry import PROJECTIONS, projection_named
from projections.tables import Connection, Projection, Rows
from tests.support.projections.fold_driver import Billing
from tests.support.projections.read_models import all_rows, folded, live_a_little, running, shown

A, B = "acme/a-1", "acme/b-2"


def with_rows(projection: Projection, rows: Callable[[Any], Rows]) -> list[Projection]:
    """All projections, this one with other rows."""
    return [replace(p, rows=rows) if p.name == projection.name else p for p in PROJECTIONS]


def positions(connection: Connection) -> dict[str, int]:
    return {c.projection: c.position for c in checkpoints.read_all(connection)}


def test_rows_are_the_documents_of_the_folds(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    for account_id in (A, B):
        live_a_little(billing, account_id)
    projector.run_once()
    for account_id in (A, B):
        assert shown(connection, account_id) == folded(billing.log, account_id)


def test_nothing_is_shown_before_it_is_projected(billing: Billing, connection: Connection) -> None:
    live_a_little(billing, A)
    assert set(shown(connection, A).values()) == {()}


def test_an_empty_log_is_nothing_to_do(projector: Projector, connection: Connection) -> None:
    assert projector.run_once() == Counts()
    assert set(positions(connection).values()) == {0}


@pytest.mark.parametrize("page", [1, 2, 5, 1000])
def test_rows_do_not_depend_on_the_size_of_pages(
    page: int, projector_url: str, billing: Billing, connection: Connection
) -> None:
    for account_id in (A, B):
        live_a_little(billing, account_id)
    with Projector(projector_url, billing.log, page=page, cached_accounts=1) as projector:
        done = projector.run_once()
    assert done.events == billing.log.last_position()
    for account_id in (A, B):
        assert shown(connection, account_id) == folded(billing.log, account_id)


def test_a_page_ends_with_all_checkpoints_at_its_last_event(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    live_a_little(billing, A)
    projector.run_once()
    last = billing.log.read_account(A)[-1]
    for checkpoint in checkpoints.read_all(connection):
        assert (checkpoint.position, checkpoint.hash) == (last.position, last.hash)


def test_rows_and_checkpoints_of_a_page_are_written_together_or_not_at_all(
    projector_url: str, billing: Billing, connection: Connection
) -> None:
    def failing(document: Any) -> Rows:
        if document.number == 5:
            raise RuntimeError("killed while writing")
        return invoices.PROJECTION.rows(document)

    live_a_little(billing, A)
    with Projector(projector_url, billing.log, with_rows(invoices.PROJECTION, failing), page=8) as projector:
        projector.run_page()
        before, at = all_rows(connection), positions(connection)
        with pytest.raises(RuntimeError, match="killed while writing"):
            projector.run_page()
    assert (all_rows(connection), positions(connection)) == (before, at)
    with Projector(projector_url, billing.log) as projector:
        projector.run_once()
    assert shown(connection, A) == folded(billing.log, A)


def test_a_session_killed_while_writing_leaves_nothing_and_the_projector_goes_on(
    projector_url: str, billing: Billing, connection: Connection
) -> None:
    killed = 0

    def killing(document: Any) -> Rows:
        nonlocal killed
        if killed == 0:
            killed = len(
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and state = 'idle in transaction'"
                ).fetchall()
            )
        return invoices.PROJECTION.rows(document)

    live_a_little(billing, A)
    with (
        Projector(projector_url, billing.log, with_rows(invoices.PROJECTION, killing)) as projector,
        running(projector),
    ):
        assert wait_for(connection, billing.log, A, billing.states[A].version, timeout=20)
    assert killed == 1
    assert shown(connection, A) == folded(billing.log, A)


def test_a_projection_that_is_behind_catches_up_alone_and_then_goes_with_the_others(
    projector_url: str, billing: Billing, connection: Connection
) -> None:
    live_a_little(billing, A)
    with Projector(projector_url, billing.log, [entitlements.PROJECTION], page=7) as alone:
        alone.run_page()
    assert len(set(positions(connection).values())) == 2
    with Projector(projector_url, billing.log) as projector:
        projector.run_once()
    assert len(set(positions(connection).values())) == 1
    assert shown(connection, A) == folded(billing.log, A)


def test_it_stops_at_the_position_asked_for(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    live_a_little(billing, A)
    projector.run_once(until=9)
    assert shown(connection, A) == folded(billing.log, A, position=9)


def test_it_follows_the_log_while_commands_come(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    with running(projector):
        billing.open(A, "2026-03-20")
        billing.give(A, PurchasePlan("standard"), "2026-03-20")
        assert wait_for(connection, billing.log, A, 3, timeout=20)
        assert [e.product for e in entitlements_of(connection, A)] == ["standard"]
        billing.give(A, PurchaseAddon("surveys"), "2026-03-21")
        assert wait_for(connection, billing.log, A, 5, timeout=20)
        assert [e.product for e in entitlements_of(connection, A)] == ["standard", "surveys"]


def test_a_checkpoint_of_another_history_stops_it(
    billing: Billing, projector: Projector, connection: Connection, projector_url: str
) -> None:
    live_a_little(billing, A)
    projector.run_once()
    connection.execute(
        "update projections.checkpoints set hash = sha256('another') where projection = 'invoices'"
    )
    rows = all_rows(connection)
    billing.open(B, "2026-03-20")
    with (
        Projector(projector_url, billing.log) as restarted,
        pytest.raises(CheckpointForeign, match="rebuild invoices"),
    ):
        restarted.run_once()
    assert all_rows(connection) == rows


def test_a_checkpoint_beyond_the_log_stops_it(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    live_a_little(billing, A)
    connection.execute("update projections.checkpoints set position = 1000000")
    with pytest.raises(CheckpointForeign, match="up to position 1000000"):
        projector.run_once()


def test_an_older_fold_does_not_write_over_a_newer_one(
    billing: Billing, projector: Projector, connection: Connection, projector_url: str
) -> None:
    now = entitlements.FOLD.version
    newer = replace(entitlements.PROJECTION, fold=replace(entitlements.FOLD, version=now + 1))
    live_a_little(billing, A)
    with Projector(projector_url, billing.log, [newer]) as deployed:
        deployed.run_once()
    with pytest.raises(FoldOutdated, match=f"of fold version {now + 1}, this code has version {now}"):
        projector.run_once()
    document = entitlements.of_account(connection, A)
    assert document is not None
    assert document.fold == now + 1


def test_a_database_without_its_tables_is_refused(database_url: str) -> None:
    migrate(database_url)
    log = PostgresEventLog(database_url)
    with Projector(database_url, log) as projector, pytest.raises(NotMigrated, match="projections/0001"):
        projector.run_once()
    log.close()


def test_an_unknown_name_is_refused(connection: Connection) -> None:
    with pytest.raises(UnknownProjection, match="there are entitlements, access_windows"):
        projection_named("ledger")
    with pytest.raises(UnknownProjection, match="'ledger'"):
        checkpoints.read(connection, ["ledger"])


def test_the_service_may_not_change_the_tables_themselves(projector_url: str) -> None:
    with psycopg.connect(projector_url) as service, pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute("drop table projections.calendar")


def entitlements_of(connection: Connection, account_id: str) -> tuple[Any, ...]:
    document = entitlements.of_account(connection, account_id)
    assert document is not None
    return document.entitlements


_SLOW = """
    create function slow() returns trigger language plpgsql as $$
    begin perform pg_sleep(0.05); return new; end $$;
    create trigger slow before insert or update on projections.calendar for each row execute function slow();
"""


def test_a_page_that_takes_too_long_to_write_is_made_smaller_until_it_is_written(
    billing: Billing, connection: Connection, projector_url: str
) -> None:
    accounts = [f"acme/a-{nth}" for nth in range(60)]
    for account_id in accounts:
        billing.open(account_id, "2026-03-20")
    connection.execute(_SLOW)
    with Projector(projector_url, billing.log, longest_page=1) as projector, running(projector):
        assert wait_for(connection, billing.log, accounts[-1], 1, timeout=60)
    for account_id in accounts:
        assert shown(connection, account_id) == folded(billing.log, account_id)
