"""The journal as a beancount file, which `bean-check` checks: every transfer, and the balances of each closed
month as assertions.

for line in exported(connection):
    print(line)
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from consumers.checkpoints import Connection
from consumers.finance_ledger.accounts import BAD_DEBT, CASH, DEFERRED, RECEIVABLE, REVENUE
from domain.texts import escaped

_ROOTS: Final = {
    CASH: "Assets:Cash",
    RECEIVABLE: "Assets:Receivable",
    DEFERRED: "Liabilities:Deferred-Revenue",
    BAD_DEBT: "Expenses:Bad-Debt",
}

_ACCOUNTS: Final = """
    select ledger_account, min(day) from (
        select debit as ledger_account, day from finance_ledger.transfers
        union all select credit, day from finance_ledger.transfers
    ) used group by ledger_account order by ledger_account
"""

_CLOSINGS: Final = """
    select last_day + 1, currency, ledger_account, balance from finance_ledger.closing_balances
    order by last_day, currency, ledger_account
"""

_TRANSFERS: Final = """
    select day, effective, kind, debit, credit, currency, amount, product, account_id, invoice, position
    from finance_ledger.transfers order by day, id
"""

_AT_ONCE: Final = 1_000


def exported(connection: Connection) -> Iterator[str]:
    """The file's lines, in the order of days; all of one snapshot, in bounded memory."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        yield "; The journal of Prorata's finance ledger."
        used = connection.execute(_ACCOUNTS).fetchall()
        names = dict(_names([name for name, _ in used]))
        for name, day in used:
            yield f"{day} open {names[name]}"
        closings = connection.execute(_CLOSINGS).fetchall()
        with connection.cursor("transfers") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(_TRANSFERS)
            for row in cursor:
                yield from _transaction(row, names)
        for next_day, currency, ledger_account, balance in closings:
            yield f"{next_day} balance {names[ledger_account]} {balance} {currency}"


def _names(accounts: list[str]) -> Iterator[tuple[str, str]]:
    """Beancount's names. Products that would get the same one are numbered."""
    used: set[str] = set()
    for ledger_account in accounts:
        root, _, product = ledger_account.partition(":")
        name = wanted = f"Income:{_component(product)}" if root == REVENUE else _ROOTS[root]
        number = 1
        while name in used:
            number += 1
            name = f"{wanted}-{number}"
        used.add(name)
        yield ledger_account, name


def _component(product: str) -> str:
    """A product's id as a part of a name: letters, digits and dashes, a capital first."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in product).strip("-")
    return (kept[:1].upper() + kept[1:]) or "Product"


def _transaction(row: tuple[Any, ...], names: dict[str, str]) -> Iterator[str]:
    day, effective, kind, debit, credit, currency, amount, product, account_id, invoice, position = row
    about = kind.replace("_", " ") + (f" {product}" if product else "")
    of = f"{account_id}/{invoice}" if account_id else f"{effective}"
    yield ""
    yield f'{day} * "{_text(of)}" "{_text(about)}"'
    if effective != day:
        yield f"  effective: {effective}"
    if position is not None:
        yield f"  position: {position}"
    yield f"  {names[debit]}  {_amount(amount)} {currency}"
    yield f"  {names[credit]}  {_amount(-amount)} {currency}"


def _amount(amount: Decimal) -> str:
    return f"{amount:f}"


def _text(text: str) -> str:
    """What stands in a beancount string: one line, its quotes and backslashes escaped."""
    return escaped(text).replace("\\", "\\\\").replace('"', '\\"')
