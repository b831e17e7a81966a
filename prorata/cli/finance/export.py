"""`prorata ledger export` and `ledger summary`: the books, or a part of them, for other programs."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from prorata.cli.finance.ledger import Clock, ClockName, Json, books, day, say_whose

if TYPE_CHECKING:
    from consumers.checkpoints import Connection
    from consumers.finance_ledger.entries import Selection

From = Annotated[
    str | None, Parameter(name="--from", help="The first day, included; default: the beginning.")
]
Until = Annotated[str | None, Parameter(help="The day it ends before, not included; default: no end.")]
Tenant = Annotated[str | None, Parameter(help="Only this tenant's; default: of all, of an account `main`.")]
Account = Annotated[str | None, Parameter(help="Only this account's.")]


def export(
    *,
    since: From = None,
    until: Until = None,
    tenant: Tenant = None,
    account: Account = None,
    clock: Clock = "wall",
    form: Annotated[
        Literal["beancount", "csv"], Parameter(name="--format", help="A beancount file, or CSV.")
    ] = "beancount",
) -> int:
    """The journal: as a beancount file, in which closed months are assertions that `bean-check` checks, or as
    CSV.

    Of one account, what was earned is on the days that it is about, also where it was booked later because a
    month was closed.
    """
    from consumers.finance_ledger.beancount import exported
    from consumers.finance_ledger.entries import LedgerEntry, entries
    from consumers.finance_ledger.tables import csv_of

    with books() as connection:
        selection = _selection(connection, since, until, tenant, account, clock)
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read read only")
            lines = (
                csv_of(LedgerEntry, entries(connection, selection))
                if form == "csv"
                else exported(connection, selection)
            )
            for line in lines:
                print(line)
    return 0


def summary(
    *,
    since: From = None,
    until: Until = None,
    tenant: Tenant = None,
    account: Account = None,
    clock: Clock = "wall",
    csv: Annotated[bool, Parameter(negative="", help="As CSV.")] = False,
    json: Json = False,
) -> int:
    """Each month's debits, credits and balance, ledger account by ledger account."""
    from consumers.finance_ledger.entries import MonthOfAccount, by_month
    from consumers.finance_ledger.tables import csv_of
    from prorata.cli.terminal.tables import console, table

    with books() as connection:
        found = by_month(connection, _selection(connection, since, until, tenant, account, clock))
        if not found:
            say_whose(connection, clock)
    if json or csv:
        lines = csv_of(MonthOfAccount, found) if csv else (msgspec.json.encode(of).decode() for of in found)
        for line in lines:
            print(line)
        return 0
    shown = table("month", "currency", "account", ">debits", ">credits", ">balance")
    for of in found:
        amounts = [f"{amount:f}" for amount in (of.debits, of.credits, of.balance)]
        shown.add_row(f"{of.month:%Y-%m}", of.currency, of.ledger_account, *amounts)
    console().print(shown)
    return 0


def _selection(
    connection: Connection,
    since: str | None,
    until: str | None,
    tenant: str | None,
    account: str | None,
    clock: ClockName,
) -> Selection:
    """The entries asked for. Raises InvalidInput `empty_period`, `unknown_account`, `wrong_clock`."""
    from consumers.finance_ledger.entries import Selection, clock_of
    from service.commands import account_id_of, check_tenant

    first = date.min if since is None else day(since, "--from")
    end = date.max if until is None else day(until, "--until")
    if first >= end:
        raise InvalidInput("empty_period", "--until", f"{end} is not included, so it has to be after {first}")
    if tenant is not None:
        check_tenant(tenant)
    account_id = None if account is None else account_id_of(tenant or "main", account, "--account")
    if account_id is not None and (lives_on := clock_of(connection, account_id)) != clock:
        if lives_on is None:
            raise InvalidInput("unknown_account", "--account", f"the books know no account {account_id!r}")
        message = f"{account_id!r} lives on the {lives_on} clock: --clock {lives_on}"
        raise InvalidInput("wrong_clock", "--clock", message)
    return Selection(clock, tenant, account_id, first, end)
