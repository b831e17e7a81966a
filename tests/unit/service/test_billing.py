"""The billing run: late, early, twice at once, and past accounts that fail (R25)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from domain import events as e
from domain.errors import InvalidInput
from service.billing import BillingRun, RunReport
from service.billing.states import Loaded
from service.catalogue_versions import EXAMPLE, demo_body
from tests.support.service.billing import FoldedStates, billing_in_memory
from tests.support.service.gateways import UnreliableGateway
from tests.support.service.taxes import Decider
from tests.support.service.world import NOW, World, memory_world, minutes

DAY = timedelta(days=1)
TOKEN = {"cvv": "tok_1", "billing": True}


def _run(world: World) -> BillingRun:
    return billing_in_memory(world)


def _with_plans(world: World, *accounts: str) -> World:
    for account in accounts:
        world.open(account)
        world.say(do="purchase_plan", account=account, product="standard", at="2026-03-20")
    return world


def test_everything_due_is_settled_once_however_often_it_runs() -> None:
    world = _with_plans(memory_world(), "a", "b")
    reports: list[RunReport] = []

    report = _run(world).run_due("test", NOW + 100 * DAY, reports.append)
    again = _run(world).run_due("test", NOW + 100 * DAY)

    assert (report.accounts, report.events, report.failed, report.waiting) == (2, 12, (), ())
    assert reports[-1] == report
    assert (again.accounts, again.events) == (0, 0)
    [euros] = report.totals
    assert (euros.currency, euros.invoices, euros.payments, euros.declines) == ("EUR", 6, 6, 0)
    assert euros.issued == euros.paid == Decimal("120.00")
    assert world.happened("a").count("invoice_paid") == 3


def test_each_clock_is_billed_by_itself() -> None:
    world = _with_plans(memory_world(), "t")
    world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    world.open("w", at=None)
    world.say_now(do="purchase_plan", account="w", product="standard", confirm=TOKEN)
    world.clock.advance(40 * DAY)

    assert _run(world).run_due("wall", world.clock.now()).events == 2
    assert world.happened("t")[-1] == "plan_purchased"
    assert world.happened("w")[-1] == "invoice_paid"


def test_on_the_wall_clock_nothing_is_billed_before_its_time() -> None:
    world = memory_world()

    with pytest.raises(InvalidInput) as raised:
        _run(world).run_due("wall", NOW + timedelta(seconds=1))
    assert raised.value.code == "until_in_future"


def test_an_account_that_fails_is_reported_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = _with_plans(memory_world(), "a", "b", "c")
    load = FoldedStates.load

    def failing(states: FoldedStates, account_ids: list[str], *, whole: bool = False) -> list[Loaded]:
        broken = ZeroDivisionError("broken on purpose")
        loaded = load(states, account_ids, whole=whole)
        return [
            broken if account_id == "main/b" else found
            for account_id, found in zip(account_ids, loaded, strict=True)
        ]

    monkeypatch.setattr(FoldedStates, "load", failing)

    report = _run(world).run_due("test", NOW + 40 * DAY)

    assert report.accounts == 3
    assert [(f.account_id, f.reason) for f in report.failed] == [
        ("main/b", "ZeroDivisionError: broken on purpose")
    ]
    assert "main/b" in caplog.text
    assert world.happened("c")[-1] == "invoice_paid"


def test_payments_without_an_answer_are_taken_over_first_and_young_ones_wait() -> None:
    gateway = UnreliableGateway()
    world = _with_plans(memory_world(gateway), "a")
    gateway.charges_are_lost = gateway.finishes_fail = True
    world.say(do="purchase_addon", account="a", product="surveys", at="2026-03-20")
    gateway.charges_are_lost = gateway.finishes_fail = False

    young = _run(world).run_due("test", NOW + 40 * DAY)
    world.clock.advance(minutes(1))
    old = _run(world).run_due("test", NOW + 40 * DAY)

    assert (young.waiting, young.events) == (("main/a",), 0)
    assert (old.waiting, old.events) == ((), 3)
    assert world.happened("a")[-3:] == ["addon_purchased", "cycles_renewed", "invoice_paid"]


def test_an_account_whose_taxes_cannot_be_decided_is_named_and_the_others_go_on() -> None:
    decider = Decider()
    world = _with_plans(memory_world(decider=decider), "t")
    world.library.load(demo_body(), None, NOW)
    world.open("w", at=None)
    world.say_now(do="set_tax_profile", account="w", country="FR", kind="consumer")
    world.say_now(do="purchase_plan", account="w", product="standard", confirm=TOKEN)
    world.open("free", at=None)
    world.say_now(do="set_tax_profile", account="free", country="FR", kind="consumer")
    world.say_now(do="buy_credits", account="free", product="credits_5000", confirm=TOKEN)
    decider.away = True
    world.clock.advance(400 * DAY)

    report = _run(world).run_due("wall", world.clock.now())

    assert (report.untaxed, report.failed, report.waiting) == (("main/w",), (), ())
    assert world.happened("free")[-1] == "credits_expired"
    decider.away = False
    again = _run(world).run_due("wall", world.clock.now())
    assert again.untaxed == ()
    renewed = [event for event in world.history("w") if isinstance(event, e.CyclesRenewed)]
    assert [event.invoice.date.isoformat() for event in renewed][:2] == ["2026-04-20", "2026-05-20"]
