"""What the books hold, as values: transfers, and what is known of accounts and invoices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from publishing.contract import Clock, InvoiceStatus

Kind: TypeAlias = Literal[
    "issued",
    "paid",
    "credit_applied",
    "overpaid",
    "recovered",
    "credited",
    "credited_to_account",
    "refund_asked",
    "refunded",
    "refund_failed",
    "reissued",
    "paid_out",
    "charged_back",
    "late_failed",
    "written_off",
    "recognised",
    "taken_over",
]

Day: TypeAlias = date

OF_MANY: Final = "recognised"
"""The kind of rows that are about the invoices of many accounts together."""


@dataclass(frozen=True)
class Transfer:
    """An amount, always positive, out of the account `credit` and into the account `debit`."""

    kind: Kind
    effective: date
    debit: str
    credit: str
    currency: str
    amount: Decimal
    account_id: str
    invoice: int | None
    position: int
    line: int | None = None
    product: str | None = None


@dataclass
class Facts:
    """What the events of an account say by themselves, each as a sum: the terms of invariant 10;
    which of the refunds were made; the taxes of invoices less those of credit notes; account credit that was
    brought along from another system."""

    payments: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    refunds_made: Decimal = Decimal(0)
    charge_backs: Decimal = Decimal(0)
    paid_out: Decimal = Decimal(0)
    recovered: Decimal = Decimal(0)
    totals: Decimal = Decimal(0)
    taxes: Decimal = Decimal(0)
    credit_notes: Decimal = Decimal(0)
    written_off: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    taken_over: Decimal = Decimal(0)


@dataclass
class BookedAccount:
    """An account: which money it is (R97), whose dates, and what its events came to since it was read.
    `currency` None: it was opened before the books kept that, and was invoiced nothing since."""

    account_id: str
    clock: Clock
    time_zone: str
    currency: str | None
    facts: Facts = field(default_factory=Facts)


@dataclass
class BookedInvoice:
    """How an invoice stands. `charged_back`: what is due of it is so again (R58). `held_from`: it earns
    nothing of that day and those after it until it is paid. `written_off`: what was given up of it."""

    number: int
    date: date
    currency: str
    total: Decimal
    due: Decimal
    status: InvoiceStatus
    charged_back: bool = False
    held_from: Day | None = None
    written_off: Decimal = Decimal(0)
