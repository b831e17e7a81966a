"""What a run did, as it is told while it goes on and at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from domain import events as e
from domain.money import zero
from domain.state import Account


class Failed(msgspec.Struct, frozen=True):
    """An account that could not be settled."""

    account_id: str
    reason: str


class Totals(msgspec.Struct, frozen=True):
    """What a run did in one currency: invoices that it issued, and what of these and earlier ones was paid
    and declined."""

    currency: str
    invoices: int = 0
    issued: Decimal = Decimal(0)
    payments: int = 0
    paid: Decimal = Decimal(0)
    declines: int = 0
    declined: Decimal = Decimal(0)


class RunReport(msgspec.Struct, frozen=True):
    """What a run did: accounts looked at, events recorded, accounts whose payment or refund has no answer yet
    and that a later run settles, those whose taxes cannot be decided now (R71), and those that failed.
    `expected`: how many accounts the calendar said were due when it began. `seconds`: since it began."""

    accounts: int = 0
    events: int = 0
    waiting: tuple[str, ...] = ()
    untaxed: tuple[str, ...] = ()
    failed: tuple[Failed, ...] = ()
    totals: tuple[Totals, ...] = ()
    expected: int = 0
    seconds: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """About how long it will go on; None while that cannot be said."""
        if self.accounts == 0 or self.expected <= self.accounts:
            return None
        return self.seconds * (self.expected - self.accounts) / self.accounts


Progress: TypeAlias = Callable[[RunReport], None]
"""Told again and again while a run goes on, with the report so far, and once at its end."""


class _Sums:
    """Totals in the making."""

    __slots__ = ("declined", "declines", "invoices", "issued", "paid", "payments")

    def __init__(self, nothing: Decimal) -> None:
        self.invoices = self.payments = self.declines = 0
        self.issued = self.paid = self.declined = nothing


class Tally:
    """Counts what a run does."""

    def __init__(self) -> None:
        self.accounts = 0
        self.events = 0
        self.waiting: list[str] = []
        self.untaxed: list[str] = []
        self.failed: list[Failed] = []
        self.expected = 0
        self._sums: dict[str, _Sums] = {}

    def recorded(self, events: Sequence[e.Event], after: Account) -> None:
        """Count events that were recorded, and the account after them."""
        sums = self._sums.get(after.currency)
        if sums is None:
            sums = self._sums[after.currency] = _Sums(zero(after.currency))
        self.events += len(events)
        for event in events:
            if isinstance(event, e.InvoicePaid):
                sums.payments += 1
                sums.paid += event.amount
            elif isinstance(event, e.CyclesRenewed):
                sums.invoices += 1
                sums.issued += event.invoice.total
            elif isinstance(event, e.RenewalDeclined):
                sums.declines += 1
                sums.declined += after.record(event.number).due

    def report(self, seconds: float = 0.0) -> RunReport:
        """The report so far."""
        totals = [
            Totals(
                currency,
                sums.invoices,
                sums.issued,
                sums.payments,
                sums.paid,
                sums.declines,
                sums.declined,
            )
            for currency, sums in sorted(self._sums.items())
            if sums.invoices or sums.payments or sums.declines
        ]
        return RunReport(
            self.accounts,
            self.events,
            tuple(self.waiting),
            tuple(self.untaxed),
            tuple(self.failed),
            tuple(totals),
            self.expected,
            seconds,
        )
