"""Processes are killed before and after every request to Stripe, and given the same lines again, also once
Stripe has forgotten its idempotency keys. After it no payment at Stripe is without its purchase or renewal,
none of those without its payment, and nothing is charged or given back twice (R16, R62)."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from uuid import UUID

import pytest

from domain import events as e
from eventlog.codec import domain_codec
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from eventlog.records import StoredEvent
from prorata.roles import SERVICE as SERVICE_ROLE
from service.gateways.stripe.amounts import in_minor_units
from service.schema import SERVICE
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.faults import Kind
from tests.support.roles import login, migrated

ROOT = Path(__file__).parents[2]
CODEC = domain_codec()
REQUESTS = (
    "POST /v1/customers", "POST /v1/setup_intents", "POST /v1/payment_intents",
    "POST /v1/payment_intents/*/confirm", "POST /v1/payment_intents/*/cancel", "GET /v1/payment_intents/*",
    "POST /v1/refunds", "GET /v1/refunds",
)  # fmt: skip
MOMENTS: tuple[Kind, ...] = ("before", "after")

Line = dict[str, object]


def _story(months: int) -> list[Line]:
    """An account month by month; each month has every request but the first: a declined purchase, a paid one,
    a refund, a method that does not work, so a declined renewal and try, and a method that pays the rest."""
    lines: list[Line] = [
        {
            "do": "open_account",
            "currency": "EUR",
            "time_zone": "Europe/Paris",
            "policies": {"collection": {"retry_days": [1, 3, 5]}},
            "at": "2026-01-10",
        },
        {"do": "purchase_plan", "product": "websites_core", "at": "2026-01-10"},
    ]
    for month in range(1, months + 1):
        steps: list[tuple[int, Line]] = [
            (11, {"do": "set_payment_method"}),
            (12, {"do": "buy_credits", "product": "credits_5000", "payment": "declined"}),
            (13, {"do": "buy_credits", "product": "credits_5000"}),
            (13, _note(2 * month, "1.00")),
            (14, {"do": "set_payment_method", "works": False}),
        ]
        lines += [fields | {"at": f"2026-{month:02}-{day}"} for day, fields in steps]
    return [line | {"account": "a", "id": f"a{n}"} for n, line in enumerate(lines)]


def _note(invoice: int, net: str) -> Line:
    return {"do": "credit_note", "invoice": invoice, "line": 1, "net": net, "reason": "service_failure"}


class Killed:
    """Gives the lines to processes, which are killed at a request."""

    def __init__(self, fake: FakeStripe, database_url: str) -> None:
        self._fake = fake
        self._environment = {**os.environ, "PRORATA_STRIPE_KEY": fake.key, "PRORATA_STRIPE_URL": fake.url}
        self._command = [sys.executable, "-m", "tests.support.service.killed_stripe", database_url]
        self.answers: dict[str, dict[str, object]] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, lines: list[Line], moment: Kind | None = None, request: str = "") -> bool:
        """Until it is killed at the first such request, or is through. Whether it was killed."""
        self._fake.faults.clear()
        if moment is not None:
            self._fake.faults.add(moment, request, call=self._kill)
        given = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        with subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        ) as process:
            self._process = process
            output, _ = process.communicate(given)
        assert process.returncode in (0, -signal.SIGKILL)
        self._keep(output)
        return process.returncode != 0

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()

    def _keep(self, output: bytes) -> None:
        for line in output.splitlines(keepends=True):
            if line.endswith(b"\n"):
                answer = json.loads(line)
                answer.pop("position", None)
                assert self.answers.setdefault(answer["id"], answer) == answer, "answered otherwise before"


@pytest.fixture
def service_url(database_url: str) -> str:
    return login(migrated(database_url, [EVENTLOG, SERVICE]), SERVICE_ROLE)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_killed_at_any_request_charges_nothing_twice_and_loses_nothing(
    moment: Kind, service_url: str
) -> None:
    chance = random.Random(moment)
    first, *others = REQUESTS
    with FakeStripe() as fake:
        killed = Killed(fake, service_url)
        for month, request in enumerate([first, *chance.sample(others, len(others))], 1):
            assert killed.run(_story(month), moment, request), request
            if chance.random() < 0.5:
                fake.keys.prune()
        lines = _story(len(REQUESTS))
        assert not killed.run(lines)
        assert killed.answers.keys() == {line["id"] for line in lines}
        _check_charges(fake, service_url)
        _check_refunds(fake, service_url, made=len(REQUESTS))


def _check_charges(fake: FakeStripe, database_url: str) -> None:
    """What was paid at Stripe against the log, both ways."""
    paid = Counter[UUID]()
    for intent in fake.books.all("payment_intent"):
        if intent["status"] == "succeeded":
            paid[UUID(intent["metadata"]["prorata_key"])] += 1
    answers = Counter[str]()
    with closing(PostgresEventLog(database_url)) as log:
        for account_id in log.accounts():
            stored = log.read_account(account_id)
            for row, following in zip_longest(stored, stored[1:]):
                if (minor := _intent_of(row)) is None:
                    continue
                assert following is not None, "an intent without an answer"
                answer = _ANSWERS.get(following.type, "paid")
                answers[answer] += 1
                assert paid.pop(row.event_id, 0) == (answer == "paid"), (row.type, following.type)
                for intent in fake.intents_of(row.event_id):
                    assert (intent["amount"], intent["metadata"]["prorata_account"]) == (minor, account_id)
    assert paid == {}, "charged without an intent"
    assert answers["paid"] >= 2 * len(REQUESTS)
    assert answers["declined"] >= 2 * len(REQUESTS)


def _check_refunds(fake: FakeStripe, database_url: str, made: int) -> None:
    """What was given back at Stripe against the log, both ways."""
    given = Counter(
        (UUID(refund["metadata"]["prorata_key"]), refund["amount"])
        for refund in fake.books.all("refund")
        if refund["status"] == "succeeded"
    )
    with closing(PostgresEventLog(database_url)) as log:
        noted = Counter(
            (row.event_id, in_minor_units(event.refund, "EUR"))
            for account_id in log.accounts()
            for row in log.read_account(account_id)
            if isinstance(event := CODEC.read(row), e.CreditNoteIssued) and event.refund
        )
    assert given == noted
    assert set(given.values()) == {1}
    assert len(given) == made


def _intent_of(row: StoredEvent) -> int | None:
    """What is to be charged by this event; None: it begins no payment."""
    event = CODEC.read(row)
    if isinstance(event, e.PaymentStarted):
        return in_minor_units(event.amount, "EUR")
    if isinstance(event, e.CyclesRenewed) and event.invoice.charge:
        return in_minor_units(event.invoice.charge, "EUR")
    return None


_ANSWERS = {
    "payment_declined": "declined",
    "renewal_declined": "declined",
    "try_declined": "declined",
    "payment_cancelled": "cancelled",
}
