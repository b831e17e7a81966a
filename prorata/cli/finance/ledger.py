"""`prorata ledger`: the books that the consumer `finance_ledger` keeps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from prorata.settings import Settings

if TYPE_CHECKING:
    from consumers.checkpoints import Connection
    from consumers.finance_ledger.closing import BookBalance, MonthToClose

ClockName: TypeAlias = Literal["wall", "test"]
Clock = Annotated[
    ClockName, Parameter(help="Whose books: of accounts on the wall clock, or on a test clock.")
]
Json = Annotated[bool, Parameter(negative="", help="One JSON object a line.")]
Through = Annotated[str | None, Parameter(help="The last day, included; default: yesterday in UTC.")]


def recognise(*, through: Through = None, clock: Clock = "wall") -> int:
    """Recognise the revenue of each day up to the last one, that day included; again, and nothing happens."""
    from consumers.finance_ledger.recognition import recognise as recognised

    last = _through(through)
    with books() as connection:
        lines = recognised(connection, last, clock)
    if clock == "wall":
        _announce(last)
    print(f"{lines} invoice lines recognised up to {last}")
    return 0


def show(*, through: Through = None, clock: Clock = "wall", json: Json = False) -> int:
    """The trial balance at the end of a day."""
    from consumers.finance_ledger.closing import balances

    with books() as connection:
        found = balances(connection, _through(through), clock)
        if not found:
            say_whose(connection, clock)
    _print(found, json=json)
    return 0


def close(
    month: Annotated[str, Parameter(help="The month, such as 2026-03.")],
    *,
    clock: Clock = "wall",
    yes: Annotated[bool, Parameter(negative="", help="Close it without asking: for scripts.")] = False,
    json: Json = False,
) -> int:
    """Close a month: recognise what it earned, and book on none of its days any more. It cannot be undone.

    Says first what it will close, and asks. Refused until everything of the month is known: the events topic
    was read beyond its end. Exit 1: refused, or the answer was no.
    """
    from consumers.finance_ledger.closing import close as closed
    from consumers.finance_ledger.closing import proposed

    first, prefix = _month(month), Settings.of().kafka_prefix
    with books() as connection:
        months = proposed(connection, first, clock=clock, prefix=prefix)
        for line in _proposal(months, first, clock):
            print(line, file=sys.stderr)
        if not months:
            say_whose(connection, clock)
        if not yes and not _confirmed(month):
            print("nothing was closed", file=sys.stderr)
            return 1
        _print(closed(connection, first, clock=clock, prefix=prefix), json=json)
    return 0


def check(
    *, clock: Annotated[ClockName | None, Parameter(help="Only the books of this clock.")] = None
) -> int:
    """Whether every invoice is owed, paid or written off as it should be and not before its day, and the rest
    adds up.

    Exit 1: something is not, and is named.
    """
    from consumers.finance_ledger.checking import problems

    clocks: tuple[ClockName, ...] = ("wall", "test") if clock is None else (clock,)
    with books() as connection:
        found = [f"{of} clock: {problem}" for of in clocks for problem in problems(connection, of)]
    for problem in found:
        print(problem)
    print(f"{len(found)} problems" if found else "the books are in order", file=sys.stderr)
    return 1 if found else 0


@contextmanager
def books() -> Iterator[Connection]:
    """A connection to the ledger's tables."""
    from eventlog.postgres.connect import connect

    with connect(Settings.of().database_url, "prorata ledger") as connection:
        yield connection


def say_whose(connection: Connection, clock: ClockName) -> None:
    """Print on stderr that the other clock's books have entries, if only they do."""
    other: ClockName = "test" if clock == "wall" else "wall"
    asked = connection.execute(
        "select exists (select from finance_ledger.transfers where clock = %s)", [other]
    )
    if asked.fetchone() == (True,):
        message = f"nothing is booked of accounts on the {clock} clock; of others there is: --clock {other}"
        print(f"prorata: {message}", file=sys.stderr)


def day(text: str, place: str) -> date:
    """The day that the text gives. Raises InvalidInput `invalid_date`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("invalid_date", place, f"{text!r} is no date such as 2026-03-31") from None


def _announce(last: date) -> None:
    """Record, for `prorata status`, up to which day revenue is recognised."""
    from prorata.processes.announcing import announce_done
    from prorata.processes.expected import RECOGNITION

    over = datetime.combine(last + timedelta(days=1), time(), UTC)
    announce_done(Settings.of().database_url, RECOGNITION, over)


def _proposal(months: list[MonthToClose], last: date, clock: ClockName) -> Iterator[str]:
    which = f"the books of accounts on the {clock} clock"
    if not months:
        yield f"{last:%Y-%m} and what is open before it will be closed in {which}: nothing is booked in them"
        return
    named = sorted({f"{month.month:%Y-%m}" for month in months} | {f"{last:%Y-%m}"})
    yield f"this closes {', '.join(named)} in {which}, for ever:"
    for of in months:
        amounts = f"invoiced {of.invoiced:f}, paid {of.paid:f}, written off {of.written_off:f}"
        more = f", credited {of.credited:f}" if of.credited else ""
        more += f", given back {of.given_back:f}" if of.given_back else ""
        yield f"  {of.month:%Y-%m} {of.currency}: {amounts}, earned {of.earned:f}{more}"


def _confirmed(month: str) -> bool:
    """Ask at the terminal whether to close the month. Raises InvalidInput `confirmation_needed` if there is
    none."""
    if sys.stdin is None or not sys.stdin.isatty():
        message = "closing cannot be undone: where no terminal can be asked, confirm it with --yes"
        raise InvalidInput("confirmation_needed", "--yes", message)
    print(f"Close {month}? Type yes to close it: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == "yes"


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


def _through(text: str | None) -> date:
    return datetime.now(UTC).date() - timedelta(days=1) if text is None else day(text, "--through")


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise InvalidInput("invalid_month", "MONTH", f"{text!r} is no month such as 2026-03") from None
