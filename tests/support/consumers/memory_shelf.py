"""The books of accounts in memory, and the balances that their journal comes to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from consumers.finance_ledger.accounts import DEFERRED, REVENUE
from consumers.finance_ledger.journal import BookedAccount, BookedInvoice, Transfer
from consumers.finance_ledger.schedules import BookedLine
from domain.events import Event
from eventlog.memory import MemoryEventLog
from publishing.envelope import PublishedEvent, decode
from publishing.streams import EventStream
from publishing.topics import Topics
from tests.support.projections.fold_driver import Billing


class MemoryShelf:
    """The same as the tables hold. `balances`: of each ledger account, debits minus credits."""

    def __init__(self) -> None:
        self.accounts: dict[str, BookedAccount] = {}
        self.invoices: dict[tuple[str, int], BookedInvoice] = {}
        self.booked_lines: dict[tuple[str, int], list[BookedLine]] = {}
        self.transfers: list[Transfer] = []
        self.balances: defaultdict[str, Decimal] = defaultdict(Decimal)

    def account(self, account_id: str) -> BookedAccount:
        """An account that was opened."""
        return self.accounts[account_id]

    def invoice(self, account_id: str, number: int) -> BookedInvoice:
        """An invoice that was issued."""
        return self.invoices[account_id, number]

    def lines(self, account_id: str, number: int) -> Sequence[BookedLine]:
        """Its lines that have a net."""
        return self.booked_lines[account_id, number]

    def credit_lines(self, account_id: str) -> Sequence[BookedLine]:
        """The credit lines of all the account's invoices."""
        return [
            line
            for (of, _), lines in self.booked_lines.items()
            for line in lines
            if of == account_id and line.net < 0
        ]

    def open(self, account: BookedAccount) -> None:
        """Keep a new account."""
        self.accounts[account.account_id] = account

    def issue(self, account_id: str, invoice: BookedInvoice, lines: Sequence[BookedLine]) -> None:
        """Keep a new invoice and its lines."""
        self.invoices[account_id, invoice.number] = invoice
        self.booked_lines[account_id, invoice.number] = list(lines)

    def bring(self, account_id: str, lines: Sequence[BookedLine]) -> None:
        """Keep what was billed elsewhere and is to be earned here."""
        self.booked_lines[account_id, lines[0].invoice] = list(lines)

    def book(self, transfer: Transfer) -> None:
        """Enter it in the journal."""
        assert transfer.amount > 0
        assert transfer.debit != transfer.credit
        assert transfer.currency == self.accounts[transfer.account_id].currency
        for side in (transfer.debit, transfer.credit):
            assert not side.startswith(REVENUE) or side == f"{REVENUE}:{transfer.product}"
        self.transfers.append(transfer)
        self.balances[transfer.debit] += transfer.amount
        self.balances[transfer.credit] -= transfer.amount

    def recognise(self, through: date) -> None:
        """Recognise what each line earned up to that day, as `recognition` does in the tables."""
        for of, lines in self.booked_lines.items():
            for line in lines:
                pieces = []
                for piece in line.pieces:
                    ends = (piece.until, through + timedelta(days=1), line.held_from or piece.until)
                    until = piece.next_day if line.written_off else max(piece.next_day, min(ends))
                    self._earn(of[0], line, piece.earned(until) - piece.recognised, through)
                    pieces.append(replace(piece, next_day=until))
                line.pieces = tuple(pieces)

    def left_to_earn(self) -> Decimal:
        """What the lines that are not written off earn yet."""
        lines = [line for lines in self.booked_lines.values() for line in lines if not line.written_off]
        return sum([p.left(p.next_day) for line in lines for p in line.pieces], Decimal(0))

    def _earn(self, account_id: str, line: BookedLine, amount: Decimal, day: date) -> None:
        revenue = f"{REVENUE}:{line.product}"
        debit, credit = (DEFERRED, revenue) if amount > 0 else (revenue, DEFERRED)
        if amount:
            of = Transfer(
                "recognised", day, debit, credit, line.currency, abs(amount), account_id, line.invoice, 0
            )
            self.book(replace(of, line=line.line, product=line.product))

    def total(self, *names: str) -> Decimal:
        """The balance of these ledger accounts and of those beneath them."""
        return sum(
            [amount for name, amount in self.balances.items() if name.partition(":")[0] in names], Decimal(0)
        )


def published(account_id: str, events: Sequence[Event]) -> Iterator[PublishedEvent]:
    """The account's events, as a subscriber reads them."""
    log, topics = MemoryEventLog(), Topics()
    Billing(log).record(account_id, *events)
    page = log.read_settled(0, len(events) + 1)
    for record in EventStream(log, topics).records(page, (0,) * topics.partitions)[0]:
        message = decode(topics.events, record.key, record.value, record.pairs)
        assert isinstance(message, PublishedEvent)
        yield message
