"""What the billing run promises of its stages: a provider holds up only whom it charges, a conflict is one
account's, and what is set aside is charged in its turn."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from domain.settle import next_due
from service.billing import run as billing_run
from service.billing.pace import Pace
from service.errors import GatewayUnavailable
from service.gateways.memory import MemoryTestGateway
from service.gateways.port import Charged, Means
from tests.support.service.billing import FoldedStates, ThroughKeptStates, billing_in_memory
from tests.support.service.gateways import UnreliableGateway
from tests.support.service.renewing_stories import lives
from tests.support.service.world import NOW, World, memory_world

DAY = timedelta(days=1)
MONTH_LATER = NOW + 32 * DAY


class Observed(MemoryTestGateway):
    """A gateway that counts its charges; `meanwhile` is awaited before each."""

    def __init__(self) -> None:
        super().__init__()
        self.charged: Counter[UUID] = Counter()
        self.under_way = self.most_under_way = 0
        self.meanwhile: Callable[[str], object] = lambda _: None
        self.seconds: Callable[[str], float] = lambda _: 0.0

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            self.meanwhile(account_id)
            if seconds := self.seconds(account_id):
                await asyncio.sleep(seconds)
            self.charged[key] += 1
            return await super().charge(key, account_id, amount, currency, means)
        finally:
            self.under_way -= 1


def _with_plans(world: World, count: int) -> World:
    for nth in range(count):
        world.open(f"a{nth}")
        world.say(do="purchase_plan", account=f"a{nth}", product="standard", at="2026-03-20")
    return world


def test_a_provider_that_hangs_holds_up_only_the_accounts_that_it_charges() -> None:
    gateway = Observed()
    world = _with_plans(memory_world(gateway), 12)
    gateway.seconds = lambda account_id: 3_600.0 if account_id == "main/a3" else 0.0

    report = billing_in_memory(world, patience=0.05).run_due("test", MONTH_LATER)

    assert report.waiting == ("main/a3",)
    assert world.happened("a3")[-2:] == ["cycles_renewed", "payment_cancelled"]
    assert [world.happened(f"a{nth}")[-1] for nth in range(12) if nth != 3] == ["invoice_paid"] * 11
    gateway.seconds = lambda _: 0.0
    assert billing_in_memory(world).run_due("test", MONTH_LATER).waiting == ()
    assert world.happened("a3")[-2:] == ["payment_started", "invoice_paid"]


def test_a_provider_that_asks_for_patience_is_asked_the_same_again_when_the_time_has_come() -> None:
    gateway = Observed()
    world = _with_plans(memory_world(gateway), 6)
    refused: list[float] = []
    asked: list[float] = []

    def refuse_some(_: str) -> None:
        asked.append(time.monotonic())
        if len(asked) in (2, 5):
            refused.append(time.monotonic())
            raise GatewayUnavailable("too many requests", retry_after=0.1)

    gateway.meanwhile = refuse_some

    report = billing_in_memory(world, in_flight=1).run_due("test", MONTH_LATER)

    assert (report.waiting, report.failed) == ((), ())
    assert len(refused) == 2
    for begin in refused:
        assert all(at <= begin or at >= begin + 0.1 for at in asked)
    assert all("payment_cancelled" not in world.happened(f"a{nth}") for nth in range(6))


def test_no_more_charges_are_under_way_than_allowed() -> None:
    gateway = Observed()
    world = _with_plans(memory_world(gateway), 30)
    gateway.seconds = lambda _: 0.005

    billing_in_memory(world, in_flight=4).run_due("test", MONTH_LATER)

    assert gateway.most_under_way == 4


def test_turns_come_no_faster_than_the_bucket_fills_once_it_is_empty() -> None:
    now, slept = [100.0], list[float]()

    async def take_turns(pace: Pace, count: int) -> None:
        for _ in range(count):
            await pace.turn()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("service.billing.pace.asyncio.sleep", sleep)
        pace = Pace(per_second=10, burst=3, monotonic=lambda: now[0])
        asyncio.run(take_turns(pace, 3))
        assert slept == []
        asyncio.run(take_turns(Pace(per_second=10, burst=3, monotonic=lambda: now[0]), 8))
        assert now[0] == pytest.approx(100.5)


def test_issuing_does_not_wait_for_charges_that_cannot_be_asked_for_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(billing_run, "TO_ASK", 0)
    gateway = Observed()
    world = _with_plans(memory_world(gateway), 25)
    issued: list[int] = []

    def look(_: str) -> None:
        issued.append(sum(world.happened(f"a{nth}")[-1] == "cycles_renewed" for nth in range(25)))

    gateway.seconds = lambda _: 0.01
    gateway.charged.clear()
    gateway.meanwhile = look

    report = billing_in_memory(world, in_flight=2).run_due("test", MONTH_LATER)

    assert (report.accounts, report.waiting) == (25, ())
    assert max(issued) >= 23, "nearly all were issued before two could be charged"
    assert set(gateway.charged.values()) == {1}
    assert [world.happened(f"a{nth}")[-1] for nth in range(25)] == ["invoice_paid"] * 25


def test_an_account_that_a_correction_changes_during_its_charge_is_paid_once_all_the_same() -> None:
    gateway = UnreliableGateway()
    world = _with_plans(memory_world(gateway), 3)

    def correct() -> None:
        given = world.twin().say(
            do="credit_note", account="a1", at="2026-04-21", invoice=1, line=1, net="1.00",
            reason="service_failure",
        )  # fmt: skip
        assert given.outcome == "accepted", given

    def when_charged(account_id: str) -> None:
        if account_id == "main/a1":
            gateway.before_answer = correct

    charge = gateway.charge

    async def watched(key: UUID, account_id: str, amount: Decimal, currency: str, means: Means) -> Charged:
        when_charged(account_id)
        return await charge(key, account_id, amount, currency, means)

    gateway.charge = watched  # type: ignore[method-assign]

    report = billing_in_memory(world).run_due("test", MONTH_LATER)

    assert (report.failed, report.waiting) == ((), ())
    assert world.happened("a1").count("cycles_renewed") == world.happened("a1").count("invoice_paid") == 1
    assert "credit_note_issued" in world.happened("a1")
    assert "payment_cancelled" not in world.happened("a1")


def test_a_run_that_is_stopped_leaves_what_it_had_not_begun_to_a_later_one() -> None:
    gateway = Observed()
    world = _with_plans(memory_world(gateway), 10)
    gateway.seconds = lambda _: 0.2
    stop: list[str] = []
    gateway.meanwhile = stop.append

    report = billing_in_memory(world, in_flight=1).run_due("test", MONTH_LATER, stopped=lambda: bool(stop))
    world.clock.advance(timedelta(minutes=1))
    later = billing_in_memory(world).run_due("test", MONTH_LATER)

    assert 0 < len(report.waiting) < 10
    assert later.waiting == ()
    assert [world.happened(f"a{nth}")[-1] for nth in range(10)] == ["invoice_paid"] * 10
    paid = [answer for answer in gateway.answers.values() if answer == "paid"]
    assert len(paid) == 20, "ten purchases and ten renewals"


@pytest.mark.parametrize("states", [FoldedStates, ThroughKeptStates])
@pytest.mark.parametrize("seed", range(12))
def test_a_run_records_what_settling_one_account_after_the_other_records(
    seed: int, states: type[FoldedStates]
) -> None:
    lines = lives(Random(seed), accounts=8)
    one_by_one, together = memory_world(), memory_world()
    for world in (one_by_one, together):
        for line in lines:
            world.say(**line)
    accounts = list(one_by_one.log.accounts())

    for month in range(1, 8):
        until = NOW + month * 31 * DAY
        for account_id in accounts:
            one_by_one.service.settle(account_id, until)
        report = billing_in_memory(together, states=states).run_due("test", until)
        assert (report.failed, report.waiting, report.untaxed) == ((), (), ())

    for account_id in accounts:
        expected = [(row.type, row.state) for row in one_by_one.log.read_account(account_id)]
        assert [(row.type, row.state) for row in together.log.read_account(account_id)] == expected
        state = together.service.account(account_id)
        assert state is not None
        due = next_due(state)
        assert due is None or due[1] > NOW + 7 * 31 * DAY
