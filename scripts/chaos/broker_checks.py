"""Checks of the topics and of every consumer's tables once everything is quiet: each function yields what
does not hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import msgspec
import psycopg

from consumers import dead_letters
from consumers.finance_ledger.checking import problems as ledger_problems
from eventlog import EventLog, StoredEvent
from eventlog.codec import domain_codec
from projections.fold import Fold
from projections.models import access_windows, credit_notes, entitlements, invoices
from publishing.topics import partition_of
from scripts.chaos.reading import Published

Connection = psycopg.Connection[tuple[Any, ...]]

FOLDS: Final[Mapping[str, Fold[Any, Any]]] = {
    "billing.entitlements.v1": entitlements.FOLD,
    "billing.access-windows.v1": access_windows.FOLD,
    "billing.invoices.v1": invoices.FOLD,
    "billing.credit-notes.v1": credit_notes.FOLD,
}
"""State topic → the fold whose documents it holds."""

_WINDOWS: Final = """
    select account_id, product, begins_at, ends_at, renews from entitlement_cache.windows
"""
_BOOKED: Final = "select account_id, number, total, status from finance_ledger.invoices"
_BALANCE: Final = """
    select currency, sum(case when debit = 'cash' then amount when credit = 'cash' then -amount else 0 end)
    from finance_ledger.transfers group by currency
"""
_PAID: Final = """
    select currency, sum(amount) from (
        select currency, amount from service.gateway_payments where answer = 'paid'
        union all
        select currency, -amount from service.gateway_refunds where answer = 'refunded'
    ) moved group by currency
"""


def event_problems(
    published: Mapping[int, Sequence[Published]], rows: Sequence[StoredEvent]
) -> Iterator[str]:
    """Check that each event of the log is in its partition exactly once, unchanged, in order, and names the
    one before."""
    expected: dict[int, list[Published]] = defaultdict(list)
    for row in rows:
        events = expected[partition_of(row.account_id)]
        previous = events[-1].position if events else 0
        events.append(
            Published(row.account_id, row.version, row.position, previous, row.state, row.hash.hex())
        )
    for nth in sorted(published.keys() | expected.keys()):
        found, wanted = list(published.get(nth, ())), expected[nth]
        if found != wanted:
            yield f"partition {nth} of the events: {_difference(found, wanted)}"


def state_problems(topic: str, newest: Mapping[str, bytes], log: EventLog) -> Iterator[str]:
    """Check that each key's newest state is what the topic's fold makes of the log."""
    expected = _folded(log, FOLDS[topic])
    differing = [key for key in newest.keys() | expected.keys() if newest.get(key) != expected.get(key)]
    if differing:
        yield f"{topic}: {len(differing)} of {len(expected)} states are not the log's: {differing[:3]}"


def table_problems(connection: Connection, log: EventLog) -> Iterator[str]:
    """Check that each consumer's tables follow from the log, that the ledger balances to the minor unit, and
    that nothing is parked."""
    for parked in dead_letters.all_parked(connection):
        yield f"{parked.consumer}: {parked.key!r} is parked: {parked.error}"
    held = Counter(connection.execute(_WINDOWS).fetchall())
    windows = Counter(
        (
            document.account,
            shown.product,
            window.start,
            window.until,
            shown.renews and window is shown.windows[-1],
        )
        for document in _documents(log, access_windows.FOLD)
        for shown in document.products
        for window in shown.windows
    )
    if held != windows:
        differing = [*(held - windows), *(windows - held)]
        yield f"the entitlement cache differs from the log in {len(differing)} windows: {differing[0]}"
    booked = Counter(connection.execute(_BOOKED).fetchall())
    issued = Counter((d.account, d.number, d.total, d.status) for d in _documents(log, invoices.FOLD))
    if booked != issued:
        differing = [*(booked - issued), *(issued - booked)]
        yield f"the finance ledger differs from the log in {len(differing)} invoices: {differing[0]}"
    for problem in (*ledger_problems(connection), *ledger_problems(connection, "test")):
        yield f"the finance ledger: {problem}"
    cash: dict[str, Decimal] = dict(connection.execute(_BALANCE).fetchall())
    paid: dict[str, Decimal] = dict(connection.execute(_PAID).fetchall())
    if cash != paid:
        yield f"the ledger's cash is {cash}, and the gateway took {paid} less refunds"


def _difference(found: Sequence[Published], wanted: Sequence[Published]) -> str:
    """The difference between the two, in words."""
    times = Counter(event.position for event in found)
    known = {event.position: event for event in wanted}
    kinds = {
        "lost": [position for position in known if position not in times],
        "doubled": [position for position, count in times.items() if count > 1],
        "not of the log": [position for position in times if position not in known],
        "altered": [event.position for event in found if event != known.get(event.position, event)],
        "out of order": [
            after.position for before, after in pairwise(found) if after.position < before.position
        ],
    }
    named = [f"{len(them)} {kind} {them[:3]}" for kind, them in kinds.items() if them]
    return f"it holds {len(found)} for {len(wanted)} of the log: {', '.join(named)}"


def _documents(log: EventLog, fold: Fold[Any, Any]) -> Iterator[Any]:
    codec = domain_codec()
    for account_id in log.accounts():
        state = fold.start()
        for stored in log.read_account(account_id):
            state = fold.apply(state, codec.read(stored), stored)
        yield from fold.documents(state)


def _folded(log: EventLog, fold: Fold[Any, Any]) -> dict[str, bytes]:
    encoder, documents = msgspec.json.Encoder(order="deterministic"), {}
    for document in _documents(log, fold):
        within = fold.key(document)
        key = document.account if within is None else f"{document.account}/{within}"
        documents[key] = encoder.encode(document)
    return documents
