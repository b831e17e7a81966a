"""`PRORATA_GATEWAY=stripe`: a purchase, the customer's consent and a dispute, by the command line."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from tests.support.command_line import CommandLine, Done
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.books import Thing
from tests.support.fake_stripe.methods import METHODS
from tests.support.http_api import api_at

EXAMPLE = Path(__file__).parents[2] / "service" / "example_catalog.json"


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        yield fake


@pytest.fixture
def prorata(database_url: str, fake: FakeStripe, tmp_path: Path) -> CommandLine:
    """A migrated system that charges at Stripe, with an account."""
    command_line = CommandLine(database_url)
    command_line.environment |= {
        "PRORATA_GATEWAY": "stripe",
        "PRORATA_ALLOW_TEST_GATEWAY": "",
        "PRORATA_STRIPE_KEY": fake.key,
        "PRORATA_STRIPE_URL": fake.url,
        "PRORATA_STRIPE_WEBHOOK_SECRETS": fake.webhook_secret,
    }
    assert command_line("migrate", "--roles").exit_code == 0
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_bytes(
        msgspec.json.encode(msgspec.json.decode(EXAMPLE.read_bytes()) | {"version": "ours"})
    )
    assert command_line("catalog", "load", str(catalogue)).exit_code == 0
    opened = _give(command_line, "open_account", id="c0", currency="EUR", time_zone="Europe/Paris")
    assert opened["outcome"] == "accepted"
    return command_line


def _give(prorata: CommandLine, command: str, **fields: Any) -> Any:
    done = prorata.commands({"do": command, "account": "a1", **fields}, test_clock=False)
    assert done.exit_code == 0, done.err
    return done.answers[0]


def _buy(prorata: CommandLine, command_id: str, token: str) -> Any:
    confirm = {"cvv": token, "billing": True}
    return _give(prorata, "purchase_plan", id=command_id, product="standard", confirm=confirm)


def _tell(prorata: CommandLine, fake: FakeStripe, event: Thing) -> Done:
    body, signature = fake.webhook(event)
    return prorata("gateway", "event", "-", "--signature", signature, given=body)


def test_a_purchase_is_charged_at_stripe_and_a_dispute_of_it_is_recorded_once(
    prorata: CommandLine, fake: FakeStripe
) -> None:
    assert _buy(prorata, "c1", fake.confirmation_token("insufficient_funds"))["code"] == "payment_declined"
    bought = _buy(prorata, "c2", fake.confirmation_token("visa"))
    assert (bought["outcome"], bought["charged"]) == ("accepted", "20.00")
    [paid] = [one for one in fake.books.all("payment_intent") if one["status"] == "succeeded"]
    assert (paid["amount"], paid["metadata"]["prorata_account"]) == (2000, "main/a1")

    told = _tell(prorata, fake, fake.events("payment_intent.succeeded")[0])
    assert (told.exit_code, told.out) == (0, "known already: nothing new was recorded\n")
    fake.disputes.open(paid["id"])
    opened = fake.events("charge.dispute.created")[0]
    assert [_tell(prorata, fake, opened).out for _ in range(2)] == [
        "recorded\n", "known already: nothing new was recorded\n",
    ]  # fmt: skip
    assert _give(prorata, "purchase_plan", id="c3", product="websites_core")["code"] == "dispute_open"


def test_what_the_customer_consents_to_at_stripe_is_bought_when_stripe_says_so(
    prorata: CommandLine, fake: FakeStripe
) -> None:
    asked = _buy(prorata, "c1", fake.confirmation_token("asks"))
    [intent] = fake.books.all("payment_intent")
    assert (asked["outcome"], asked["reference"]) == ("action_required", intent["client_secret"])
    waits = _tell(prorata, fake, fake.books.happened("payment_intent.payment_failed", intent))
    assert waits.out.startswith("the provider does not know the end of it yet")

    fake.intents.authenticated(intent["id"], ok=True)
    assert _tell(prorata, fake, fake.events("payment_intent.succeeded")[0]).out == "recorded\n"
    assert _buy(prorata, "c1", fake.confirmation_token("visa"))["outcome"] == "accepted"
    assert len(fake.books.all("payment_intent")) == 1


def test_a_message_that_stripe_did_not_sign_is_refused(prorata: CommandLine, fake: FakeStripe) -> None:
    _buy(prorata, "c1", fake.confirmation_token("visa"))
    body, signature = fake.webhook(fake.events("payment_intent.succeeded")[0])
    for wrong in (body + b" ", b"", b"x" * 1_000_001):
        refused = prorata("gateway", "event", "-", "--signature", signature, given=wrong)
        assert refused.exit_code == 2
        assert "invalid_message" in refused.err

    fake.faults.add("cut", "GET /v1/payment_intents/*", times=3)
    away = prorata("gateway", "event", "-", "--signature", signature, given=body)
    assert away.exit_code == 3
    assert "gateway_unavailable" in away.err


def test_the_api_takes_messages_that_stripe_signed(prorata: CommandLine, fake: FakeStripe) -> None:
    assert _buy(prorata, "c1", fake.confirmation_token("asks"))["outcome"] == "action_required"
    [intent] = fake.books.all("payment_intent")
    fake.intents.authenticated(intent["id"], ok=True)
    body, signature = fake.webhook(fake.events("payment_intent.succeeded")[0])
    stripe = {
        name: text for name, text in prorata.environment.items() if "STRIPE" in name or "GATEWAY" in name
    }
    with api_at(prorata.database_url, stripe) as api:

        def tell(signed: str) -> httpx.Response:
            headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
            return httpx.post(f"{api.url}/v1/provider-messages", content=body, headers=headers)

        told = [tell(signature) for _ in range(2)]
        assert [(one.status_code, one.json()["outcome"]) for one in told] == [
            (200, "recorded"),
            (200, "known"),
        ]
        forged = tell("t=1,v1=00")
        assert (forged.status_code, forged.json()["code"]) == (400, "invalid_message")
    assert _buy(prorata, "c1", fake.confirmation_token("visa"))["outcome"] == "accepted"


def test_a_live_key_starts_nothing_and_the_test_gateway_sends_no_messages(
    prorata: CommandLine, fake: FakeStripe
) -> None:
    prorata.environment["PRORATA_STRIPE_KEY"] = "sk_live_51secret"
    refused = prorata.commands({"do": "close_account", "account": "a1"}, test_clock=False)
    assert refused.exit_code == 2
    assert "PRORATA_STRIPE_LIVE=1" in refused.err
    assert "51secret" not in refused.err

    prorata.environment["PRORATA_GATEWAY"] = "test"
    none = prorata("gateway", "event", "-", "--signature", "t=1,v1=0", given=b"{}")
    assert none.exit_code == 2
    assert "the gateway 'test' sends no messages" in none.err


def test_customers_of_stripes_are_taken_over_billed_and_reconciled(
    prorata: CommandLine, fake: FakeStripe, tmp_path: Path
) -> None:
    today = datetime.now(UTC).date()
    methods = {f"m{n}": "visa" for n in range(4)} | {"declined": "do_not_try_again", "late": "sepa"}
    rows = [_row(fake, account, method, today - timedelta(days=1)) for account, method in methods.items()]
    file = tmp_path / "accounts.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    with psycopg.connect(prorata.database_url) as connection:
        connection.execute("update service.catalogues set effective_from = '2026-01-01'")
    as_of = f"{today - timedelta(days=3)}T00:00:00Z"
    imported = prorata("import", "accounts", str(file), "--as-of", as_of)
    assert imported.exit_code == 0, imported.err

    billed = prorata("bill", "--once")
    assert billed.exit_code == 0, billed.err
    statuses = {
        intent["metadata"]["prorata_account"].removeprefix("main/"): intent["status"]
        for intent in fake.books.all("payment_intent")
    }
    assert statuses == {f"m{n}": "succeeded" for n in range(4)} | {
        "declined": "canceled",
        "late": "processing",
    }
    renewed = prorata("history", "declined").out
    assert "renewal_declined" in renewed
    assert prorata("bill", "--once").exit_code == 0
    assert len(fake.books.all("payment_intent")) == 6, "a method declined for good is not asked again"

    [processing] = [one for one in fake.books.all("payment_intent") if one["status"] == "processing"]
    fake.intents.answered_late(processing["id"], paid=True)
    assert _tell(prorata, fake, fake.events("payment_intent.succeeded")[-1]).out == "recorded\n"
    books = prorata("reconcile", "--day", str(today))
    assert (books.exit_code, books.err) == (0, ""), books.out


def _row(fake: FakeStripe, account: str, method: str, paid_until: date) -> dict[str, Any]:
    """As Stripe's customer was exported."""
    saved = fake.methods.method(METHODS[method])
    saved["customer"] = fake.books.add("cus", "customer", metadata={})["id"]
    dates = {"paid_until": str(paid_until), "anchor": str(paid_until)}
    product = {"product": "standard", "tier": "500", "price": "20.00", **dates}
    return {
        "account": account,
        "currency": "EUR",
        "time_zone": "Europe/Paris",
        "method": saved["id"],
        "products": [product],
    }
