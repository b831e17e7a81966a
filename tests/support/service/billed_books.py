"""The gateway's books against the log, both ways, after runs that were killed, paused, or met each other."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from decimal import Decimal
from itertools import zip_longest

import psycopg

from domain import events as e
from eventlog import EventLog, StoredEvent
from eventlog.codec import domain_codec
from eventlog.postgres.log import PostgresEventLog

_codec = domain_codec()
_DECLINED = {"payment_declined", "renewal_declined", "try_declined", "resume_dropped"}


def problems(database_url: str) -> list[str]:
    """What is charged without an intent, intended without an answer, answered otherwise than charged, or paid
    twice for one invoice."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select key, answer, amount, account_id from service.gateway_payments")
        books = {key: (answer, amount, account_id) for key, answer, amount, account_id in rows}
    found: list[str] = []
    with closing(PostgresEventLog(database_url)) as log:
        for account_id in log.accounts():
            stored = log.read_account(account_id)
            paid = Counter(
                event.number for row in stored if isinstance(event := _codec.read(row), e.InvoicePaid)
            )
            found += [
                f"{account_id}: invoice {n} is paid {times} times" for n, times in paid.items() if times > 1
            ]
            for row, following in zip_longest(stored, stored[1:]):
                if (amount := _intended(row)) is not None:
                    found += _problems_of(account_id, amount, books.pop(row.event_id, None), following)
    return found + [
        f"{key} was charged without an intent" for key, (answer, *_) in books.items() if answer == "paid"
    ]


def _problems_of(
    account_id: str,
    amount: Decimal,
    booked: tuple[str, Decimal, str] | None,
    following: StoredEvent | None,
) -> list[str]:
    if following is None:
        return [f"{account_id}: an intent has no answer"]
    expected = "cancelled" if following.type == "payment_cancelled" else "paid"
    expected = "declined" if following.type in _DECLINED else expected
    if booked is None:  # a method that is refused for good is not asked (R54)
        return [] if expected == "declined" else [f"{account_id}: {following.type} without a charge"]
    answer, charged, charged_for = booked
    if answer.removesuffix("_final") != expected:
        return [f"{account_id}: {following.type} was recorded, and the gateway says {answer}"]
    if answer != "cancelled" and (charged, charged_for) != (amount, account_id):
        return [f"{account_id}: {charged} was charged, and {amount} intended"]
    return []


def _intended(row: StoredEvent) -> Decimal | None:
    """What is to be charged by this event; None: it begins no payment."""
    event = _codec.read(row)
    if isinstance(event, e.PaymentStarted):
        return event.amount
    return (event.invoice.charge or None) if isinstance(event, e.CyclesRenewed) else None


def settled_history(log: EventLog, account_id: str) -> list[tuple[str, bytes]]:
    """The account's events, but for attempts at a payment that were cancelled and begun anew."""
    kept: list[tuple[str, bytes]] = []
    for row in log.read_account(account_id):
        event = _codec.read(row)
        if isinstance(event, e.PaymentCancelled):
            if kept[-1][0] == "payment_started":
                kept.pop()
        elif not (isinstance(event, e.PaymentStarted) and event.purpose == "renewal"):
            kept.append((row.type, row.state))
    return kept
