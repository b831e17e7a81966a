"""The handler: events about invoices into transfers and schedules, each once, in the offset's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, Final, get_args

from consumers.checkpoints import Connection
from consumers.finance_ledger.accounts import BAD_DEBT, DEFERRED, RECEIVABLE
from consumers.finance_ledger.books import first_open_day
from consumers.finance_ledger.postings import (
    Held,
    IssuedInvoice,
    OpenedAccount,
    Schedule,
    Settled,
    Transfer,
    day_of,
    paid,
    posting_of,
)
from consumers.handler import Message
from publishing.contract import Clock
from publishing.envelope import PublishedEvent
from publishing.topics import Topics

NAME: Final = "finance_ledger"

_ACCOUNT: Final = """
    insert into accounts (account_id, clock, time_zone) values (%(account_id)s, %(clock)s, %(time_zone)s)
"""

_ACCOUNTS: Final = """
    select account_id, clock, time_zone from accounts where account_id = any(%(account_ids)s)
"""

_TRANSFER: Final = """
    insert into transfers (clock, tenant, day, effective, kind, debit, credit, currency, amount, product,
        account_id, invoice, line, position)
    values (%(clock)s, split_part(%(account_id)s, '/', 1), greatest(%(effective)s, %(first_open_day)s),
        %(effective)s, %(kind)s, %(debit)s, %(credit)s, %(currency)s, %(amount)s, %(product)s, %(account_id)s,
        %(invoice)s, %(line)s, %(position)s)
"""

_INVOICE: Final = """
    insert into invoices (account_id, number, clock, date, currency, total, status)
    values (%(account_id)s, %(number)s, %(clock)s, %(date)s, %(currency)s, %(total)s, %(status)s)
"""

_SCHEDULE: Final = """
    insert into schedules (account_id, invoice, line, clock, product, currency, digits, amount, begins, ends,
        next_day)
    values (%(account_id)s, %(invoice)s, %(line)s, %(clock)s, %(product)s, %(currency)s, %(digits)s,
        %(amount)s, %(begins)s, %(ends)s, %(begins)s)
"""

_SETTLE: Final = """
    update invoices set status = %(status)s
    where account_id = %(account_id)s and number = %(number)s and status = 'open'
    returning date, currency, total
"""

_HOLD: Final = """
    update schedules set held = %(held)s
    where account_id = %(account_id)s and invoice = %(number)s
"""

_WRITE_OFF: Final = """
    update schedules set written_off = true
    where account_id = %(account_id)s and invoice = %(number)s
    returning line, product, amount - recognised, recognised
"""


class FinanceLedger:
    """The handler: what was invoiced, paid and written off. What was earned is `recognition`'s."""

    name: Final = NAME
    topics: Final = (Topics().events.base,)
    own_tables: Final = ("closings",)

    def handle(self, connection: Connection, messages: Sequence[Message]) -> None:
        page = _Page(connection)
        postings = [(m, posting_of(m)) for m in messages if isinstance(m, PublishedEvent)]
        page.look_up({message.account_id for message, posting in postings if posting is not None})
        for message, posting in postings:
            match posting:
                case OpenedAccount() as opened:
                    page.open(message.account_id, opened)
                case IssuedInvoice() as issued:
                    page.issue(message.account_id, issued)
                case Settled() as settled:
                    page.flush()
                    page.settle(message, settled)
                case Held(number):
                    page.flush()
                    page.hold(message.account_id, number, held=True)
                case None:
                    pass
        page.flush()


class _Page:
    """What a batch writes: gathered, and written before what refers to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._accounts: dict[str, OpenedAccount] = {}
        # Before anything is written: whoever closes a month holds these days first, then its rows.
        self._first_open_days: dict[Clock, date] = {
            clock: first_open_day(connection, clock) for clock in get_args(Clock)
        }
        self._opened: list[dict[str, Any]] = []
        self._invoices: list[dict[str, Any]] = []
        self._transfers: list[Transfer] = []
        self._schedules: list[Schedule] = []

    def look_up(self, account_ids: Iterable[str]) -> None:
        """Read what is known of these accounts; those that the batch itself opens are not there yet."""
        found = self._connection.execute(_ACCOUNTS, {"account_ids": list(account_ids)})
        self._accounts = {account_id: OpenedAccount(clock, zone) for account_id, clock, zone in found}

    def open(self, account_id: str, opened: OpenedAccount) -> None:
        self._accounts[account_id] = opened
        self._opened.append({"account_id": account_id, **asdict(opened)})

    def issue(self, account_id: str, issued: IssuedInvoice) -> None:
        invoice = issued.invoice
        self._invoices.append(
            {
                "account_id": account_id,
                "number": invoice.number,
                "clock": self._account(account_id).clock,
                "date": invoice.date,
                "currency": invoice.currency,
                "total": invoice.total,
                "status": issued.status,
            }
        )
        self._transfers += issued.transfers
        self._schedules += issued.schedules

    def settle(self, message: PublishedEvent, settled: Settled) -> None:
        account_id, number = message.account_id, settled.number
        bound = {"account_id": account_id, "number": number, "status": settled.status}
        row = self._connection.execute(_SETTLE, bound).fetchone()
        if row is None:
            raise ValueError(f"invoice {number} is not open in the ledger")
        invoiced, currency, total = row
        day = day_of(settled.at, self._account(account_id).time_zone, invoiced)
        if settled.status == "paid":
            self._transfers.append(paid(message, number, day, currency, total))
            self.hold(account_id, number, held=False)
            return
        for line, product, deferred, recognised in self._connection.execute(_WRITE_OFF, bound).fetchall():
            for debit, amount in ((DEFERRED, deferred), (BAD_DEBT, recognised)):
                if amount:
                    sides = (debit, RECEIVABLE) if amount > 0 else (RECEIVABLE, debit)
                    self._transfers.append(
                        _written_off(message, number, day, sides, currency, abs(amount), line, product)
                    )

    def hold(self, account_id: str, number: int, *, held: bool) -> None:
        self._connection.execute(_HOLD, {"account_id": account_id, "number": number, "held": held})

    def flush(self) -> None:
        with self._connection.cursor() as cursor:
            if self._opened:
                cursor.executemany(_ACCOUNT, self._opened)
            if self._invoices:
                cursor.executemany(_INVOICE, self._invoices)
            if self._transfers:
                cursor.executemany(_TRANSFER, [self._bound(transfer) for transfer in self._transfers])
            if self._schedules:
                clocks = [{"clock": self._account(of.account_id).clock} for of in self._schedules]
                rows = [asdict(of) | clock for of, clock in zip(self._schedules, clocks, strict=True)]
                cursor.executemany(_SCHEDULE, rows)
        self._opened, self._invoices, self._transfers, self._schedules = [], [], [], []

    def _bound(self, transfer: Transfer) -> dict[str, Any]:
        clock = self._account(transfer.account_id).clock
        return asdict(transfer) | {"clock": clock, "first_open_day": self._first_open_days[clock]}

    def _account(self, account_id: str) -> OpenedAccount:
        found = self._accounts.get(account_id)
        if found is None:
            raise ValueError("the ledger has not read the account's first event, which says its clock")
        return found


def _written_off(
    message: PublishedEvent,
    number: int,
    day: date,
    sides: tuple[str, str],
    currency: str,
    amount: Decimal,
    line: int,
    product: str,
) -> Transfer:
    position = message.event.position
    return Transfer(
        "written_off", day, *sides, currency, amount, message.account_id, number, position, line, product
    )
