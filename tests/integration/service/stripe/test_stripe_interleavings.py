"""Whatever several processes ask of a key at the same time, and however Stripe fails meanwhile: there is one
answer, and one payment at most."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from service.errors import GatewayUnavailable
from service.gateways.port import RENEWING, SAVED_METHOD, Confirmation, Means
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.faults import Kind
from tests.support.service.blocking_gateway import AskedGateway

ACCOUNT, AMOUNT = "main/a1", Decimal("20.00")
REQUESTS = (
    "POST /v1/payment_intents", "POST /v1/payment_intents/*/confirm", "POST /v1/payment_intents/*/cancel",
    "GET /v1/payment_intents/*",
)  # fmt: skip
FAILURES: tuple[Kind, ...] = (
    "lost", "lost", "cut", "error", "error_after", "limited", "slow", "late",
)  # fmt: skip
CARDS = ("visa", "visa", "visa", "declined", "do_not_try_again", "asks")
DECIDED = ("paid", "declined", "declined_final", "cancelled")
AT_ONCE = 4


class Interleaving:
    """What is done with one key, at once, by two processes."""

    def __init__(self, chance: random.Random, fake: FakeStripe, gateways: list[AskedGateway]) -> None:
        self._chance = chance
        self._fake = fake
        self._gateways = gateways
        self.key = uuid4()
        self.told: list[str] = []

    def deed(self) -> Callable[[], None]:
        """Something to do with it."""
        gateway = self._chance.choice(self._gateways)
        match self._chance.randrange(10):
            case 0 | 1 | 2 | 3 | 4:
                means = self._means()
                return lambda: self._tell(gateway.charge(self.key, ACCOUNT, AMOUNT, "EUR", means).answer)
            case 5 | 6:
                return lambda: self._tell(gateway.finish(self.key))
            case 7:
                return lambda: self._tell(gateway.cancel(self.key))
            case 8:
                return self._fake.keys.prune
            case _:
                return self._customer_acts(ok=self._chance.random() < 0.7)

    def fail(self) -> None:
        """Let Stripe fail at something soon."""
        kind = self._chance.choice(FAILURES)
        times, request = self._chance.choice((1, 1, 3)), self._chance.choice(REQUESTS)
        self._fake.faults.add(kind, request, times=times, seconds=self._chance.uniform(0, 0.1))

    def ended(self) -> str:
        """How it ends, once Stripe is well."""
        for intent in self._fake.intents_of(self.key):
            self._fake.intents.answered_late(intent["id"], paid=self._chance.random() < 0.5)
        return self._gateways[0].cancel(self.key)

    def _means(self) -> Means:
        if self._chance.random() < 0.25:
            return self._chance.choice((SAVED_METHOD, RENEWING))
        return Confirmation(self._fake.confirmation_token(self._chance.choice(CARDS)))

    def _customer_acts(self, *, ok: bool) -> Callable[[], None]:
        def act() -> None:
            for intent in self._fake.intents_of(self.key):
                self._fake.intents.authenticated(intent["id"], ok=ok)

        return act

    def _tell(self, answer: str) -> None:
        self.told.append(answer)


def _done(deed: Callable[[], None]) -> None:
    with suppress(GatewayUnavailable):
        deed()


@pytest.mark.parametrize("seed", range(4))
def test_a_key_has_one_answer_and_is_paid_once_at_most(
    seed: int, fake: FakeStripe, gateway: AskedGateway, other: AskedGateway
) -> None:
    chance = random.Random(seed)
    gateway.save_method(ACCOUNT, Confirmation(fake.confirmation_token("visa")))
    answers: Counter[str] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for nth in range(40):
            case = Interleaving(chance, fake, [gateway, other])
            for _ in range(chance.choice((0, 1, 2))):
                case.fail()
            for _ in range(chance.choice((1, 2))):
                list(pool.map(_done, [case.deed() for _ in range(AT_ONCE)]))
            fake.faults.clear()
            ended = case.ended()
            where = f"seed {seed}, key {nth}: {case.told}, then {ended}"
            _check(fake, case.key, case.told, ended, where)
            assert other.finish(case.key) == ended, where
            answers[ended] += 1
    assert answers.keys() >= {"paid", "cancelled"}


def _check(fake: FakeStripe, key: UUID, told: list[str], ended: str, where: str) -> None:
    statuses = [intent["status"] for intent in fake.intents_of(key)]
    assert statuses.count("succeeded") == (ended == "paid"), where
    confirmed = [intent for intent in fake.intents_of(key) if intent["latest_charge"] is not None]
    assert len(confirmed) <= 1, where
    assert {answer for answer in told if answer in DECIDED} <= {ended}, where
    assert ended in DECIDED, where
