"""Access windows: the spans of time in which an account could or can use each product (R45).

    document = access_windows.of_account(connection, "acme/a-1")
    [(w.start, w.until) for p in document.products for w in p.windows]

Tables: `access_accounts`, one row for each account, and `access_windows`, one for each window.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec
import psycopg
from psycopg.rows import TupleRow

from domain.events import Clock
from domain.state import Window
from domain.views import AccessWindows, windows_shown
from projections.fold import ACCOUNT, AccountAt, Fold, one_for_each_account
from projections.tables import Projection, Rows, Table, utc


class AccessWindowsDocument(msgspec.Struct, frozen=True):
    """The windows of every product held now or before, ordered by product id.

    Windows are ordered, include their start and exclude their end. If `renews`, the last one's end will move;
    readers grant a grace period there while the renewal is not known yet. `clock`: where the account lives
    (R97), None in documents of fold 1.
    """

    account: str
    version: int
    revision: int
    fold: int
    time_zone: str
    products: tuple[AccessWindows, ...]
    clock: Clock | None = None


def _read(at: AccountAt | None, fold: int) -> tuple[AccessWindowsDocument, ...]:
    if at is None:
        return ()
    state = at.state
    shown = windows_shown(state, at.entitlements)
    products = tuple([shown[product] for product in sorted(shown)])
    return (
        AccessWindowsDocument(
            at.account_id, state.version, at.position, fold, state.time_zone, products, state.clock
        ),
    )


FOLD: Final = Fold("access_windows", 2, ACCOUNT, _read, one_for_each_account)

ACCOUNTS: Final = Table(
    "access_accounts",
    ("account_id", "time_zone", "clock"),
    key=("account_id",),
    rules={"": "R45", "clock": "R97"},
)
WINDOWS: Final = Table(
    "access_windows",
    ("account_id", "product", "n", "begins_at", "ends_at", "renews"),
    key=("account_id", "product", "n"),
    whole_accounts=True,
    rules={"": "R45"},
)


def _rows(document: AccessWindowsDocument) -> Rows:
    made_by = document.version, document.revision, document.fold
    account = document.account
    windows = []
    for shown in document.products:
        spans: list[tuple[int, Window | None]] = list(enumerate(shown.windows, 1)) or [(0, None)]
        for n, window in spans:
            begins, ends = (None, None) if window is None else (window.start, window.until)
            windows.append((account, shown.product, n, begins, ends, shown.renews, *made_by))
    return [(account, document.time_zone, document.clock, *made_by)], windows


PROJECTION: Final = Projection(FOLD, (ACCOUNTS, WINDOWS), _rows)

_OF_ACCOUNT: Final = """
    select a.account_id, a.version, a.revision, a.fold, a.time_zone, a.clock,
        w.product, w.renews, w.n, w.begins_at, w.ends_at
    from projections.access_accounts a left join projections.access_windows w on w.account_id = a.account_id
    where a.account_id = %(account_id)s order by w.product, w.n
"""


def of_account(connection: psycopg.Connection[TupleRow], account_id: str) -> AccessWindowsDocument | None:
    """The account's document; None if no event of it is projected yet."""
    rows = connection.execute(_OF_ACCOUNT, {"account_id": account_id}).fetchall()
    if not rows:
        return None
    products = []
    for product, windows in groupby([row[6:] for row in rows if row[6] is not None], key=itemgetter(0)):
        held = list(windows)
        spans = [Window(utc(begins), utc(ends)) for _, _, n, begins, ends in held if n > 0]
        products.append(AccessWindows(product, tuple(spans), held[0][1]))
    account, version, revision, fold, zone, clock = rows[0][:6]
    return AccessWindowsDocument(account, version, revision, fold, zone, tuple(products), clock)
