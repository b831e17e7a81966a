"""Checks of the payment gateway's books against the log and the invoices: nothing is charged twice or
unpaid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg

from domain import events as e
from eventlog import StoredEvent
from eventlog.codec import domain_codec

_ANSWERS: Final = {
    "payment_declined": "declined",
    "renewal_declined": "declined",
    "try_declined": "declined",
    "items_lapsed": "declined",
    "resume_dropped": "declined",
    "payment_cancelled": "cancelled",
}
_BOOKS: Final = "select key, answer, amount, account_id from service.gateway_payments"
_PAID: Final = """
    select account_id, sum(total) from projections.invoices where status = 'paid' group by account_id
"""

Connection = psycopg.Connection[tuple[Any, ...]]


class Charge(msgspec.Struct, frozen=True):
    """A payment that the gateway decided; the books have no amount and account for a cancelled one."""

    answer: str
    amount: Decimal | None
    account: str | None


def books(connection: Connection) -> dict[UUID, Charge]:
    """Key → charge, for every key that the gateway ever decided."""
    return {key: Charge(*rest) for key, *rest in connection.execute(_BOOKS)}


def payment_problems(rows: Sequence[StoredEvent], charges: dict[UUID, Charge]) -> Iterator[str]:
    """Check that every intent was concluded as the gateway decided, and that every decided key is an
    intent's."""
    codec, left = domain_codec(), dict(charges)
    histories: dict[str, list[StoredEvent]] = defaultdict(list)
    for row in rows:
        histories[row.account_id].append(row)
    for account_id, history in histories.items():
        for row, following in zip_longest(history, history[1:]):
            amount = (
                _charged_by(codec.read(row)) if row.type in ("payment_started", "cycles_renewed") else None
            )
            if amount is None:
                continue
            charge = left.pop(row.event_id, None)
            if following is None or charge is None:
                yield f"{account_id}, version {row.version}: a payment is without its answer ({charge})"
            elif charge.answer != _ANSWERS.get(following.type, "paid"):
                yield f"{account_id}, version {row.version}: {charge} was concluded by {following.type}"
            elif charge.answer != "cancelled" and (charge.amount, charge.account) != (amount, account_id):
                yield f"{account_id}, version {row.version}: {amount} was due and {charge} was charged"
    for key, charge in left.items():
        if charge.answer != "cancelled":
            yield f"key {key}: {charge} is in the gateway's books, and no intent is in the log"


def invoice_problems(connection: Connection, charges: dict[UUID, Charge]) -> Iterator[str]:
    """Check that the gateway took from each account exactly its paid invoices."""
    taken: dict[str, Decimal] = defaultdict(Decimal)
    for charge in charges.values():
        if charge.answer == "paid":
            assert charge.account is not None
            assert charge.amount is not None
            taken[charge.account] += charge.amount
    paid: dict[str, Decimal] = dict(connection.execute(_PAID).fetchall())
    for account in taken.keys() | paid.keys():
        if taken.get(account, Decimal()) != paid.get(account, Decimal()):
            yield f"{account}: {taken.get(account)} was charged, invoices say {paid.get(account)} is paid"


def _charged_by(event: e.Event) -> Decimal | None:
    match event:
        case e.PaymentStarted():
            return event.amount
        case e.CyclesRenewed():
            return event.invoice.charge or None
        case _:
            return None
