"""States that billing runs keep hold no invoices: what reads one is told so and never takes it for absent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from inspect import isfunction

import pytest

from domain.events import Invoice
from domain.state import IssuedInvoices
from service.billing import kept
from service.billing.kept import InvoicesUnread, LaterInvoices
from tests.support.service.billing import ThroughKeptStates, billing_in_memory
from tests.support.service.world import NOW, World, memory_world

DAY = timedelta(days=1)


def test_every_way_to_read_an_invoice_knows_of_those_that_are_not_at_hand() -> None:
    ways = {name for name, way in vars(IssuedInvoices).items() if isfunction(way)}

    assert ways >= {"__getitem__", "latest_first"}
    assert ways - vars(LaterInvoices).keys() == set()


@pytest.mark.parametrize(
    "read",
    [
        lambda invoices: invoices[2],
        lambda invoices: list(invoices.items()),
        lambda invoices: list(invoices.latest_first()),
    ],
)
def test_whoever_reads_an_invoice_that_is_not_at_hand_is_told_so(
    read: Callable[[IssuedInvoices], object],
) -> None:
    with pytest.raises(InvoicesUnread):
        read(_kept_after_two().and_one(_invoice()))


def test_what_was_issued_since_is_found_without_the_others() -> None:
    invoices = _kept_after_two().and_one(_invoice())

    assert next(iter(invoices.latest_first())) is invoices[3]
    assert (len(invoices), list(invoices), 2 in invoices, 4 in invoices) == (3, [1, 2, 3], True, False)


def test_the_end_of_free_months_is_told_by_a_run_on_kept_states() -> None:
    world = memory_world()
    world.open("a1")
    given = {"percent": "100", "products": ["custom_domain"], "for": 2}
    for line in (
        {"at": "2026-03-20", "do": "purchase_plan", "product": "standard"},
        {"at": "2026-03-20", "do": "purchase_addon", "product": "custom_domain"},
        {"at": "2026-03-25", "do": "grant_discount", **given},
    ):
        world.say(account="a1", **line)

    for day in range(0, 150, 3):
        report = billing_in_memory(world, states=ThroughKeptStates).run_due("test", NOW + day * DAY)
        assert (report.failed, report.waiting) == ((), ())

    assert world.happened("a1").count("discount_ends") == 1


def _kept_after_two() -> IssuedInvoices:
    world = memory_world()
    world.open("a1")
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    world.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-21")
    return _through_kept(world)


def _through_kept(world: World) -> IssuedInvoices:
    state = world.service.account("main/a1")
    assert state is not None
    again = kept.decoded(kept.encoded(state))
    assert again is not None
    return again.invoices


def _invoice() -> Invoice:
    world = memory_world()
    world.open("a1")
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    state = world.service.account("main/a1")
    assert state is not None
    return state.invoices[1]
