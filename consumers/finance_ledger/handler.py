"""The handler: events about invoices into transfers and schedules, each once, in the offset's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from consumers.checkpoints import Connection
from consumers.finance_ledger.accounts import BAD_DEBT, DEFERRED, RECEIVABLE
from consumers.finance_ledger.books import first_open_day
from consumers.finance_ledger.postings import (
    Held,
    IssuedInvoice,
    Schedule,
    Settled,
    Transfer,
    paid,
    posting_of,
)
from consumers.handler import Message
from publishing.contract import Invoice, InvoiceStatus
from publishing.envelope import PublishedEvent
from publishing.topics import Topics

NAME: Final = "finance_ledger"

_TRANSFER: Final = """
    insert into transfers (day, effective, kind, debit, credit, currency, amount, product,
        account_id, invoice, line, position)
    values (greatest(%(effective)s, %(first_open_day)s), %(effective)s, %(kind)s, %(debit)s, %(credit)s,
        %(currency)s, %(amount)s, %(product)s, %(account_id)s, %(invoice)s, %(line)s, %(position)s)
"""

_INVOICE: Final = """
    insert into invoices (account_id, number, date, currency, total, status)
    values (%(account_id)s, %(number)s, %(date)s, %(currency)s, %(total)s, %(status)s)
"""

_SCHEDULE: Final = """
    insert into schedules (account_id, invoice, line, product, currency, digits, amount, begins, ends,
        next_day)
    values (%(account_id)s, %(invoice)s, %(line)s, %(product)s, %(currency)s, %(digits)s, %(amount)s,
        %(begins)s, %(ends)s, %(begins)s)
"""

_SETTLE: Final = """
    update invoices set status = %(status)s
    where account_id = %(account_id)s and number = %(number)s and status = 'open'
    returning currency, total
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
        for message in messages:
            assert isinstance(message, PublishedEvent)
            match posting_of(message):
                case IssuedInvoice() as issued:
                    page.issue(message.account_id, issued)
                case Settled(number, status, _) as settled:
                    page.flush()
                    page.settle(message, settled, number, status)
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
        self._first_open_day = first_open_day(connection)
        self._invoices: list[dict[str, Any]] = []
        self._transfers: list[Transfer] = []
        self._schedules: list[Schedule] = []

    def issue(self, account_id: str, issued: IssuedInvoice) -> None:
        self._invoices.append(_row(account_id, issued.invoice, issued.status))
        self._transfers += issued.transfers
        self._schedules += issued.schedules

    def settle(self, message: PublishedEvent, settled: Settled, number: int, status: InvoiceStatus) -> None:
        bound = {"account_id": message.account_id, "number": number, "status": status}
        row = self._connection.execute(_SETTLE, bound).fetchone()
        if row is None:
            raise ValueError(f"invoice {number} is not open in the ledger")
        currency, total = row
        if status == "paid":
            self._transfers.append(paid(message, number, settled.effective, currency, total))
            self.hold(message.account_id, number, held=False)
        else:
            for line, product, deferred, recognised in self._connection.execute(_WRITE_OFF, bound).fetchall():
                for debit, amount in ((DEFERRED, deferred), (BAD_DEBT, recognised)):
                    self._write_off(message, settled, currency, debit, amount, line, product)

    def hold(self, account_id: str, number: int, *, held: bool) -> None:
        self._connection.execute(_HOLD, {"account_id": account_id, "number": number, "held": held})

    def flush(self) -> None:
        with self._connection.cursor() as cursor:
            if self._invoices:
                cursor.executemany(_INVOICE, self._invoices)
            if self._transfers:
                day = {"first_open_day": self._first_open_day}
                cursor.executemany(_TRANSFER, [asdict(transfer) | day for transfer in self._transfers])
            if self._schedules:
                cursor.executemany(_SCHEDULE, [asdict(schedule) for schedule in self._schedules])
        self._invoices, self._transfers, self._schedules = [], [], []

    def _write_off(
        self,
        message: PublishedEvent,
        settled: Settled,
        currency: str,
        debit: str,
        amount: Decimal,
        line: int,
        product: str,
    ) -> None:
        if not amount:
            return
        sides = (debit, RECEIVABLE) if amount > 0 else (RECEIVABLE, debit)
        self._transfers.append(
            Transfer(
                "written_off",
                settled.effective,
                *sides,
                currency,
                abs(amount),
                message.account_id,
                settled.number,
                message.event.position,
                line,
                product,
            )
        )


def _row(account_id: str, invoice: Invoice, status: InvoiceStatus) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "number": invoice.number,
        "date": invoice.date,
        "currency": invoice.currency,
        "total": invoice.total,
        "status": status,
    }
