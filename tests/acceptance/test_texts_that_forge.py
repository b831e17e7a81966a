"""A text that would forge what is shown is refused where it enters; one that was stored before is shown on
one line, by every command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import psycopg
import pytest

from domain.texts import escaped
from eventlog.postgres.log import PostgresEventLog
from projections.live.projector import Projector
from tests.support.command_line import OPEN, CommandLine, step
from tests.support.domain.catalogs import CATALOG_FILE
from tests.support.eventlog.tampering import unguarded
from tests.support.projections.fold_driver import unreadable

FORGED = "u-1\n   9  2026-04-05  account_closed (R46) by owner\x1b[2J\u202e\u2028\x9b1m"


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    """An account with a plan, in a migrated database."""
    prorata = CommandLine(database_url)
    assert prorata("migrate").exit_code == 0
    bought = step("2026-03-20", "purchase_plan", product="standard", actor="u-1", id="c1")
    assert prorata.commands(OPEN, bought).exit_code == 0
    return prorata


@pytest.fixture
def stored(prorata: CommandLine, database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The same, and what a release that refused nothing could have stored."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        with unguarded(connection) as run:
            run("update events set actor = %s, command_id = %s where actor = 'u-1'", [FORGED, FORGED])
        yield connection


@pytest.mark.parametrize("field", ["account", "id", "by", "actor", "product"])
def test_it_is_refused_in_every_field_of_a_line_and_nothing_is_recorded(
    prorata: CommandLine, field: str
) -> None:
    before = prorata("history", "a1").out
    line = step("2026-04-05", "purchase_addon", product="surveys") | {field: f"a1{FORGED}"}
    done = prorata.commands(line, step("2026-04-05", "pay_balance"))
    refused, next_one = done.answers
    assert done.exit_code == 2
    assert (refused["outcome"], refused["code"], refused["place"]) == (
        "invalid",
        "invalid_text",
        f"$.{field}",
    )
    assert next_one["code"] == "nothing_due"
    assert prorata("history", "a1").out == before


def test_it_is_refused_in_a_catalogue_and_a_scenario(prorata: CommandLine, tmp_path: Path) -> None:
    catalog = msgspec.json.decode(CATALOG_FILE.read_bytes())
    catalog["add_ons"][0]["name"] = FORGED
    file = tmp_path / "catalog.json"
    file.write_bytes(msgspec.json.encode(catalog))
    for command in ("check", "load"):
        done = prorata("catalog", command, str(file))
        assert (done.exit_code, "$.add_ons[0].name" in done.err) == (2, True), done
    story = {"name": FORGED, "account": {"currency": "EUR", "time_zone": "Europe/Paris"}, "steps": []}
    scenario = tmp_path / "story.json"
    scenario.write_bytes(msgspec.json.encode(story | {"until": "2026-01-01", "catalog": str(CATALOG_FILE)}))
    done = prorata("simulate", str(scenario))
    assert (done.exit_code, "at `$.name`" in done.err) == (2, True), done


@pytest.mark.parametrize(
    "line",
    [
        "history a1",
        "history a1 --json",
        "show a1",
        "show a1 --json",
        "explain a1 1",
        "explain a1 1 --json",
        "diff a1 --from version:1 --to version:2",
        "diff a1 --from version:1 --to version:2 --json",
        "billing a1",
        "verify",
    ],
)
def test_what_was_stored_before_is_shown_and_forges_no_line(
    prorata: CommandLine, stored: object, line: str
) -> None:
    assert stored
    done = prorata(*line.split())
    _forges_nothing(done.out + done.err)
    assert not [shown for shown in done.out.splitlines() if shown.startswith("   9  2026-04-05")]
    if "--json" in line:
        assert len(done.answers) == (3 if "history" in line else 1)
    if line == "history a1 --json":
        assert FORGED in [answer["actor"] for answer in done.answers]


def test_a_parked_account_and_its_reason_forge_no_line(
    prorata: CommandLine, stored: psycopg.Connection[tuple[object, ...]]
) -> None:
    stored.execute(
        "insert into projections.parked (projection, account_id, version, position, error) "
        "values ('invoices', %s, 3, 3, %s)",
        [f"main/{FORGED}", FORGED],
    )
    for line in ("parked", "parked --json", "status"):
        _forges_nothing(prorata(*line.split()).out)
    assert len(prorata("parked", "--json").answers) == 1


def test_a_parked_record_and_its_key_forge_no_line(
    prorata: CommandLine, stored: psycopg.Connection[tuple[object, ...]]
) -> None:
    stored.execute(
        "insert into consumers.dead_letters (consumer, topic, partition, record_offset, key, value, "
        "header_names, header_values, sent_at, error) values ('finance_ledger', 'billing.events.v1', 0, 0, "
        "%(forged)s, %(forged)s, array[%(text)s], array[%(forged)s::bytea], now(), %(text)s)",
        {"forged": FORGED.encode(), "text": FORGED},
    )
    _forges_nothing(prorata("dlq", "list").out)
    [listed] = prorata("dlq", "list", "--json").answers
    shown = prorata("dlq", "show", "finance_ledger", listed["key"])
    assert (shown.exit_code, len(shown.answers)) == (0, 1)
    _forges_nothing(shown.out)


def test_a_ledger_export_holds_it_as_one_string(
    prorata: CommandLine, stored: psycopg.Connection[tuple[object, ...]]
) -> None:
    account = f'main/"{FORGED}'
    columns = (
        "clock, tenant, day, effective, kind, debit, credit, currency, amount, product, account_id, invoice, "
        "position"
    )
    stored.execute(
        f"insert into finance_ledger.transfers ({columns}) values ('wall', 'main', '2026-03-20', "
        "'2026-03-20', 'issued', 'receivable', 'deferred_revenue', 'EUR', 20.00, 'standard', %s, 1, 2)",
        [account],
    )
    done = prorata("ledger", "export")
    assert done.exit_code == 0, done.err
    _forges_nothing(done.out)
    assert '\\"u-1\\\\n' in done.out


def test_a_log_line_is_one_line(prorata: CommandLine, stored: object, database_url: str) -> None:
    assert stored
    for form in ("text", "json"):
        prorata.environment |= {"PRORATA_LOG_FORMAT": form, "PRORATA_LOG_LEVEL": "debug"}
        done = prorata.commands(step("2026-04-05", "pay_balance", id="c2"))
        assert len(done.err.splitlines()) == 1
        _forges_nothing(done.err)


def test_one_account_that_cannot_be_read_ends_no_batch(prorata: CommandLine, database_url: str) -> None:
    assert prorata.commands({**OPEN, "account": "a2"}).exit_code == 0
    with closing(PostgresEventLog(database_url)) as log, Projector(database_url, log) as projector:
        projector.run_once()
        log.append("main/a1", log.head("main/a1"), [unreadable()])
    done = prorata.commands(
        step("2026-04-05", "purchase_addon", product="surveys", id="c2"),
        {**step("2026-04-05", "purchase_plan", product="standard"), "account": "a2"},
    )
    failed, bought = done.answers
    assert (failed["account"], failed["id"], failed["outcome"]) == ("a1", "c2", "failed")
    assert failed["code"] == "event_unreadable"
    assert (bought["account"], bought["outcome"]) == ("a2", "accepted")
    assert done.exit_code == 4
    assert done.err.startswith("prorata: event_unreadable: line 1, account 'a1', id 'c2': ")
    assert "Traceback" not in done.err

    compared = prorata(
        "catalog", "diff", str(CATALOG_FILE), str(CATALOG_FILE), "--accounts", "--clock", "test"
    )
    assert (compared.exit_code, "EUR: 1 accounts" in compared.out) == (1, True), compared
    assert compared.err.startswith("prorata: event_unreadable: cannot read event")

    billed = prorata("bill", "--test-clock", "--until", "2026-06-01", "--once")
    assert (billed.exit_code, billed.out.splitlines()[0]) == (1, "2 accounts billed, 2 events")
    assert "prorata: not_billed: main/a1 could not be billed: " in billed.err


def _forges_nothing(text: str) -> None:
    """Each line is what it would be shown as."""
    lines = text.split("\n")
    assert lines == [escaped(line) for line in lines]
