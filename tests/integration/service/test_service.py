"""Commands on PostgreSQL: given twice at once, in conflict, and without a trace of the confirmation."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
from psycopg import sql

from domain.evolve import evolve_all
from service.catalogue_versions import EXAMPLE
from service.commands import AnswerLine
from service.completing import complete
from service.errors import PaymentUnanswered
from tests.support.service.world import NOW, Process, World

Line = dict[str, object]
PLAN: Line = {"do": "purchase_plan", "account": "a1", "product": "standard", "at": "2026-03-20", "id": "c1"}
CREDITS: Line = {"do": "buy_credits", "account": "a1", "product": "credits_5000", "at": "2026-03-20"}
ROOT = Path(__file__).parents[3]


def _at_once(worlds: list[World], lines: list[Line]) -> list[AnswerLine]:
    """Each world is given its line at the same moment."""
    together = Barrier(len(worlds))

    def give(world: World, line: Line) -> AnswerLine:
        together.wait()
        return world.say(**line)

    with ThreadPoolExecutor(len(worlds)) as pool:
        return list(pool.map(give, worlds, lines))


def test_a_command_given_by_many_at_once_is_done_once_and_all_get_the_same_answer(process: Process) -> None:
    worlds = [process() for _ in range(4)]
    for nth in range(10):
        worlds[0].open(f"a{nth}")
        line = {**PLAN, "account": f"a{nth}"}

        answers = _at_once(worlds, [line] * 4)

        assert all(answer == answers[0] for answer in answers)
        assert answers[0].outcome == "accepted"
        assert worlds[0].happened(f"a{nth}") == ["account_opened", "payment_started", "plan_purchased"]


def test_threads_of_one_process_give_one_command_at_once(process: Process) -> None:
    world = process()
    world.open()

    answers = _at_once([world] * 4, [PLAN] * 4)

    assert all(answer == answers[0] for answer in answers)
    assert world.happened() == ["account_opened", "payment_started", "plan_purchased"]


def test_commands_in_conflict_are_all_done_one_after_the_other(process: Process) -> None:
    worlds = [process() for _ in range(4)]
    worlds[0].open()

    answers = _at_once(worlds, [{**CREDITS, "id": f"c{n}"} for n in range(4)])

    assert [answer.outcome for answer in answers] == ["accepted"] * 4
    numbers = sorted(answer.facts["invoice"] for answer in answers)
    assert numbers == [1, 2, 3, 4]
    state = worlds[0].service.account("main/a1")
    assert state == evolve_all(None, worlds[0].history())


def test_an_account_opened_by_many_at_once_is_opened_once(process: Process) -> None:
    worlds = [process() for _ in range(4)]
    line = {"do": "open_account", "account": "a1", "currency": "EUR", "time_zone": "UTC", "at": "2026-03-20"}

    answers = _at_once(worlds, [{**line, "id": f"c{n}"} for n in range(4)])

    assert sorted(answer.code or "" for answer in answers) == ["", *["account_exists"] * 3]
    assert worlds[0].happened() == ["account_opened"]


def test_two_billing_runs_at_once_bill_every_date_once(process: Process) -> None:
    worlds = [process() for _ in range(3)]
    for nth in range(6):
        worlds[0].open(f"a{nth}")
        worlds[0].say(**{**PLAN, "account": f"a{nth}"})

    def settle(world: World) -> None:
        for nth in range(6):
            world.service.settle(f"main/a{nth}", NOW + timedelta(days=100))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda world: _until_settled(settle, world), worlds))

    for nth in range(6):
        happened = worlds[0].happened(f"a{nth}")
        assert happened[3:] == ["cycles_renewed", "invoice_paid"] * 3


def _until_settled(settle: Callable[[World], None], world: World) -> None:
    """A payment that another run has under way is left to it: once more, as the next run would."""
    for _ in range(20_000):
        try:
            settle(world)
        except PaymentUnanswered:
            continue
        return
    raise AssertionError("a payment was never answered")


def test_a_long_history_is_loaded_from_a_snapshot_to_the_same_state(process: Process, world: World) -> None:
    world.open()
    world.say(**PLAN)
    world.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-20", id="c2")
    for n in range(260):
        world.say(do="remove_addon", account="a1", product="surveys", at="2026-03-20", id=f"r{n}")
        world.say(do="undo", account="a1", product="surveys", at="2026-03-20", id=f"u{n}")

    loaded = complete(process().accounts.load("main/a1"))

    assert loaded.head == world.log.head("main/a1")
    assert loaded.state == evolve_all(None, world.history())


def test_a_snapshot_is_written_and_may_be_dropped(process: Process, world: World, database_url: str) -> None:
    test_a_long_history_is_loaded_from_a_snapshot_to_the_same_state(process, world)
    with psycopg.connect(database_url, autocommit=True) as connection:
        [[version]] = connection.execute("select version from service.snapshots").fetchall()
        assert version == 500
        connection.execute("drop table service.snapshots")

    other = process()
    assert complete(other.accounts.load("main/a1")).state == evolve_all(None, world.history())
    for n in range(2):
        other.say(do="remove_addon", account="a1", product="surveys", at="2026-03-20", id=f"x{n}")
        other.say(do="undo", account="a1", product="surveys", at="2026-03-20", id=f"y{n}")


@pytest.mark.parametrize("token", ["tok_9b2e_secret", "tok_answer_lost", "tok_unreachable"])
def test_the_confirmation_is_in_no_table(world: World, database_url: str, token: str) -> None:
    world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    world.open("w", at=None)
    answer = world.say_now(
        do="purchase_plan",
        account="w",
        product="standard",
        id="c1",
        actor="u-7",
        confirm={"cvv": token, "billing": True},
    )
    loaded = complete(world.accounts.load("main/w"))
    complete(world.accounts.keep("main/w", loaded, since=loaded))

    assert answer.events
    assert "u-7" in _everything(database_url), "the search finds what is there"
    assert token not in _everything(database_url)


def _everything(database_url: str) -> str:
    """Every row of every table, as text, bytes as they read."""
    found = []
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname in ('public', 'service')"
        ).fetchall()
        for schema, table in tables:
            rows = connection.execute(sql.SQL("select * from {}").format(sql.Identifier(schema, table)))
            found += [
                value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                for row in rows
                for value in row
            ]
    return "\n".join(found)


def test_two_processes_of_the_system_give_one_command_at_once(world: World, service_url: str) -> None:
    """Processes of their own, not threads: each imports, connects, and gives the same lines."""
    lines = b"".join(
        json.dumps(line).encode() + b"\n"
        for n in range(5)
        for line in (
            {"do": "open_account", "account": f"p{n}", "currency": "EUR", "time_zone": "UTC",
             "at": "2026-03-20", "id": f"o{n}"},
            {**PLAN, "account": f"p{n}"},
            {**CREDITS, "account": f"p{n}", "id": "c2"},
        )
    )  # fmt: skip
    command = [sys.executable, "-m", "tests.support.service.lines", service_url]

    def outcome(_: int) -> bytes:
        return subprocess.run(command, input=lines, stdout=subprocess.PIPE, cwd=ROOT, check=True).stdout

    with ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(outcome, range(2)))

    assert outputs[0] == outputs[1]
    assert outputs[0].count(b'"accepted"') == 10
    assert outputs[0].count(b'"monthly_plan_active"') == 5
