"""The service for a server's tasks: many at once, on few connections, in several processes, each account's
commands in the order in which they came."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from domain.evolve import evolve_all
from eventlog.codec import domain_codec
from eventlog.errors import VersionConflict
from service.catalogue_store import PostgresCatalogues
from service.catalogue_versions import EXAMPLE
from service.catalogues import GOOD_FOR, CatalogueLibrary
from service.commands import AnswerLine
from service.gateways.memory import MemoryTestGateway
from service.gateways.port import Charged
from tests.support.service.async_lines import OneProcess, opened

ROOT = Path(__file__).parents[3]
Line = dict[str, object]
AT: Line = {"at": "2026-03-20"}
OPEN: Line = {"do": "open_account", "currency": "EUR", "time_zone": "UTC"}
Story = Callable[[OneProcess], Awaitable[None]]


def _open(account: str) -> Line:
    return {**AT, **OPEN, "account": account, "id": f"open-{account}"}


def _plan(account: str) -> Line:
    return {
        "do": "purchase_plan",
        "account": account,
        "product": "standard",
        "at": "2026-03-20",
        "id": "plan",
    }


def _addon(account: str) -> Line:
    return {**AT, "do": "purchase_addon", "account": account, "product": "surveys", "id": "addon"}


def _credits(account: str, nth: int) -> Line:
    return {**AT, "do": "buy_credits", "account": account, "product": "credits_5000", "id": f"c{nth}"}


def _play(service_url: str, story: Story, gateway: MemoryTestGateway | None = None) -> None:
    async def play() -> None:
        async with opened(service_url, gateway=gateway) as process:
            await asyncio.wait_for(_coroutine(story, process), 60)

    asyncio.run(play())


async def _coroutine(story: Story, process: OneProcess) -> None:
    await story(process)


def _happened(process: OneProcess, account: str) -> list[str]:
    return [row.type for row in process.system.log.read_account(f"main/{account}")]


def test_many_tasks_on_many_accounts_each_get_their_answer(service_url: str) -> None:
    async def story(process: OneProcess) -> None:
        names = [f"a{nth}" for nth in range(200)]
        for lines in ([_open(name) for name in names], [_plan(name) for name in names]):
            answers = await process.say_all(lines)
            assert [(answer.account, answer.outcome) for answer in answers] == [
                (name, "accepted") for name in names
            ]
        for name in names:
            assert _happened(process, name) == ["account_opened", "payment_started", "plan_purchased"]

    _play(service_url, story)


def test_the_callers_of_one_account_are_served_in_order_and_none_loses_an_append(
    service_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[VersionConflict] = []
    made = VersionConflict.__init__

    def counted(self: VersionConflict, *arguments: object) -> None:
        lost.append(self)
        made(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(VersionConflict, "__init__", counted)

    async def story(process: OneProcess) -> None:
        await process.say(**_open("hot"))
        answers = await process.say_all([_credits("hot", nth) for nth in range(50)])
        assert [answer.facts["invoice"] for answer in answers] == list(range(1, 51))

    _play(service_url, story)
    assert lost == []


def _processes(service_url: str, of_each: list[list[Line]]) -> list[list[dict[str, Any]]]:
    """The answers of processes that are given their lines at the same moment."""
    command = [sys.executable, "-m", "tests.support.service.async_lines", service_url]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) for _ in of_each
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process, lines in zip(started, of_each, strict=True):
        assert process.stdin is not None
        process.stdin.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        process.stdin.flush()
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    found = []
    for process in started:
        assert process.stdout is not None
        with process, process.stdout as answers:
            found.append([msgspec.json.decode(line) for line in answers])
        assert process.returncode == 0
    return found


def test_several_processes_give_the_same_commands_once_with_one_answer(service_url: str) -> None:
    names = [f"p{nth}" for nth in range(30)]
    accounts, lines = [_open(name) for name in names], [_plan(name) for name in names]
    _processes(service_url, [accounts])

    first, second, third = _processes(service_url, [lines, lines, lines[::-1]])

    assert first == second == third[::-1]
    assert {answer["outcome"] for answer in first} == {"accepted"}


def test_several_processes_on_the_same_accounts_lose_and_double_nothing(service_url: str) -> None:
    """Each keeps the states as it left them, which the others then change."""
    names = [f"q{nth}" for nth in range(4)]
    _processes(service_url, [[_open(name) for name in names]])

    of_each = [
        [_credits(name, 100 * process + nth) for nth in range(6) for name in names] for process in range(3)
    ]
    answered = _processes(service_url, of_each)

    assert [answer["outcome"] for answers in answered for answer in answers] == ["accepted"] * 72

    async def story(process: OneProcess) -> None:
        for name in names:
            invoices = [
                a["facts"]["invoice"] for answers in answered for a in answers if a["account"] == name
            ]
            assert sorted(invoices) == list(range(1, 19))
            events = [domain_codec().read(row) for row in process.system.log.read_account(f"main/{name}")]
            assert await process.system.service.account(f"main/{name}") == evolve_all(None, events)

    _play(service_url, story)


def test_a_state_that_another_process_has_changed_is_neither_trusted_nor_needed(service_url: str) -> None:
    async def story(here: OneProcess) -> None:
        async with opened(service_url) as there:
            await here.say(**_open("a1"))
            await here.say(**_plan("a1"))
            assert (await there.system.service.account("main/a1")) is not None
            assert (await here.say(**_addon("a1"))).outcome == "accepted"
            surveys: Line = {"account": "a1", "product": "surveys", "at": "2026-03-20"}

            # there it would be `not_held`, and an append would follow on a version that is taken
            assert (await there.say(do="remove_addon", **surveys)).outcome == "accepted"
            assert (await here.say(do="undo", **surveys)).outcome == "reinstated"
            assert (await there.say(do="remove_addon", **surveys, preview=True)).outcome == "accepted"

    _play(service_url, story)


class _HeldGateway(MemoryTestGateway):
    """Charges of the account `slow` wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.asked = asyncio.Event()

    async def charge(self, key, account_id, amount, currency, means) -> Charged:  # type: ignore[no-untyped-def]
        if account_id == "main/slow":
            self.asked.set()
            await self.go_on.wait()
        return await super().charge(key, account_id, amount, currency, means)


def test_a_slow_payment_holds_up_its_own_account_for_two_seconds_at_most_and_no_other(
    service_url: str,
) -> None:
    gateway = _HeldGateway()

    async def story(process: OneProcess) -> None:
        await process.say_all([_open("slow"), _open("quick")])
        slow = asyncio.ensure_future(process.say(**_plan("slow")))
        await gateway.asked.wait()
        began = time.monotonic()
        waiting = asyncio.gather(*[process.say(**_credits("slow", nth)) for nth in range(3)])

        assert (await process.say(**_plan("quick"))).outcome == "accepted"
        assert time.monotonic() - began < 1.5
        assert [answer.code for answer in await waiting] == ["payment_in_progress"] * 3
        assert 1.9 < time.monotonic() - began < 3.5

        gateway.go_on.set()
        assert (await slow).outcome == "accepted"
        assert (await process.say(**_addon("slow"))).outcome == "accepted"

    _play(service_url, story, gateway)


def test_a_correction_waits_for_no_other_commands_payment(service_url: str) -> None:
    gateway = _HeldGateway()

    async def story(process: OneProcess) -> None:
        gateway.go_on.set()
        await process.say(**_open("slow"))
        await process.say(**_plan("slow"))
        gateway.go_on.clear()
        gateway.asked.clear()
        slow = asyncio.ensure_future(process.say(**_addon("slow")))
        await gateway.asked.wait()
        began = time.monotonic()

        note = await process.say(
            **AT, do="credit_note", account="slow", invoice=1, line=1, net="1.00",
            reason="service_failure", by="finance",
        )  # fmt: skip
        assert note.outcome == "accepted", note
        assert time.monotonic() - began < 1

        gateway.go_on.set()
        assert (await slow).outcome == "accepted"

    _play(service_url, story, gateway)


def test_a_caller_that_gives_up_costs_the_others_nothing(service_url: str) -> None:
    async def story(process: OneProcess) -> None:
        await process.say(**_open("a1"))
        tasks = [asyncio.ensure_future(process.say(**_credits("a1", nth))) for nth in range(30)]
        await asyncio.sleep(0.005)
        for nth in range(0, 30, 3):
            tasks[nth].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        given = [answer for answer in outcomes if isinstance(answer, AnswerLine)]
        assert len(given) >= 20
        assert {answer.outcome for answer in given} == {"accepted"}

    _play(service_url, story)


def test_lost_connections_are_made_anew_and_no_caller_notices(service_url: str, database_url: str) -> None:
    async def story(process: OneProcess) -> None:
        names = [f"a{nth}" for nth in range(20)]
        await process.say_all([_open(name) for name in names])
        with psycopg.connect(database_url, autocommit=True) as session:
            session.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        states = await asyncio.gather(*[process.system.service.account(f"main/{name}") for name in names])
        assert all(state is not None for state in states)
        answers = await process.say_all([_plan(name) for name in names])
        assert {answer.outcome for answer in answers} == {"accepted"}

    _play(service_url, story)


def test_a_new_catalogue_is_seen_within_a_second_and_asked_for_less_often_than_commands_come(
    service_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    stamp = PostgresCatalogues.stamp

    def counted(self: PostgresCatalogues) -> object:
        looks.append(time.monotonic())
        return stamp(self)

    monkeypatch.setattr(PostgresCatalogues, "stamp", counted)
    body = EXAMPLE.read_bytes().replace(b'"2026-01"', b'"other"')

    async def story(process: OneProcess) -> None:
        assert (await process.say(**OPEN, account="w")).outcome == "accepted"
        purchase: Line = {
            "do": "purchase_plan", "account": "w", "product": "standard",
            "confirm": {"cvv": "tok", "billing": True},
        }  # fmt: skip
        commands = 0
        for _ in range(300):
            assert (await process.say(**purchase, preview=True)).code == "no_catalogue"
            commands += 1
        looked = len(looks)
        assert looked <= 2 + commands / 10
        _load_elsewhere(service_url, body)
        loaded = time.monotonic()
        while (await process.say(**purchase)).code == "no_catalogue":
            assert time.monotonic() - loaded < GOOD_FOR + 0.5, "a second, and what a busy machine takes"
        assert (await process.say(do="cancel_plan", account="w", family="marketing")).outcome == "accepted"

    _play(service_url, story)


def _load_elsewhere(service_url: str, body: bytes) -> None:
    """Load a catalogue as another process would."""
    store = PostgresCatalogues(service_url)
    try:
        CatalogueLibrary(store).load(body, None, datetime.now(UTC))
    finally:
        store.close()
