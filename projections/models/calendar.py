"""The calendar: when each account has something due. The billing run finds accounts here, and decides from
the log.

    page = calendar.due(connection, "wall", now, limit=500)
    while page:
        ...
        page = calendar.due(connection, "wall", now, limit=500, after=page[-1])

Table: `calendar`, one row for each account.
"""

from __future__ import annotations

from typing import Final

import msgspec
import psycopg
from psycopg.rows import TupleRow

from domain.calendar import Instant
from domain.events import Clock
from domain.settle import next_due
from domain.state import Account
from projections.fold import ACCOUNT, AccountAt, Fold, one_for_each_account
from projections.tables import Projection, Rows, Table, utc


class Due(msgspec.Struct, frozen=True):
    """When the account is due next: at `due_at` on its clock; None: never, unless an event changes that.

    With a `pending_payment`, a refund without an answer too (R62), it is due at once: `due_at` is then the
    instant of the payment intent, of a refund that of the account's last event; the answer is awaited since
    about `recorded_at`, when that event was recorded. A payment that waits for the customer is due when its
    time is over (R96).
    """

    account: str
    clock: Clock
    due_at: Instant | None
    pending_payment: bool
    recorded_at: Instant
    version: int
    revision: int
    fold: int


def _read(at: AccountAt | None, fold: int) -> tuple[Due, ...]:
    if at is None:
        return ()
    state = at.state
    due_at, pending = _due_at(state)
    return (
        Due(at.account_id, state.clock, due_at, pending, at.recorded_at, state.version, at.position, fold),
    )


def _due_at(state: Account) -> tuple[Instant | None, bool]:
    """When something is due next, and whether an answer of the payment provider is awaited."""
    payment = state.payment
    if payment is not None and payment.waits_until is None:
        return payment.at, True
    if state.standing.refunds:
        return state.last_at, True
    if payment is not None:
        return payment.waits_until, False
    due = next_due(state)
    return None if due is None else due[1], False


FOLD: Final = Fold("calendar", 1, ACCOUNT, _read, one_for_each_account)

CALENDAR: Final = Table(
    "calendar",
    ("account_id", "clock", "due_at", "pending_payment", "recorded_at"),
    key=("account_id",),
    rules={"": "R25", "pending_payment": "R16"},
)


def _rows(due: Due) -> Rows:
    return ([msgspec.structs.astuple(due)],)


PROJECTION: Final = Projection(FOLD, (CALENDAR,), _rows)

_COLUMNS: Final = "account_id, clock, due_at, pending_payment, recorded_at, version, revision, fold"

# Each branch reads its partial index (calendar_pending, calendar_due) in order, and at most a page of it.
DUE: Final = f"""
    (
        select {_COLUMNS} from projections.calendar
        where clock = %(clock)s and pending_payment and %(pending)s
            and (due_at, account_id) > (%(pending_after)s, %(account_id)s)
        order by due_at, account_id limit %(limit)s
    ) union all (
        select {_COLUMNS} from projections.calendar
        where clock = %(clock)s and not pending_payment and due_at <= %(until)s
            and (due_at, account_id) > (%(due_after)s, %(due_account_id)s)
        order by due_at, account_id limit %(limit)s
    )
    order by pending_payment desc, due_at, account_id limit %(limit)s
"""  # noqa: S608 - only a constant is joined in

_OF_ACCOUNT: Final = f"""
    select {_COLUMNS} from projections.calendar where account_id = %(account_id)s
"""  # noqa: S608

_BEGINNING: Final = "-infinity"


def due(
    connection: psycopg.Connection[TupleRow],
    clock: Clock,
    until: Instant,
    limit: int,
    after: Due | None = None,
) -> list[Due]:
    """Up to `limit` accounts of the clock that have a pending payment or are due by `until` (inclusive).

    Pending payments come first, then the longest due. `after` is the last entry of the previous page.
    """
    return [_due(row) for row in connection.execute(DUE, page_of(clock, until, limit, after))]


def page_of(clock: Clock, until: Instant, limit: int, after: Due | None) -> dict[str, object]:
    """The parameters of DUE for the page after the entry `after`."""
    pending = after is None or after.pending_payment
    place = (_BEGINNING, "") if after is None else (after.due_at, after.account)
    pending_after, account_id = place if pending else (_BEGINNING, "")
    due_after, due_account_id = (_BEGINNING, "") if pending else place
    return {
        "clock": clock,
        "until": until,
        "limit": limit,
        "pending": pending,
        "pending_after": pending_after,
        "account_id": account_id,
        "due_after": due_after,
        "due_account_id": due_account_id,
    }


def of_account(connection: psycopg.Connection[TupleRow], account_id: str) -> Due | None:
    """The account's row; None if no event of it is projected yet."""
    row = connection.execute(_OF_ACCOUNT, {"account_id": account_id}).fetchone()
    return None if row is None else _due(row)


def _due(row: TupleRow) -> Due:
    account_id, clock, due_at, pending, recorded_at, *made_by = row
    return Due(account_id, clock, utc(due_at), pending, utc(recorded_at), *made_by)
