"""Documents of the past."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.commands import PurchaseAddon, PurchasePlan
from eventlog import EventUnreadable
from eventlog.memory import MemoryEventLog
from projections.history.as_of import At, AtInstant, AtVersion, KnownAt, Moment, as_of
from projections.models import entitlements, invoices
from tests.support.projections.fold_driver import Billing, instant, unreadable

ACCOUNT = "acme/a-1"


class Clock:
    """A clock that goes on by a day with each reading."""

    now = datetime(2026, 7, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(days=1)
        return self.now


def products(billing: Billing, *moments: Moment) -> list[str]:
    found = as_of(billing.log, entitlements.FOLD, ACCOUNT, *moments)
    return [e.product for document in found for e in document.entitlements]


def test_at_a_position_only_events_up_to_it_count(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("surveys"), "2026-03-21")
    before = billing.log.last_position()
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-03-22")
    assert products(billing, At(before)) == ["surveys"]
    assert products(billing, At(before + 2)) == ["custom_domain", "surveys"]
    assert as_of(billing.log, entitlements.FOLD, ACCOUNT, At(0)) == ()


def test_as_known_then_a_renewal_recorded_late_is_not_there_yet() -> None:
    billing = Billing(MemoryEventLog(clock=Clock()))
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    known = billing.log.read_account(ACCOUNT)[-1].recorded_at
    billing.settle(ACCOUNT, "2026-04-25")
    [then] = as_of(billing.log, entitlements.FOLD, ACCOUNT, KnownAt(known))
    [now] = as_of(billing.log, entitlements.FOLD, ACCOUNT, AtInstant(instant("2026-04-20")))
    assert then.entitlements[0].access_until == instant("2026-04-20")
    assert now.entitlements[0].access_until == instant("2026-05-20")


def test_an_event_counts_that_is_by_all_of_several_moments(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("surveys"), "2026-03-21")
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-03-22")
    both, day = ["custom_domain", "surveys"], AtInstant(instant("2026-03-21"))
    assert products(billing) == products(billing, AtVersion(5)) == both
    assert products(billing, AtVersion(5), day) == products(billing, day, AtVersion(3)) == ["surveys"]
    assert products(billing, AtVersion(2), day) == []


def test_an_instant_counts_itself(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-21")
    moment = instant("2026-03-21")
    assert len(as_of(billing.log, invoices.FOLD, ACCOUNT, AtInstant(moment))) == 1
    assert as_of(billing.log, invoices.FOLD, ACCOUNT, AtInstant(moment - timedelta(microseconds=1))) == ()


def test_an_event_that_cannot_be_read_is_reported(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.append(ACCOUNT, unreadable())
    with pytest.raises(EventUnreadable, match="version 2"):
        as_of(billing.log, entitlements.FOLD, ACCOUNT, At(99))
