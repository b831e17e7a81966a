"""The books of the accounts that a batch is about: read from the tables where they are needed, changed in
memory, and written together.

    shelf = DatabaseShelf(connection)
    shelf.look_up(account_ids, invoices)
    post(shelf, message, event)
    shelf.flush()

An invoice and its lines are read for update: nothing is recognised of them meanwhile.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Final, get_args

from consumers.checkpoints import Connection
from consumers.finance_ledger.books import first_open_day
from consumers.finance_ledger.journal import OF_MANY, BookedAccount, BookedInvoice, Facts, Transfer
from consumers.finance_ledger.schedules import BookedLine, Piece
from publishing.contract import Clock

_FACTS: Final = ", ".join(f"{name} = {name} + %({name})s" for name in Facts.__dataclass_fields__)

_ACCOUNT: Final = """
    insert into accounts (account_id, clock, time_zone, currency)
    values (%(account_id)s, %(clock)s, %(time_zone)s, %(currency)s)
"""

_ACCOUNTS: Final = """
    select account_id, clock, time_zone, currency from accounts where account_id = any(%(account_ids)s)
"""

_ADD_FACTS: Final = f"""
    update accounts set currency = %(currency)s, {_FACTS}
    where account_id = %(account_id)s
"""  # noqa: S608 - the names of Facts

_TRANSFER: Final = """
    insert into transfers (clock, tenant, day, effective, kind, debit, credit, currency, amount, product,
        account_id, invoice, line, position)
    values (%(clock)s, %(tenant)s, greatest(%(effective)s, %(first_open_day)s), %(effective)s, %(kind)s,
        %(debit)s, %(credit)s, %(currency)s, %(amount)s, %(product)s, %(account_id)s, %(invoice)s, %(line)s,
        %(position)s)
"""

_INVOICE: Final = """
    insert into invoices (account_id, number, clock, date, currency, total, due, status, charged_back,
        held_from, written_off)
    values (%(account_id)s, %(number)s, %(clock)s, %(date)s, %(currency)s, %(total)s, %(due)s, %(status)s,
        %(charged_back)s, %(held_from)s, %(written_off)s)
    on conflict (account_id, number) do update set due = excluded.due, status = excluded.status,
        charged_back = excluded.charged_back, held_from = excluded.held_from,
        written_off = excluded.written_off
"""

_INVOICES: Final = """
    select account_id, number, date, currency, total, due, status, charged_back, held_from, written_off
    from invoices join unnest(%(account_ids)s::text[], %(numbers)s::bigint[]) as wanted (of, nth)
        on account_id = of and number = nth
    order by account_id, number
    for update of invoices
"""

_SCHEDULE: Final = """
    insert into schedules (account_id, invoice, line, part, clock, product, tier, currency, digits, net,
        amount, begins, ends, until, next_day, recognised, known_on, held_from, written_off)
    values (%(account_id)s, %(invoice)s, %(line)s, %(part)s, %(clock)s, %(product)s, %(tier)s, %(currency)s,
        %(digits)s, %(net)s, %(amount)s, %(begins)s, %(ends)s, %(until)s, %(next_day)s, %(recognised)s,
        %(known_on)s, %(held_from)s, %(written_off)s)
    on conflict (account_id, invoice, line, part) do update set until = excluded.until,
        next_day = excluded.next_day, recognised = excluded.recognised, held_from = excluded.held_from,
        written_off = excluded.written_off
"""

_LINE_FIELDS: Final = (
    "account_id, invoice, line, product, tier, currency, net, known_on, held_from, written_off"
)

_LINES: Final = f"""
    select {_LINE_FIELDS}, amount, begins, ends, until, next_day from schedules
    where account_id = %(account_id)s and invoice = %(number)s
    order by line, part
    for update
"""  # noqa: S608 - constants

_CREDIT_LINES: Final = """
    select distinct invoice from schedules where account_id = %(account_id)s and net < 0 order by invoice
"""

_Ref = tuple[str, int]
"""An account, and the number of an invoice of it."""


class DatabaseShelf:
    """What a batch reads and writes, in the tables of the session's search path."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # Before anything is written: whoever closes a month holds these days first, then its rows.
        self._first_open_days: dict[Clock, date] = {
            clock: first_open_day(connection, clock) for clock in get_args(Clock)
        }
        self._accounts: dict[str, BookedAccount] = {}
        self._opened: list[BookedAccount] = []
        self._invoices: dict[_Ref, BookedInvoice] = {}
        self._invoices_before: dict[_Ref, BookedInvoice] = {}
        self._lines: dict[_Ref, list[BookedLine]] = {}
        self._lines_before: dict[_Ref, list[BookedLine]] = {}
        self._transfers: list[Transfer] = []

    def look_up(self, account_ids: Iterable[str], invoices: Iterable[_Ref]) -> None:
        """Read what is known of these accounts and invoices; what the batch itself opens and issues is not
        there yet."""
        for row in self._connection.execute(_ACCOUNTS, {"account_ids": list(account_ids)}):
            self._accounts[row[0]] = BookedAccount(*row)
        self._read_invoices(sorted(set(invoices)))

    # ---- finding

    def account(self, account_id: str) -> BookedAccount:
        """An account that was opened. Raises ValueError."""
        found = self._accounts.get(account_id)
        if found is None:
            raise ValueError("the ledger has not read the account's first event, which says its clock")
        return found

    def invoice(self, account_id: str, number: int) -> BookedInvoice:
        """An invoice that was issued. Raises ValueError."""
        ref = account_id, number
        if ref not in self._invoices:
            self._read_invoices([ref])
        if ref not in self._invoices:
            raise ValueError(f"the ledger knows no invoice {number} of the account")
        return self._invoices[ref]

    def lines(self, account_id: str, number: int) -> Sequence[BookedLine]:
        """Its lines that have a net."""
        ref = account_id, number
        if ref not in self._lines:
            found: dict[int, BookedLine] = {}
            for row in self._connection.execute(_LINES, {"account_id": account_id, "number": number}):
                of, invoice, nth, product, tier, currency, net, known_on, held_from, written_off = row[:10]
                line = BookedLine(of, invoice, nth, product, tier, currency, net, ())
                line.known_on, line.held_from, line.written_off = known_on, held_from, written_off
                line = found.setdefault(nth, line)
                line.pieces = (*line.pieces, Piece(*row[10:]))
            self._lines[ref] = list(found.values())
            self._lines_before[ref] = copy.deepcopy(self._lines[ref])
        return self._lines[ref]

    def credit_lines(self, account_id: str) -> Sequence[BookedLine]:
        """The credit lines of all the account's invoices."""
        numbers = {
            number for (number,) in self._connection.execute(_CREDIT_LINES, {"account_id": account_id})
        }
        numbers |= {number for of, number in self._lines if of == account_id}
        return [line for number in sorted(numbers) for line in self.lines(account_id, number) if line.net < 0]

    # ---- keeping

    def open(self, account: BookedAccount) -> None:
        """Keep a new account."""
        self._accounts[account.account_id] = account
        self._opened.append(account)

    def issue(self, account_id: str, invoice: BookedInvoice, lines: Sequence[BookedLine]) -> None:
        """Keep a new invoice and its lines."""
        ref = account_id, invoice.number
        self._invoices[ref], self._lines[ref] = invoice, list(lines)

    def bring(self, account_id: str, lines: Sequence[BookedLine]) -> None:
        """Keep what was billed elsewhere and is to be earned here."""
        self._lines[account_id, lines[0].invoice] = list(lines)

    def book(self, transfer: Transfer) -> None:
        """Enter it in the journal."""
        self._transfers.append(transfer)

    def flush(self) -> None:
        """Write all that is new or changed."""
        changed = [a for a in self._accounts.values() if a.facts != Facts()]
        with self._connection.cursor() as cursor:
            for statement, rows in (
                (_ACCOUNT, [self._account_row(account) for account in self._opened]),
                (_ADD_FACTS, [self._account_row(account) | asdict(account.facts) for account in changed]),
                (_INVOICE, self._changed_invoices()),
                (_SCHEDULE, self._changed_pieces()),
                (_TRANSFER, [self._transfer_row(transfer) for transfer in self._transfers]),
            ):
                if rows:
                    cursor.executemany(statement, rows)

    def _read_invoices(self, refs: Sequence[_Ref]) -> None:
        if not refs:
            return
        account_ids, numbers = zip(*refs, strict=True)
        bound = {"account_ids": list(account_ids), "numbers": list(numbers)}
        for account_id, number, *rest in self._connection.execute(_INVOICES, bound):
            self._invoices[account_id, number] = BookedInvoice(number, *rest)
            self._invoices_before[account_id, number] = BookedInvoice(number, *rest)

    def _account_row(self, account: BookedAccount) -> dict[str, Any]:
        return {
            "account_id": account.account_id,
            "clock": account.clock,
            "time_zone": account.time_zone,
            "currency": account.currency,
        }

    def _changed_invoices(self) -> list[dict[str, Any]]:
        return [
            asdict(invoice) | {"account_id": ref[0], "clock": self.account(ref[0]).clock}
            for ref, invoice in self._invoices.items()
            if invoice != self._invoices_before.get(ref)
        ]

    def _changed_pieces(self) -> list[dict[str, Any]]:
        return [
            self._piece_row(line, part, piece)
            for ref, lines in self._lines.items()
            if lines != self._lines_before.get(ref)
            for line in lines
            for part, piece in enumerate(line.pieces, 1)
        ]

    def _piece_row(self, line: BookedLine, part: int, piece: Piece) -> dict[str, Any]:
        return {
            "account_id": line.account_id,
            "invoice": line.invoice,
            "line": line.line,
            "part": part,
            "clock": self.account(line.account_id).clock,
            "product": line.product,
            "tier": line.tier,
            "currency": line.currency,
            "digits": -int(line.net.as_tuple().exponent),
            "net": line.net,
            "amount": piece.amount,
            "begins": piece.begins,
            "ends": piece.ends,
            "until": piece.until,
            "next_day": piece.next_day,
            "recognised": piece.recognised,
            "known_on": line.known_on,
            "held_from": line.held_from,
            "written_off": line.written_off,
        }

    def _transfer_row(self, transfer: Transfer) -> dict[str, Any]:
        clock = self.account(transfer.account_id).clock
        row = asdict(transfer) | {
            "clock": clock,
            "tenant": transfer.account_id.split("/", 1)[0],
            "first_open_day": self._first_open_days[clock],
        }
        if transfer.kind == OF_MANY:
            row |= {"account_id": None, "invoice": None, "line": None, "position": None}
        return row
