"""`prorata ledger`: the books that the consumer `finance_ledger` keeps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from prorata.settings import Settings

if TYPE_CHECKING:
    from consumers.checkpoints import Connection
    from consumers.finance_ledger.closing import BookBalance

Json = Annotated[bool, Parameter(negative="", help="One JSON object a line.")]
Through = Annotated[str | None, Parameter(help="The last day; default: yesterday in UTC.")]


def recognise(*, through: Through = None) -> int:
    """Recognise the revenue of each day up to the last one, that day included; again, and nothing happens."""
    from consumers.finance_ledger.recognition import recognise as recognised

    last = _day(through)
    with _books() as connection:
        lines = recognised(connection, last)
    _announce(last)
    print(f"{lines} invoice lines recognised up to {last}")
    return 0


def _announce(last: date) -> None:
    """So that `prorata status` knows up to which day revenue was recognised."""
    from prorata.processes.announcing import announce_done
    from prorata.processes.expected import RECOGNITION

    over = datetime.combine(last + timedelta(days=1), time(), UTC)
    announce_done(Settings.of().database_url, RECOGNITION, over)


def show(*, through: Through = None, json: Json = False) -> int:
    """The trial balance at the end of a day."""
    from consumers.finance_ledger.closing import balances

    with _books() as connection:
        _print(balances(connection, _day(through)), json=json)
    return 0


def close(month: Annotated[str, Parameter(help="The month, such as 2026-03.")], *, json: Json = False) -> int:
    """Close a month: recognise what it earned, and book on none of its days any more.

    Refused until everything of the month is known: the events topic was read beyond its end.
    """
    from consumers.finance_ledger.closing import close as closed

    with _books() as connection:
        _print(closed(connection, _month(month), prefix=Settings.of().kafka_prefix), json=json)
    return 0


def export() -> int:
    """The journal as a beancount file; closed months are assertions in it, which `bean-check` checks."""
    from consumers.finance_ledger.beancount import exported

    with _books() as connection:
        for line in exported(connection):
            print(line)
    return 0


def check() -> int:
    """Whether every invoice is owed, paid or written off as it should be, and the rest adds up.

    Exit 1: something is not, and is named.
    """
    from consumers.finance_ledger.checking import problems

    with _books() as connection:
        found = problems(connection)
    for problem in found:
        print(problem)
    print(f"{len(found)} problems" if found else "the books are in order", file=sys.stderr)
    return 1 if found else 0


@contextmanager
def _books() -> Iterator[Connection]:
    from eventlog.postgres.connect import connect

    with connect(Settings.of().database_url, "prorata ledger") as connection:
        yield connection


def _print(found: list[BookBalance], *, json: bool) -> None:
    from prorata.cli.terminal.tables import console, table

    if json:
        for balance in found:
            print(msgspec.json.encode(balance).decode())
        return
    shown = table("currency", "account", ">debits", ">credits", ">balance")
    for balance in found:
        amounts = [f"{amount:f}" for amount in (balance.debits, balance.credits, balance.balance)]
        shown.add_row(balance.currency, balance.ledger_account, *amounts)
    console().print(shown)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date() - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("invalid_date", "--through", f"{text!r} is no date such as 2026-03-31") from None


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise InvalidInput("invalid_month", "MONTH", f"{text!r} is no month such as 2026-03") from None
