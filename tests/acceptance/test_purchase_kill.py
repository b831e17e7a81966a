"""Processes are killed at any moment of a purchase, a renewal, a try, a refund or a recovery, and given the
same lines again. After it no charge is without its purchase, no purchase without its charge, nothing is given
back twice or never, every line is done once, and what was answered before a kill is answered alike after it
(R16, R62)."""

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

import psycopg
import pytest

from domain import events as e
from eventlog import StoredEvent
from eventlog.codec import domain_codec
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from prorata.roles import SERVICE as SERVICE_ROLE
from service.schema import SERVICE
from tests.support.roles import login, migrated
from tests.support.service.killed import MOMENTS, REFUND_MOMENTS

ROOT = Path(__file__).parents[2]
ROUNDS = (
    ("before_intent",),
    ("before_charge", "before_finish"),
    ("after_charge", "after_finish"),
    ("before_conclusion",),
    ("after_conclusion",),
)
"""Moments to be killed at, each in a process of its own; what one leaves open the next takes over."""

Line = dict[str, object]
CODEC = domain_codec()

LINES = 11
"""By each account."""


def _story(chance: random.Random, *, renewals: bool) -> list[Line]:
    """Purchases of four accounts, each recorded whatever it comes to: month by month with renewals in
    between, or all on one day and the accounts in turn."""
    lines: list[Line] = []
    for name in ("a", "b", "c", "d"):
        at = "2026-01-10"
        lines.append(
            {"do": "open_account", "currency": "EUR", "time_zone": "Europe/Paris"} | _of(name, 0, at)
        )
        lines.append({"do": "purchase_plan", "product": "websites_core"} | _of(name, 1, at))
        for n in range(2, LINES - 1):
            at = f"2026-{1 + n:02}-{chance.randint(11, 25)}" if renewals else at
            declined = {"payment": "declined"} if n % 3 == 0 else {}
            lines.append({"do": "buy_credits", "product": "credits_5000"} | declined | _of(name, n, at))
        lines.append({"do": "cancel_plan", "family": "websites"} | _of(name, LINES - 1, at))
    return lines if renewals else [line for n in range(LINES) for line in lines[n::LINES]]


def _of(name: str, n: int, at: str) -> Line:
    return {"account": name, "id": f"{name}{n}", "at": at}


class Killed:
    """Gives the lines to processes that are killed, and keeps what they answered."""

    def __init__(self, database_url: str, lines: list[Line]) -> None:
        self._command = [sys.executable, "-m", "tests.support.service.killed", database_url]
        self._input = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        self.answers: dict[str, dict[str, object]] = {}
        self.kills = 0

    def run(self, moment: str, nth: int) -> bool:
        """Until it kills itself at the nth such moment, or is through. Whether it was killed."""
        done = subprocess.run(
            [*self._command, moment, str(nth)],
            input=self._input,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            check=False,
        )
        self._keep(done.stdout, done.returncode)
        return done.returncode == -signal.SIGKILL

    def run_for(self, seconds: float) -> None:
        """Until it is killed from outside, that long after its first answer."""
        with subprocess.Popen(
            [*self._command, "never", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(self._input)
            process.stdin.close()
            first = process.stdout.readline()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
            rest = process.stdout.read()
        self._keep(first + rest, process.returncode)

    def _keep(self, output: bytes, code: int) -> None:
        assert code in (0, -signal.SIGKILL)
        self.kills += code == -signal.SIGKILL
        for line in output.splitlines(keepends=True):
            if line.endswith(b"\n"):  # else it was cut off by the kill
                answer = json.loads(line)
                if answer["code"] not in ("payment_cancelled", "payment_in_progress"):
                    assert answer["outcome"] != "invalid", answer
                    assert self.answers.setdefault(answer["id"], answer) == answer, (
                        "answered otherwise before"
                    )


@pytest.fixture
def service_url(database_url: str) -> str:
    return login(migrated(database_url, [EVENTLOG, SERVICE]), SERVICE_ROLE)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(5))
def test_a_killed_process_leaves_no_charge_without_its_purchase(seed: int, service_url: str) -> None:
    chance = random.Random(seed)
    lines = _story(chance, renewals=True)
    killed = Killed(service_url, lines)
    rounds = chance.sample(ROUNDS, len(ROUNDS))

    for moments in rounds:
        for moment in moments:
            nth = 1 if "finish" in moment else chance.randint(1, 3)
            assert killed.run(moment, nth), f"it never came to the {nth}. {moment}"
        killed.run_for(chance.uniform(0, 0.02))
    killed.run("never", 1)

    assert killed.kills >= len(MOMENTS)
    assert killed.answers.keys() == {line["id"] for line in lines}
    _check_books(service_url, lines)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(2))
def test_a_process_that_others_take_payments_from_while_it_lives_charges_nothing_twice(
    seed: int, service_url: str
) -> None:
    """Three at once on the same lines, each taking over whatever it meets. Two of them die at the first
    such moment they come to, if the others leave them one."""
    chance = random.Random(seed)
    lines = _story(chance, renewals=False)
    killed = Killed(service_url, lines)
    moments = [(chance.choice(MOMENTS), 1) for _ in range(2)]

    with ThreadPoolExecutor(3) as pool:
        for running in [pool.submit(killed.run, *fate) for fate in (*moments, ("never", 1))]:
            running.result()
    killed.run("never", 1)

    assert killed.answers.keys() == {line["id"] for line in lines}
    _check_books(service_url, lines)


CORRECTED_ROUNDS = (
    ("before_refund",),
    ("after_refund",),
    ("before_charge", "before_finish"),
    ("after_charge", "after_finish"),
    ("before_conclusion",),
    ("after_conclusion",),
)


def _corrected_story() -> list[Line]:
    """Refunds that are made and that fail, a renewal that is declined, its tries, and another method that
    pays; of three accounts in turn."""
    policies = {"collection": {"retry_days": [1, 3, 5]}}
    opening: Line = {
        "do": "open_account",
        "currency": "EUR",
        "time_zone": "Europe/Paris",
        "policies": policies,
    }
    steps: list[tuple[str, Line]] = [
        ("2026-01-10", opening),
        ("2026-01-10", {"do": "purchase_plan", "product": "standard"}),
        ("2026-01-11", _note(1, "1.00")),
        ("2026-01-12", _note(1, "2.00") | {"refund": "failed"}),
        ("2026-01-13", _note(1, "3.00")),
        ("2026-01-14", {"do": "set_payment_method", "works": False}),
        ("2026-02-12", {"do": "set_tax_profile", "country": "FR", "kind": "consumer"}),
        ("2026-02-14", {"do": "set_payment_method"}),
        ("2026-02-20", _note(2, "4.00")),
        ("2026-03-15", {"do": "set_tax_profile", "country": "DE", "kind": "consumer"}),
        ("2026-03-16", _note(3, "5.00")),
    ]
    return [fields | _of(name, n, at) for n, (at, fields) in enumerate(steps) for name in ("a", "b", "c")]


def _note(invoice: int, net: str) -> Line:
    return {"do": "credit_note", "invoice": invoice, "line": 1, "net": net, "reason": "service_failure"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(3))
def test_a_killed_process_gives_nothing_back_twice_and_forgets_no_refund(seed: int, service_url: str) -> None:
    chance = random.Random(seed)
    lines = _corrected_story()
    killed = Killed(service_url, lines)

    for moments in chance.sample(CORRECTED_ROUNDS, len(CORRECTED_ROUNDS)):
        for moment in moments:
            nth = 1 if "finish" in moment else chance.randint(1, 2)
            killed.run(moment, nth)
        killed.run_for(chance.uniform(0, 0.02))
    killed.run("never", 1)

    assert killed.kills >= len(CORRECTED_ROUNDS)
    assert killed.answers.keys() == {line["id"] for line in lines}
    _check_books(service_url, lines)
    _check_refunds(service_url)


@pytest.mark.timeout(300)
def test_processes_that_meet_at_the_same_refunds_give_nothing_back_twice(service_url: str) -> None:
    lines = _corrected_story()
    killed = Killed(service_url, lines)
    fates = [(REFUND_MOMENTS[0], 2), (REFUND_MOMENTS[1], 1), ("never", 1)]

    with ThreadPoolExecutor(3) as pool:
        for running in [pool.submit(killed.run, *fate) for fate in fates]:
            running.result()
    killed.run("never", 1)

    assert killed.answers.keys() == {line["id"] for line in lines}
    _check_books(service_url, lines)
    _check_refunds(service_url)


def _check_refunds(database_url: str) -> None:
    """What the gateway gave back against the credit notes, both ways: each once, and answered once."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select key, answer, amount, account_id from service.gateway_refunds")
        books = {key: (answer, amount, account_id) for key, answer, amount, account_id in rows}
    answers = Counter(answer for answer, _, _ in books.values())
    with closing(PostgresEventLog(database_url)) as log:
        for account_id in log.accounts():
            concluded = Counter[tuple[int, Decimal, str]]()
            intended = Counter[tuple[int, Decimal, str]]()
            for row in log.read_account(account_id):
                event = CODEC.read(row)
                if isinstance(event, e.CreditNoteIssued) and event.refund:
                    answer, amount, given_to = books.pop(row.event_id)
                    assert (amount, given_to) == (event.refund, account_id)
                    intended[event.number, amount, answer] += 1
                elif isinstance(event, e.RefundConcluded):
                    answer = "refunded" if event.refunded else "failed"
                    concluded[event.note, event.amount, answer] += 1
            assert concluded == intended
            assert set(concluded.values()) == {1}
    assert books == {}, "given back without a credit note"
    assert answers["refunded"] >= answers["failed"] > 0


def _check_books(database_url: str, lines: list[Line]) -> None:
    """The gateway's books against the log, both ways; and every command done exactly once."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select key, answer, amount, account_id from service.gateway_payments")
        books = {key: (answer, amount, account_id) for key, answer, amount, account_id in rows}
    done: Counter[tuple[str, str]] = Counter()
    with closing(PostgresEventLog(database_url)) as log:
        for account_id in log.accounts():
            stored = log.read_account(account_id)
            for row, following in zip_longest(stored, stored[1:]):
                if (amount := _intent_of(row)) is not None:
                    assert following is not None, "an intent without an answer"
                    answer, charged, charged_for = books.pop(row.event_id)
                    assert answer == _ANSWERS.get(following.type, "paid")
                    assert answer == "cancelled" or (charged, charged_for) == (amount, account_id)
                elif row.command_id is not None and row.type != "payment_cancelled":
                    done[row.command_id, row.type] += 1
    assert books == {}, "charged without an intent"
    assert set(done.values()) == {1}
    assert {command_id for command_id, _ in done} == {line["id"] for line in lines}


def _intent_of(row: StoredEvent) -> Decimal | None:
    """What is to be charged by this event; None: it begins no payment."""
    event = CODEC.read(row)
    if isinstance(event, e.PaymentStarted):
        return event.amount
    return (event.invoice.charge or None) if isinstance(event, e.CyclesRenewed) else None


_ANSWERS = {
    "payment_declined": "declined",
    "renewal_declined": "declined",
    "try_declined": "declined",
    "payment_cancelled": "cancelled",
}
