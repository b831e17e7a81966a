"""Checks of the payment gateway's books against the log and the invoices: nothing is charged or given back
twice, or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
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
_REFUNDS: Final = "select key, answer, amount, account_id from service.gateway_refunds"
_PAID: Final = """
    select account_id, sum(amount) from (
        select account_id, total - due as amount from projections.invoices
        union all
        select account_id, -total from projections.credit_notes
        union all
        select account_id, credit from projections.accounts
    ) moved group by account_id
"""
"""What a method paid of each account, less what was given back: invariant 10, where nothing was paid out,
charged back or recorded otherwise."""
BETWEEN: Final = ("credit_note_issued", "refund_concluded", "credit_applied")
"""What may happen while a payment is without its answer: corrections do not wait for it (section 19)."""

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
        for place, row in enumerate(history):
            following = next((row for row in history[place + 1 :] if row.type not in BETWEEN), None)
            amount = (
                charged_by(codec.read(row)) if row.type in ("payment_started", "cycles_renewed") else None
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


def invoice_problems(
    connection: Connection, charges: dict[UUID, Charge], given_back: dict[UUID, Charge]
) -> Iterator[str]:
    """Check that the gateway took from each account, less what it gave back, exactly what its invoices,
    credit notes and account credit say."""
    taken: dict[str, Decimal] = defaultdict(Decimal)
    for refund in given_back.values():
        if refund.answer == "refunded":
            assert refund.account is not None
            assert refund.amount is not None
            taken[refund.account] -= refund.amount
    for charge in charges.values():
        if charge.answer == "paid":
            assert charge.account is not None
            assert charge.amount is not None
            taken[charge.account] += charge.amount
    paid: dict[str, Decimal] = dict(connection.execute(_PAID).fetchall())
    for account in taken.keys() | paid.keys():
        if taken.get(account, Decimal()) != paid.get(account, Decimal()):
            yield f"{account}: {taken.get(account)} was charged, invoices say {paid.get(account)} is paid"


def refunds(connection: Connection) -> dict[UUID, Charge]:
    """Key → refund, for every key under which the gateway gave back or failed to."""
    return {key: Charge(*rest) for key, *rest in connection.execute(_REFUNDS)}


def refund_problems(rows: Sequence[StoredEvent], given_back: dict[UUID, Charge]) -> Iterator[str]:
    """Check that every refund was made once, under the id of its credit note, and concluded as the gateway
    answered; and that it made no other."""
    codec, left = domain_codec(), dict(given_back)
    asked: dict[tuple[str, int], str] = {}
    for row in rows:
        if row.type == "credit_note_issued":
            note = codec.read(row)
            assert isinstance(note, e.CreditNoteIssued)
            if note.refund:
                refund = left.pop(row.event_id, None)
                if refund is None or (refund.amount, refund.account) != (note.refund, row.account_id):
                    where = f"{row.account_id}, version {row.version}"
                    yield f"{where}: {note.refund} was to go back, not {refund}"
                    continue
                asked[row.account_id, note.number] = refund.answer
        elif row.type == "refund_concluded":
            concluded = codec.read(row)
            assert isinstance(concluded, e.RefundConcluded)
            answer = asked.pop((row.account_id, concluded.note), None)
            if answer != ("refunded" if concluded.refunded else "failed"):
                yield f"{row.account_id}, version {row.version}: a refund was concluded that was {answer}"
    for (account, number), answer in asked.items():
        yield f"{account}: the refund of C{number} was {answer}, and the log does not say so"
    for key, refund in left.items():
        yield f"key {key}: {refund} was given back, and no credit note is in the log"


def charged_by(event: e.Event) -> Decimal | None:
    """What the intent lets the gateway charge; None: the event is no intent, or nothing is due."""
    match event:
        case e.PaymentStarted():
            return event.amount
        case e.CyclesRenewed():
            return event.invoice.charge or None
        case _:
            return None
