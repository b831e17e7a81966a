"""Reading one's own writes."""

from domain.commands import PurchasePlan
from projections.live.projector import Projector
from projections.live.waiting import wait_for
from projections.models import entitlements
from projections.registry import PROJECTIONS
from projections.tables import Connection
from tests.support.projections.fold_driver import Billing
from tests.support.projections.read_models import running

ACCOUNT = "acme/a-1"


def test_after_the_wait_the_command_is_shown(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    with running(projector):
        for month in range(4, 10):
            billing.settle(ACCOUNT, f"2026-{month:02}-01")
            if month == 5:
                billing.give(ACCOUNT, PurchasePlan("standard"), "2026-05-02")
            version = billing.states[ACCOUNT].version
            assert wait_for(connection, billing.log, ACCOUNT, version, timeout=20)
            document = entitlements.of_account(connection, ACCOUNT)
            assert document is not None
            assert document.version >= version


def test_without_a_projector_the_wait_ends_in_time(billing: Billing, connection: Connection) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    assert not wait_for(connection, billing.log, ACCOUNT, 1, timeout=0.01)


def test_an_event_that_never_was_is_not_reached(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    projector.run_once()
    assert wait_for(connection, billing.log, ACCOUNT, 1, timeout=0)
    assert not wait_for(connection, billing.log, ACCOUNT, 2, timeout=0.01)


def test_only_the_projections_asked_for_are_waited_for(
    billing: Billing, projector_url: str, connection: Connection
) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    with Projector(projector_url, billing.log, [entitlements.PROJECTION]) as projector:
        projector.run_once()
    assert wait_for(connection, billing.log, ACCOUNT, 1, timeout=0, projections=["entitlements"])
    assert not wait_for(
        connection, billing.log, ACCOUNT, 1, timeout=0.01, projections=[p.name for p in PROJECTIONS]
    )
