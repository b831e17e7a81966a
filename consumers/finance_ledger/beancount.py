"""The journal as a beancount file, which `bean-check` checks: each entry of a selection, and the balances of
each closed month as assertions.

for line in exported(connection, Selection("wall")):
    print(line)

There is a beancount account for each ledger account and currency, such as `Assets:Cash:EUR`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from consumers.checkpoints import Connection
from consumers.finance_ledger.accounts import (
    ACCOUNT_CREDIT,
    BAD_DEBT,
    CASH,
    CHARGE_BACKS,
    DEFERRED,
    RECEIVABLE,
    RECOVERED,
    REFUNDS,
    REVENUE,
    TAKEN_OVER,
    TAX_PAYABLE,
)
from consumers.finance_ledger.entries import (
    LedgerEntry,
    OpeningBalance,
    Selection,
    accounts_used,
    entries,
    opening,
)
from domain.texts import escaped

Names: TypeAlias = Mapping[str, str]
"""Beancount's name of each ledger account, without the currency."""

_ROOTS: Final = {
    CASH: "Assets:Cash",
    RECEIVABLE: "Assets:Receivable",
    CHARGE_BACKS: "Assets:Charge-Backs",
    DEFERRED: "Liabilities:Deferred-Revenue",
    TAX_PAYABLE: "Liabilities:Tax-Payable",
    ACCOUNT_CREDIT: "Liabilities:Account-Credit",
    REFUNDS: "Liabilities:Refunds",
    TAKEN_OVER: "Equity:Taken-Over",
    RECOVERED: "Income:Recovered",
    BAD_DEBT: "Expenses:Bad-Debt",
}

_BEFORE: Final = "Equity:Opening-Balances"
"""Against what the balances as a period begins are booked."""

_CLOSINGS: Final = """
    select last_day + 1, currency, ledger_account, balance from finance_ledger.closing_balances
    where clock = %(clock)s and last_day + 1 > %(since)s and last_day < %(until)s
    order by last_day, currency, ledger_account
"""


def exported(connection: Connection, selection: Selection) -> Iterator[str]:
    """The file's lines, in the order of days, in bounded memory. In a transaction that sees one snapshot.

    What was before the period is in it as opening balances. A tenant's or an account's file has no
    assertions: closed months' balances are those of all tenants together.
    """
    held, used = opening(connection, selection), accounts_used(connection, selection)
    closed = _closed(connection, selection)
    accounts = _first_days(held, used, closed, selection)
    yield from _head(selection, sorted({currency for _, currency in accounts}))
    names = dict(_names(sorted({ledger_account for ledger_account, _ in accounts})))
    for (ledger_account, currency), day in accounts.items():
        yield f"{day} open {names[ledger_account]}:{currency} {currency}"
    yield from _opened(held, names, selection.since)
    for entry in entries(connection, selection):
        yield from _transaction(entry, names)
    for next_day, currency, ledger_account, balance in closed:
        yield f"{next_day} balance {names[ledger_account]}:{currency} {balance:f} {currency}"


def _head(selection: Selection, currencies: Sequence[str]) -> Iterator[str]:
    whose = selection.account_id or selection.tenant
    of = f" of {escaped(whose)}" if whose else ""
    yield f"; The journal of Prorata's finance ledger{of}, accounts on the {selection.clock} clock."
    if selection.since > date.min:
        yield f"; From {selection.since}, that day included."
    if selection.until < date.max:
        yield f"; Until {selection.until}, that day not included."
    yield f'option "title" "Prorata, {selection.clock} clock"'
    for currency in currencies:
        yield f'option "operating_currency" "{currency}"'


def _closed(connection: Connection, selection: Selection) -> list[tuple[date, str, str, Decimal]]:
    if not selection.is_whole:
        return []
    bound = {"clock": selection.clock, "since": selection.since, "until": selection.until}
    return connection.execute(_CLOSINGS, bound).fetchall()


def _first_days(
    held: Sequence[OpeningBalance],
    used: Sequence[tuple[str, str, date]],
    closed: Sequence[tuple[date, str, str, Decimal]],
    selection: Selection,
) -> dict[tuple[str, str], date]:
    """Each ledger account and currency, and the day on which it is opened."""
    found = {(account, currency): day for account, currency, day in used}
    for next_day, currency, account, _ in closed:
        found[account, currency] = min(found.get((account, currency), next_day), next_day)
    found |= {(balance.ledger_account, balance.currency): selection.since for balance in held}
    return dict(sorted(found.items()))


def _opened(held: Sequence[OpeningBalance], names: Names, since: date) -> Iterator[str]:
    for currency in sorted({balance.currency for balance in held}):
        yield f"{since} open {_BEFORE}:{currency} {currency}"
        yield ""
        yield f'{since} * "opening balances"'
        for balance in held:
            if balance.currency == currency:
                yield f"  {names[balance.ledger_account]}:{currency}  {balance.amount:f} {currency}"
        yield f"  {_BEFORE}:{currency}"


def _names(accounts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Beancount's names. Those that would get the same one are numbered."""
    used: set[str] = set()
    for ledger_account in accounts:
        root, _, part = ledger_account.partition(":")
        beneath = "Income" if root == REVENUE else _ROOTS[root]
        name = wanted = f"{beneath}:{_component(part)}" if part else beneath
        number = 1
        while name in used:
            number += 1
            name = f"{wanted}-{number}"
        used.add(name)
        yield ledger_account, name


def _component(product: str) -> str:
    """The id of a product or a jurisdiction as a part of a name: letters, digits, dashes; a capital first."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in product).strip("-")
    return (kept[:1].upper() + kept[1:]) or "Product"


def _transaction(entry: LedgerEntry, names: Names) -> Iterator[str]:
    about = entry.kind.replace("_", " ") + (f" {entry.product}" if entry.product else "")
    of = f"{entry.account_id}/{entry.invoice}" if entry.account_id else f"{entry.tenant} {entry.effective}"
    yield ""
    yield f'{entry.day} * "{_text(of)}" "{_text(about)}"'
    if entry.effective != entry.day:
        yield f"  effective: {entry.effective}"
    if entry.position is not None:
        yield f"  position: {entry.position}"
    currency = entry.currency
    yield f"  {names[entry.debit]}:{currency}  {entry.amount:f} {currency}"
    yield f"  {names[entry.credit]}:{currency}  {-entry.amount:f} {currency}"


def _text(text: str) -> str:
    """What stands in a beancount string: one line, its quotes and backslashes escaped."""
    return escaped(text).replace("\\", "\\\\").replace('"', '\\"')
