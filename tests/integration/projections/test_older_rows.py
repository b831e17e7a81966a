"""Rows that older folds wrote mean the same after a migration gave them more columns."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import projections
from eventlog.postgres.connect import connect
from projections.live import checkpoints
from projections.models import credit_notes, entitlements, invoices
from projections.tables import Connection
from tests.support.projections.fold_driver import ACCOUNT

SQL = sorted((Path(projections.__file__).parent / "migrations").glob("*.sql"))

INVOICE = """
    insert into projections.invoices values
        (%(account)s, %(number)s, '2026-03-20', '2026-03-20 12:00Z', 'EUR', 20.00, %(status)s,
        3, 3, 2, 'wall')
"""
LINE = """
    insert into projections.invoice_lines values
        (%(account)s, 1, 1, 'standard', '500', 'plan', '2026-03-20', '2026-04-20', 31, 31, 20.00, null,
        20.00, 3, 3, 2)
"""
STANDS = """
    insert into projections.accounts values
        (%(account)s, 'EUR', 'Europe/Paris', 'past_due', null, null, true, '2026-03-20 12:00Z',
        3, 3, 2, 'wall')
"""


@pytest.fixture
def older(database_url: str) -> Iterator[Connection]:
    """A database as it was before the second part, with a paid and an open invoice, brought up to date."""
    with connect(database_url, "test") as connection:
        for path in SQL:
            if path.name == "0005_second_part.sql":
                _written_by_older_folds(connection)
            connection.execute(path.read_text(encoding="utf-8").encode())
        yield connection


def _written_by_older_folds(connection: Connection) -> None:
    for number, status in ((1, "paid"), (2, "open")):
        connection.execute(INVOICE, {"account": ACCOUNT, "number": number, "status": status})
    connection.execute(LINE, {"account": ACCOUNT})
    connection.execute(STANDS, {"account": ACCOUNT})
    connection.execute(
        "update projections.checkpoints set position = 7, hash = decode(repeat('01', 32), 'hex')"
    )


def test_an_older_invoice_has_its_total_as_net_and_what_is_open_is_due(older: Connection) -> None:
    paid, still_open = invoices.of_account(older, ACCOUNT)
    assert [str(x) for x in (paid.net, paid.tax, paid.credit, paid.due)] == ["20.00", "0.00", "0.00", "0.00"]
    assert (str(still_open.due), still_open.charged_back, still_open.disputed) == ("20.00", False, False)
    assert (paid.lines[0].net, paid.lines[0].tax) == (Decimal("20.00"), Decimal("0.00"))


def test_an_older_account_owes_what_is_open_and_is_not_disputed(older: Connection) -> None:
    document = entitlements.of_account(older, ACCOUNT)
    assert document is not None
    assert (document.due, document.credit, document.discounts) == (Decimal("20.00"), Decimal(0), ())
    assert (document.account_status, document.disputed_since) == ("past_due", None)


def test_credit_notes_begin_where_the_invoices_stand_since_no_older_event_issued_one(
    older: Connection,
) -> None:
    assert credit_notes.of_account(older, ACCOUNT) == []
    found = {
        name: {(c.lane, c.position, c.hash) for c in checkpoints.read_all(older) if c.projection == name}
        for name in ("invoices", "credit_notes")
    }
    assert found["credit_notes"] == found["invoices"]
    assert len(found["credit_notes"]) == 8
