"""A poisoned event stops its account alone, is reported, and the account goes on when it is released."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace as changed

from domain.commands import CloseAccount, PurchaseAddon, PurchasePlan
from domain.events import AddonPurchased, Event
from eventlog import StoredEvent, hash_of
from projections.errors import AccountParked
from projections.fold import ACCOUNT, AccountAt, Placed
from projections.live.parking import parked
from projections.live.projector import Projector
from projections.live.waiting import wait_for
from projections.models import calendar
from projections.registry import FOLDS, PROJECTIONS
from projections.tables import Connection, Projection
from tests.support.projections.fold_driver import CODEC, Billing, unreadable
from tests.support.projections.read_models import Documents, all_rows, folded, live_a_little, shown

POISONED, HEALTHY = "acme/a-1", "acme/b-2"


class Mood:
    """Whether the account fold below can bear an account that is closed."""

    bad = True


@pytest.fixture
def mood() -> Mood:
    return Mood()


@pytest.fixture
def moody(mood: Mood) -> list[Projection]:
    """The projections, those of the account with a fold that fails in a bad mood."""

    def apply(before: AccountAt | None, event: Event, placed: Placed) -> AccountAt | None:
        after = ACCOUNT.apply(before, event, placed)
        if mood.bad and after is not None and after.state.closed:
            raise ValueError("cannot bear it")
        return after

    evolution = replace(ACCOUNT, apply=apply, whole=None)
    return [
        replace(p, fold=replace(p.fold, evolution=evolution)) if p.fold.evolution is ACCOUNT else p
        for p in PROJECTIONS
    ]


@pytest.fixture
def moody_projector(projector_url: str, billing: Billing, moody: list[Projection]) -> Iterator[Projector]:
    with Projector(projector_url, billing.log, moody) as projector:
        yield projector


def entries(connection: Connection) -> dict[str, tuple[str, int, int]]:
    return {p.projection: (p.account_id, p.version, p.position) for p in parked(connection)}


def with_poison(billing: Billing) -> StoredEvent:
    live_a_little(billing, POISONED)
    [poison] = billing.append(POISONED, unreadable())
    live_a_little(billing, HEALTHY)
    return poison


def test_an_unreadable_event_parks_its_account_everywhere_with_a_report(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    poison = with_poison(billing)
    assert projector.run_once().parked == len(FOLDS)
    assert entries(connection) == {p.name: (POISONED, poison.version, poison.position) for p in PROJECTIONS}
    for entry in parked(connection):
        assert f"account '{POISONED}', version {poison.version}" in entry.error
        assert "deploy code that knows it" in entry.error


@pytest.mark.parametrize("page", [3, 1000])
def test_the_rows_of_a_parked_account_are_those_before_the_event_and_the_others_go_on(
    page: int, projector_url: str, billing: Billing, connection: Connection
) -> None:
    poison = with_poison(billing)
    before: Documents = folded(billing.log, POISONED, position=poison.position - 1)
    with Projector(projector_url, billing.log, page=page) as projector:
        projector.run_once()
    assert shown(connection, HEALTHY) == folded(billing.log, HEALTHY)
    assert shown(connection, POISONED) == before


def test_a_parked_account_stays_where_it_is_when_more_comes(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    with_poison(billing)
    projector.run_once()
    rows, report = shown(connection, POISONED), parked(connection)
    billing.append(POISONED, unreadable())
    billing.give(HEALTHY, PurchaseAddon("inbox_preview"), "2026-06-02")
    assert projector.run_once().parked == 0
    assert (shown(connection, POISONED), parked(connection)) == (rows, report)
    assert shown(connection, HEALTHY) == folded(billing.log, HEALTHY)


def test_a_failing_fold_parks_the_account_in_its_projections_only(
    billing: Billing, moody_projector: Projector, connection: Connection
) -> None:
    billing.open(POISONED, "2026-03-20")
    billing.give(POISONED, PurchasePlan("standard"), "2026-03-20")
    billing.give(POISONED, CloseAccount(), "2026-03-21")
    moody_projector.run_once()
    assert set(entries(connection)) == {"entitlements", "access_windows", "calendar"}
    assert {p.error for p in parked(connection)} == {"ValueError: cannot bear it"}
    assert shown(connection, POISONED)["invoices"] == folded(billing.log, POISONED)["invoices"]


def test_what_postgresql_refuses_parks_the_account_in_that_projection_only(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    billing.open(POISONED, "2026-03-20")
    billing.give(POISONED, PurchaseAddon("surveys"), "2026-03-20")
    bought = CODEC.read(billing.log.read_account(POISONED)[-1])
    assert isinstance(bought, AddonPurchased)
    invoice = changed(bought.invoice, number=2)
    billing.record(POISONED, changed(bought, product="sur\0veys", invoice=invoice))
    live_a_little(billing, HEALTHY)
    projector.run_once()
    assert set(entries(connection)) == {"entitlements", "access_windows"}
    assert shown(connection, HEALTHY) == folded(billing.log, HEALTHY)
    due = calendar.of_account(connection, POISONED)
    assert due is not None
    assert due.version == 4


def test_a_released_account_is_folded_anew_and_goes_on(
    billing: Billing, moody_projector: Projector, mood: Mood, connection: Connection
) -> None:
    live_a_little(billing, HEALTHY)
    billing.open(POISONED, "2026-03-20")
    billing.give(POISONED, PurchasePlan("standard"), "2026-03-20")
    billing.give(POISONED, CloseAccount(), "2026-03-21")
    moody_projector.run_once()
    mood.bad = False
    outcomes: dict[str, Any] = moody_projector.release(POISONED)
    assert outcomes == {"entitlements": None, "access_windows": None, "calendar": None}
    assert parked(connection) == []
    assert shown(connection, POISONED) == folded(billing.log, POISONED)


def test_an_account_released_too_early_stays_parked_with_the_new_reason(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    with_poison(billing)
    projector.run_once()
    rows = all_rows(connection)
    outcomes = projector.release(POISONED)
    assert set(outcomes) == {p.name for p in PROJECTIONS}
    for failure in outcomes.values():
        assert failure is not None
        assert "cannot read event" in failure.error
    assert len(parked(connection)) == len(FOLDS)
    assert all_rows(connection) == rows


def test_an_account_that_is_not_parked_has_nothing_to_release(billing: Billing, projector: Projector) -> None:
    live_a_little(billing, HEALTHY)
    projector.run_once()
    assert projector.release(HEALTHY) == {}


def test_whoever_waits_for_a_parked_account_is_told(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    poison = with_poison(billing)
    projector.run_once()
    assert wait_for(connection, billing.log, POISONED, poison.version - 1, timeout=20)
    with pytest.raises(AccountParked, match=f"at version {poison.version}"):
        wait_for(connection, billing.log, POISONED, poison.version, timeout=20)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("forgery", ["fields that do not give the hash", "a hash that follows another one"])
def test_a_forged_row_parks_its_account_and_is_folded_by_nobody(
    billing: Billing, projector_url: str, connection: Connection, forgery: str, restarted: bool
) -> None:
    live_a_little(billing, POISONED)
    live_a_little(billing, HEALTHY)
    last = billing.log.event(POISONED, billing.log.head(POISONED).version)
    assert last is not None
    with Projector(projector_url, billing.log) as projector:
        projector.run_once()
        before = all_rows(connection)
        forged = changed(last, version=last.version + 1, event_id=uuid4(), previous_hash=last.hash)
        if forgery == "a hash that follows another one":
            forged = changed(forged, previous_hash=bytes(32))
            forged = changed(forged, hash=hash_of(billing.log.log_id, forged))
        columns = StoredEvent.__struct_fields__[1:]
        values = [getattr(forged, name) for name in columns]
        listed, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
        connection.execute(f"insert into public.events ({listed}) values ({places})", values)
        if not restarted:
            assert projector.run_once().parked == len(FOLDS)
    if restarted:
        with Projector(projector_url, billing.log) as another:
            assert another.run_once().parked == len(FOLDS)
    assert all_rows(connection) == before
    for entry in parked(connection):
        assert (entry.account_id, entry.version) == (POISONED, forged.version)
        assert entry.error.startswith("event_forged: ")
        assert "prorata verify" in entry.error
    with Projector(projector_url, billing.log) as later:
        assert all(failure is not None for failure in later.release(POISONED).values())
    assert all_rows(connection) == before
