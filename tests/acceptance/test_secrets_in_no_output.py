"""Whatever a command prints, and wherever: no password of any setting is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from prorata.processes.readiness import problems
from prorata.settings import Settings
from tests.support.command_line import CommandLine

SECRET = "k7mwq2tz"
LINES = (
    "status",
    "status --json",
    "topics",
    "topics --check",
    "topics --acls",
    "relay --once",
    "consume finance_ledger --once",
    "history a1",
    "bill --once",
    "project --once",
    "migrate",
    "verify",
    "lag",
    "key list",
    "webhooks send --once",
)


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, str]:
    """A secret in each setting that may hold one, by value or by file."""
    (tmp_path / "secret").write_text(f"api-{SECRET}-and-more")
    return {
        "PRORATA_TEST_GATEWAY_URL": f"postgresql://gateway:{SECRET}1@127.0.0.1:1/x",
        "PRORATA_KAFKA": "127.0.0.1:1",
        "PRORATA_KAFKA_PROTOCOL": "SASL_SSL",
        "PRORATA_KAFKA_MECHANISM": "PLAIN",
        "PRORATA_KAFKA_USER": "someone",
        "PRORATA_KAFKA_PASSWORD": f"{SECRET}2",
        "PRORATA_KAFKA_KEY_PASSWORD": f"{SECRET}3",
        "PRORATA_API_SECRET_FILE": str(tmp_path / "secret"),
        "PRORATA_STRIPE_KEY": f"sk_test_{SECRET}4",
        "PRORATA_STRIPE_WEBHOOK_SECRETS": f"whsec_{SECRET}5,whsec_{SECRET}6",
        "PRORATA_LOG_LEVEL": "debug",
    }


@pytest.mark.parametrize("database", ["away", "refuses the password", "has no tables"])
def test_no_output_holds_a_secret(
    database: str, database_url: str, secrets: dict[str, str], tmp_path: Path
) -> None:
    host = "127.0.0.1:1" if database == "away" else database_url.partition("@")[2].partition("/")[0]
    name = "no_such_database" if database == "refuses the password" else database_url.rpartition("/")[2]
    prorata = CommandLine(f"postgresql://prorata:{SECRET}0@{host}/{name}")
    prorata.environment |= secrets
    (tmp_path / "lines").write_text('{"do": "purchase_addon", "account": "a1", "product": "surveys"}')
    lines = (*LINES, f"command {tmp_path / 'lines'}", f"archive run {tmp_path / 'archive'} --once")
    for line, done in prorata.at_once(*lines).items():
        assert SECRET not in done.out + done.err, line
        assert done.out + done.err, line


@pytest.mark.parametrize("name", ["relay", "consume:finance_ledger"])
def test_no_sentence_of_readyz_holds_a_secret(name: str, secrets: dict[str, str]) -> None:
    settings = Settings.of(secrets | {"PRORATA_DATABASE_URL": f"postgresql://u:{SECRET}0@127.0.0.1:1/x"})
    found = problems(settings, name)
    assert len(found) == 2
    assert SECRET not in " ".join(found)
