"""Two processes of the service at one payment provider, their instructions in random order, answers lost,
each killed at any instruction: no double charge, no charge without its event, no event without its charge."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import msgspec
import pytest

from domain import events as e
from domain.charges import charges_of
from domain.errors import Failure
from eventlog.codec import domain_codec
from service.catalogue_versions import EXAMPLE
from service.gateways.port import RefundMade
from service.messages import take_signed
from service.reconciling.finishing import finish_all
from tests.support.service.interleaved import Interleaved, Process
from tests.support.service.late_gateway import SIGNED
from tests.support.service.world import NOW

ACCOUNTS = ("a1", "a2")
SEEDS = int(os.environ.get("INTERLEAVINGS", "400"))
TOKENS = ("tok_1", "tok_1", "tok_declined", "tok_action_required", "tok_answer_lost", "tok_unreachable")
WALL: tuple[e.Clock, ...] = ("wall",)
MONTH, HOUR = timedelta(days=32), timedelta(hours=1)
CODEC = domain_codec()


def lines(random: Random) -> Iterator[bytes]:
    """What both processes are asked, often the same under the same id."""
    for nth in range(6):
        account = random.choice(ACCOUNTS)
        confirm = {"cvv": random.choice(TOKENS), "billing": True}
        line: dict[str, object] = {"account": account, "confirm": confirm}
        match random.randrange(7):
            case 0 | 1:
                line |= {"do": "purchase_plan", "product": "standard"}
            case 2:
                line |= {"do": "purchase_addon", "product": random.choice(("surveys", "custom_domain"))}
            case 3:
                line |= {"do": "buy_credits", "product": "credits_5000"}
            case 4:
                line |= {"do": "pay_balance"}
            case 5:
                line = {
                    "do": "credit_note", "account": account, "invoice": random.choice((1, 2)), "line": 1,
                    "net": "0.50", "reason": "goodwill",
                }  # fmt: skip
            case _:
                line = {"do": "set_payment_method", "account": account, "method": random.choice(TOKENS[:3])}
        yield msgspec.json.encode(line | {"id": f"c{nth}"})


async def works(world: Interleaved, process: Process, asked: list[bytes], random: Random) -> None:
    """What one process does: lines in an order of its own, billing, and the provider's messages between
    them."""
    for line in random.sample(asked, len(asked)):
        await process.say(line)
        if random.random() < 0.3:
            await settles(world, process)
        if random.random() < 0.3 and world.gateway.sent:
            await hears(world, process, random.choice(world.gateway.sent))
        if random.random() < 0.3:
            provider_acts(world, random)


async def settles(world: Interleaved, process: Process) -> None:
    for account in ACCOUNTS:
        try:
            await process.service.settle(f"main/{account}", world.clock.now())
        except Failure:
            continue


async def hears(world: Interleaved, process: Process, body: bytes) -> None:
    try:
        await take_signed(world.gateway, process.service, body, SIGNED)
    except Failure:
        return


def provider_acts(world: Interleaved, random: Random) -> None:
    """A customer consents, a debit ends, a payment is disputed."""
    answers = world.gateway.answers
    for key, answer in answers.items():
        if answer in ("action_required", "pending") and random.random() < 0.5:
            world.gateway.ends(key, "paid" if random.random() < 0.7 else "declined")
            if answer == "action_required":
                world.done(world.gateway.answer_waiting(key, "paid"))
        elif answer == "paid" and random.random() < 0.05:
            world.gateway.disputes(key, random.choice(("opened", "lost")))


def played(seed: int) -> Interleaved:
    """A world in which everybody has died or is done, and then all has been finished."""
    world = Interleaved(seed)
    world.gateway.faults = 0.0
    deaths, world.deaths = world.deaths, 0.0
    first = world.process()
    first.session._catalogues.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    for account in ACCOUNTS:
        opened = {"do": "open_account", "account": account, "currency": "EUR", "time_zone": "Europe/Paris"}
        world.done(first.say(msgspec.json.encode(opened)))
    world.deaths, world.gateway.faults = deaths, 0.04
    for month in range(2):
        asked = list(lines(Random(seed + 1_000_000 * month)))
        for nth in range(2):
            world.begin(works(world, world.process(), asked, Random(seed * 10 + nth + month)))
        world.run()
        world.clock.advance(MONTH)
    world.gateway.faults = 0.0
    last = world.process()
    for _ in range(4):
        world.clock.advance(HOUR)
        world.done(settles(world, last))
        world.done(finish_all(last.service, [f"main/{account}" for account in ACCOUNTS], WALL))
    return world


def check(world: Interleaved) -> Counter[str]:
    """The provider's books and the log agree, both ways; every command was done once at most."""
    answers, refunds = dict(world.gateway.answers), {**world.gateway.refunds}
    seen: Counter[str] = Counter()
    for account in ACCOUNTS:
        stored = world.log.read_account(f"main/{account}")
        history = [CODEC.read(row) for row in stored]
        for intent, charge in charges_of(enumerate(history, 1)).items():
            key = stored[intent - 1].event_id
            there = answers.pop(key, None)
            seen[f"{charge.purpose} {charge.status}"] += 1
            check_charge(world, key, charge.status, charge.amount, there)
        check_refunds(history, [row.event_id for row in stored], refunds, seen)
        check_commands(history)
    assert {key: answer for key, answer in answers.items() if answer != "cancelled"} == {}, (
        "charged, no event"
    )
    assert {key for key, made in refunds.items() if made == "refunded"} == set(), "given back, no event"
    return seen


def check_charge(world: Interleaved, key: UUID, here: str, amount: Decimal, there: str | None) -> None:
    moved = world.gateway.charged_amounts.get(key, [])
    assert len(moved) <= 1, "charged twice"
    assert here != "unanswered", "left open"
    assert (here == "paid") == (there == "paid") or here == "failed", (here, there)
    if there == "paid":
        assert moved == [amount]
    if here == "late":
        assert there == "pending"


def check_refunds(
    history: list[e.Event], ids: list[UUID], refunds: dict[UUID, RefundMade], seen: Counter[str]
) -> None:
    concluded = {event.note: event.refunded for event in history if isinstance(event, e.RefundConcluded)}
    assert len(concluded) == len([event for event in history if isinstance(event, e.RefundConcluded)])
    for event, key in zip(history, ids, strict=True):
        if isinstance(event, e.CreditNoteIssued) and event.refund:
            assert refunds.pop(key) == ("refunded" if concluded[event.number] else "failed")
            seen["refund"] += 1


def check_commands(history: list[e.Event]) -> None:
    """A command's purchase stands once in the history, and each invoice is paid once at a time."""
    bought = [event.command.id for event in history if event.command is not None and bought_by(event)]
    assert len(bought) == len(set(bought)), bought


def bought_by(event: e.Event) -> bool:
    kinds = (e.PlanPurchased, e.AddonPurchased, e.CreditsPurchased, e.CreditNoteIssued)
    return isinstance(event, kinds)


@pytest.mark.parametrize("block", range(4))
def test_no_charge_is_doubled_and_none_is_without_its_event_nor_an_event_without_its_charge(
    block: int,
) -> None:
    seen: Counter[str] = Counter()
    moments: set[str] = set()
    died = 0
    for seed in range(block * SEEDS // 4, (block + 1) * SEEDS // 4):
        world = played(seed)
        try:
            seen += check(world)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        died, moments = died + world.died, moments | world.moments
        world.bury()
    assert died > SEEDS // 16
    assert {"purchase paid", "purchase cancelled", "purchase declined", "refund"} <= seen.keys()
    assert {"before charge", "after charge", "before append", "after append"} <= moments
