"""An account as it was, and as it was known at another moment."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.calendar import Instant
from domain.commands import ChangePlan, PausePlan, PurchaseAddon, PurchasePlan, RemoveAddon
from eventlog import EventUnreadable
from eventlog.memory import MemoryEventLog
from projections.history.as_of import At, AtInstant, AtVersion, events_of
from projections.history.past import Past, past
from tests.support.projections.fold_driver import Billing, instant, unreadable

ACCOUNT = "acme/a-1"


class SetClock:
    """A clock that stands still until it is set."""

    now = datetime(2026, 3, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def set(self, text: str) -> None:
        self.now = instant(text)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def billing(clock: SetClock) -> Billing:
    """Standard since 20 March, known at once."""
    billing = Billing(MemoryEventLog(clock=clock))
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    return billing


def look(billing: Billing, upto: At | AtVersion | AtInstant | None, known: str | None = None) -> Past:
    known_at = None if known is None else instant(known)
    found = past(events_of(billing.log, ACCOUNT), upto, known_at=known_at)
    assert found is not None
    return found


def at(text: str) -> AtInstant:
    return AtInstant(instant(text))


def status(found: Past) -> dict[str, str]:
    return {one.product: one.status for one in found.entitlements.entitlements}


def test_an_addon_removed_has_ended_at_its_cycle_s_end_though_no_event_says_so(billing: Billing) -> None:
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-05")
    billing.give(ACCOUNT, RemoveAddon("custom_domain"), "2026-04-07")
    before, after = look(billing, at("2026-04-19T23:59:59")), look(billing, at("2026-04-20"))
    assert (status(before)["custom_domain"], status(after)["custom_domain"]) == ("ending", "ended")
    assert (before.usable, after.usable) == (("custom_domain", "standard"), ())
    assert after.last == before.last
    assert after.entitlements.as_of == instant("2026-04-20")


def test_before_a_late_renewal_was_recorded_it_was_not_known(billing: Billing, clock: SetClock) -> None:
    clock.set("2026-04-23")
    billing.settle(ACCOUNT, "2026-04-21", pay="declined")
    believed = look(billing, at("2026-04-21"), known="2026-04-22")
    true = look(billing, at("2026-04-21"), known="2026-04-23")
    assert (status(believed), believed.entitlements.status) == ({"standard": "active"}, "good")
    assert (status(true), true.entitlements.status) == ({"standard": "suspended"}, "past_due")
    assert [invoice.status for invoice in believed.invoices] == ["paid"]
    assert [invoice.status for invoice in true.invoices] == ["paid", "open"]


def test_a_forecast_is_made_of_what_was_known(billing: Billing, clock: SetClock) -> None:
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-05")
    clock.set("2026-04-08")
    billing.give(ACCOUNT, RemoveAddon("custom_domain"), "2026-04-08")
    foreseen = look(billing, at("2026-04-25"), known="2026-04-07")
    assert status(foreseen)["custom_domain"] == "active"
    assert [(one.what, one.product) for one in foreseen.unsettled] == [
        ("renewal", "standard"),
        ("renewal", "custom_domain"),
    ]
    assert status(look(billing, at("2026-04-25"), known="2026-04-08"))["custom_domain"] == "ended"


def test_a_renewing_product_is_let_go_on_for_a_day_while_its_renewal_is_not_known(billing: Billing) -> None:
    just_ended, later = look(billing, at("2026-04-20")), look(billing, at("2026-04-21"))
    assert (just_ended.usable, just_ended.in_grace) == ((), ("standard",))
    assert (later.usable, later.in_grace) == ((), ())
    assert status(later) == {"standard": "active"}


def test_a_plan_left_for_another_has_ended_though_the_other_waits_to_be_paid(billing: Billing) -> None:
    billing.give(ACCOUNT, ChangePlan("essentials"), "2026-04-06")
    found = look(billing, at("2026-04-20"))
    assert status(found) == {"standard": "ended"}
    assert [(one.what, one.product) for one in found.unsettled] == [("renewal", "standard")]


def test_an_invoice_is_written_off_by_time_where_its_items_lapse(billing: Billing) -> None:
    billing.settle(ACCOUNT, "2026-04-20", pay="declined")
    assert [one.status for one in look(billing, at("2026-05-19")).invoices] == ["paid", "open"]
    found = look(billing, at("2026-05-20"))
    assert [one.status for one in found.invoices] == ["paid", "uncollectible"]
    assert found.entitlements.status == "good"


def test_at_a_version_or_position_time_does_nothing(billing: Billing) -> None:
    billing.give(ACCOUNT, PausePlan("marketing"), "2026-04-10")
    last = billing.log.last_position()
    assert look(billing, At(last)) == look(billing, AtVersion(4)) == look(billing, None)
    assert look(billing, AtVersion(3)).at == instant("2026-03-20")
    assert status(look(billing, At(last - 1))) == {"standard": "active"}


@pytest.mark.parametrize(
    ("upto", "known"), [(at("2026-03-19"), None), (at("2026-04-01"), "2026-03-19"), (At(0), None)]
)
def test_before_it_was_opened_or_known_there_was_no_account(
    billing: Billing, upto: At | AtInstant, known: str | None
) -> None:
    known_at: Instant | None = None if known is None else instant(known)
    assert past(events_of(billing.log, ACCOUNT), upto, known_at=known_at) is None


def test_an_event_that_cannot_be_read_is_in_the_way_only_of_looks_after_it(billing: Billing) -> None:
    billing.append(ACCOUNT, unreadable())
    assert status(look(billing, AtVersion(3))) == {"standard": "active"}
    with pytest.raises(EventUnreadable, match="version 4"):
        look(billing, None)
