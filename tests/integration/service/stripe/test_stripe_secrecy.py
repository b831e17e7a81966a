"""A confirmation is in no byte that is written: no table, log line, error or output (R15)."""

import logging
import traceback
from decimal import Decimal
from uuid import uuid4

import pytest

from domain.errors import Failure
from eventlog.postgres.connect import connect
from service.gateways.port import SAVED_METHOD, Confirmation, Means
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.faults import Kind
from tests.support.service.blocking_gateway import AskedGateway

ACCOUNT, AMOUNT = "main/a1", Decimal("20.00")
LOST: tuple[Kind, ...] = ("lost", "cut", "error", "error_after", "limited")


class Written:
    """What is written while a gateway is asked, and what must not be."""

    def __init__(self, gateway: AskedGateway, fake: FakeStripe) -> None:
        self._gateway = gateway
        self._fake = fake
        self.text: list[str] = []
        self.secrets: list[str] = []

    def token(self, method: str = "visa") -> Confirmation:
        """A confirmation."""
        confirmation = Confirmation(self._fake.confirmation_token(method))
        self.secrets.append(confirmation.token)
        return confirmation

    def charge(self, means: Means) -> None:
        """Charge by it, whatever comes of that."""
        try:
            charged = self._gateway.charge(uuid4(), ACCOUNT, AMOUNT, "EUR", means)
            self.secrets.extend([charged.reference] if charged.reference else [])
            self.text.append(repr(charged))
        except Failure as error:
            self.text.append(f"{error!r} {error} {traceback.format_exc()}")
        self._fake.faults.clear()

    def save(self, method: Confirmation) -> None:
        """Save it, whatever comes of that."""
        try:
            self._gateway.save_method(ACCOUNT, method)
        except Failure as error:
            self.text.append(f"{error!r} {error} {traceback.format_exc()}")
        self._fake.faults.clear()


def test_a_confirmation_and_the_customers_secret_are_in_no_byte_that_is_written(
    fake: FakeStripe,
    gateway: AskedGateway,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in (None, "httpx", "httpcore", "asyncio", "psycopg"):  # someone asks for every line
        caplog.set_level(logging.DEBUG, name)
    written = Written(gateway, fake)
    used = written.token()
    for means in (used, used, Confirmation("ctoken_unknown"), SAVED_METHOD):
        written.charge(means)
    for method in ("declined", "asks", "sepa", "incorrect_cvc"):
        written.charge(written.token(method))
        written.save(written.token(method))
    for kind in LOST:
        fake.faults.add(kind, "POST /v1/payment_intents/*/confirm", times=3, seconds=20)
        written.charge(written.token())
        fake.faults.add(kind, "POST /v1/setup_intents", times=3, seconds=20)
        written.save(written.token())
    written.save(used)

    captured = capfd.readouterr()
    text = "\n".join([*written.text, caplog.text, captured.out, captured.err, _dumped(database_url)])
    assert len(written.secrets) == 20
    assert all(known in text for known in ("main/a1", "HTTP Request: POST", "GatewayUnavailable"))
    assert [secret for secret in [*written.secrets, "ctoken_unknown"] if secret in text] == []


def _dumped(database_url: str) -> str:
    """Every row of every table."""
    with connect(database_url, "dump") as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        return "\n".join(
            str(row) for [table] in tables for row in connection.execute(f"select t::text from {table} t")
        )
