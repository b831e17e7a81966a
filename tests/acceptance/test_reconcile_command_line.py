"""`prorata reconcile` on real servers: exit codes, the report for a person and for a program."""

from datetime import UTC, datetime

import msgspec
import psycopg
import pytest

from tests.support.command_line import CommandLine


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    """An account on the wall clock that bought a plan today."""
    prorata = CommandLine(database_url)
    assert prorata("migrate").exit_code == 0
    assert prorata("catalog", "load", "--demo").exit_code == 0
    opened = {"do": "open_account", "account": "w1", "currency": "EUR", "time_zone": "Europe/Paris"}
    bought = {
        "do": "purchase_plan", "account": "w1", "product": "standard",
        "confirm": {"cvv": "tok_4242", "billing": True},
    }  # fmt: skip
    answers = prorata.commands(opened, bought, test_clock=False).answers
    assert [answer["outcome"] for answer in answers] == ["accepted", "accepted"]
    return prorata


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def test_books_that_agree_exit_with_0_and_others_with_1_and_say_what_to_look_up(
    prorata: CommandLine, database_url: str
) -> None:
    agreed = prorata("reconcile", "--day", today())
    assert (agreed.exit_code, agreed.out.splitlines()[-1]) == (0, "The books agree.")

    with psycopg.connect(database_url, autocommit=True) as provider:
        provider.execute("update service.gateway_payments set amount = amount + 1")
        provider.execute(
            "insert into service.gateway_payments (key, answer, account_id, amount, currency) "
            "values (gen_random_uuid(), 'paid', 'main/nobody', 7.00, 'EUR')"
        )
    differ = prorata("reconcile", "--day", today(), "--json")
    report = msgspec.json.decode(differ.out)

    assert differ.exit_code == 1
    assert sorted(finding["difference"] for finding in report["findings"]) == ["missing_here", "other_amount"]
    said = prorata("reconcile", "--day", today(), "--language", "fr")
    assert (said.exit_code, "2 différences." in said.out, "main/nobody" in said.out) == (1, True, True)


def test_a_day_that_is_none_is_refused(prorata: CommandLine) -> None:
    for day in ("yesterday", "2999-01-01"):
        refused = prorata("reconcile", "--day", day)
        assert (refused.exit_code, "invalid_date" in refused.err) == (2, True)
    assert prorata("reconcile").exit_code == 0, "yesterday nothing was paid"


def test_nothing_is_reconciled_with_a_gateway_that_serves_no_account(prorata: CommandLine) -> None:
    del prorata.environment["PRORATA_ALLOW_TEST_GATEWAY"]
    refused = prorata("reconcile", "--day", today())
    assert (refused.exit_code, "test_gateway_refused" in refused.err) == (2, True)
