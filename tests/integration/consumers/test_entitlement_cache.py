"""The entitlement cache: who may use what until when, as published; "unknown" rather than wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from consumers.checkpoints import Connection
from consumers.entitlement_cache import EntitlementCache, Permission, may_use
from consumers.handler import Handler
from domain.calendar import parse_moment
from domain.commands import LoseDispute, OpenDispute, PausePlan, PurchasePlan, RemoveAddon, WinDispute
from publishing.topics import Topics
from tests.support.projections.fold_driver import ACCOUNT, ZONE, Billing

RENEWAL = parse_moment("2026-04-20", ZONE)


@pytest.fixture
def refresh(publish: Callable[[], None], take_in: Callable[[Handler], None]) -> Callable[[], None]:
    """Publish, and take it in."""

    def refresh() -> None:
        publish()
        take_in(EntitlementCache())

    return refresh


@pytest.fixture
def asked(connection: Connection, topics: Topics) -> Callable[..., Permission]:
    """The answer at a local moment."""

    def asked(product: str, at: str, *, account: str = ACCOUNT, **more: timedelta) -> Permission:
        return may_use(connection, account, product, parse_moment(at, ZONE), prefix=topics.prefix, **more)

    return asked


def test_a_bought_add_on_can_be_used_from_the_purchase_until_the_renewal(
    with_domain: Billing, refresh: Callable[[], None], asked: Callable[..., Permission]
) -> None:
    refresh()
    assert asked("custom_domain", "2026-04-05T11:59").usable == "no"
    assert asked("custom_domain", "2026-04-05T12:00") == Permission("yes", RENEWAL, renews=True)
    assert asked("custom_domain", "2026-04-19T23:59") == Permission("yes", RENEWAL, renews=True)
    assert asked("surveys", "2026-04-10").usable == "no"
    assert asked("custom_domain", "2026-04-10", account="acme/a-2").usable == "no"


def test_a_renewal_that_is_not_known_yet_locks_nobody_out_for_the_grace(
    with_domain: Billing, refresh: Callable[[], None], asked: Callable[..., Permission]
) -> None:
    refresh()
    assert asked("custom_domain", "2026-04-20T23:59").usable == "yes"
    assert asked("custom_domain", "2026-04-21").usable == "no"
    assert asked("custom_domain", "2026-04-20T02:00", grace=timedelta(hours=2)).usable == "no"
    with_domain.settle(ACCOUNT, "2026-04-21")
    refresh()
    assert asked("custom_domain", "2026-04-21").until == parse_moment("2026-05-20", ZONE)


def test_what_was_removed_or_not_paid_for_has_no_grace(
    with_domain: Billing, refresh: Callable[[], None], asked: Callable[..., Permission]
) -> None:
    with_domain.give(ACCOUNT, RemoveAddon("custom_domain"), "2026-04-06")
    refresh()
    assert asked("custom_domain", "2026-04-19") == Permission("yes", RENEWAL, renews=False)
    assert asked("custom_domain", "2026-04-20").usable == "no"
    with_domain.settle(ACCOUNT, "2026-04-20T01:00", pay="declined")
    refresh()
    assert asked("standard", "2026-04-20T01:00") == Permission("no", RENEWAL, renews=False)


def test_a_pause_ends_the_window(
    with_domain: Billing, refresh: Callable[[], None], asked: Callable[..., Permission]
) -> None:
    with_domain.give(ACCOUNT, PausePlan("marketing"), "2026-04-10T08:00")
    refresh()
    assert asked("standard", "2026-04-10T07:59").usable == "yes"
    assert asked("standard", "2026-04-10T08:00").usable == "no"


def test_a_dispute_ends_every_access_at_its_instant_until_it_is_won(
    with_domain: Billing, refresh: Callable[[], None], asked: Callable[..., Permission]
) -> None:
    with_domain.give(ACCOUNT, OpenDispute(1), "2026-04-10T10:00")
    refresh()
    opened = parse_moment("2026-04-10T10:00", ZONE)
    for product in ("standard", "custom_domain"):
        assert asked(product, "2026-04-10T09:59").usable == "yes"
        assert asked(product, "2026-04-10T10:00") == Permission("no", opened, renews=False)
    with_domain.give(ACCOUNT, WinDispute(1), "2026-04-12")
    refresh()
    for product in ("standard", "custom_domain"):
        assert asked(product, "2026-04-11").usable == "no"
        assert asked(product, "2026-04-12") == Permission("yes", RENEWAL, renews=True)


def test_what_a_lost_dispute_was_of_stays_locked_and_all_else_can_be_used_again(
    with_domain: Billing, refresh: Callable[[], None], asked: Callable[..., Permission]
) -> None:
    with_domain.give(ACCOUNT, OpenDispute(1), "2026-04-10T10:00")
    with_domain.give(ACCOUNT, LoseDispute(1), "2026-04-12")
    refresh()
    assert asked("standard", "2026-04-13").usable == "no"
    assert asked("custom_domain", "2026-04-13") == Permission("yes", RENEWAL, renews=True)


def test_free_has_no_end(
    billing: Billing, refresh: Callable[[], None], asked: Callable[..., Permission]
) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("free"), "2026-03-20")
    refresh()
    assert asked("free", "2031-01-01") == Permission("yes", None, renews=False)


def test_it_knows_nothing_before_it_has_heard_a_heartbeat(asked: Callable[..., Permission]) -> None:
    answer = asked("custom_domain", "2026-04-10")
    assert answer.usable == "unknown"
    assert answer.reason == "nothing was heard of the account's partition ever"


def test_it_knows_nothing_for_sure_once_heartbeats_stop(
    with_domain: Billing,
    refresh: Callable[[], None],
    asked: Callable[..., Permission],
    connection: Connection,
) -> None:
    refresh()
    connection.execute("update consumers.partitions set heartbeat_at = heartbeat_at - interval '61 seconds'")
    answer = asked("custom_domain", "2026-04-10")
    assert (answer.usable, answer.until) == ("unknown", RENEWAL)
    assert asked("custom_domain", "2026-04-10", max_age=timedelta(minutes=5)).usable == "yes"


def test_it_knows_nothing_of_an_account_whose_record_could_not_be_handled(
    with_domain: Billing,
    refresh: Callable[[], None],
    asked: Callable[..., Permission],
    connection: Connection,
) -> None:
    refresh()
    connection.execute(
        "insert into consumers.dead_letters"
        " (consumer, topic, partition, record_offset, key, header_names, header_values, sent_at)"
        " select consumer, topic, 0, 0, %s, '{}', '{}', %s from consumers.partitions limit 1",
        [ACCOUNT.encode(), datetime.now(UTC)],
    )
    assert asked("custom_domain", "2026-04-10").usable == "unknown"
