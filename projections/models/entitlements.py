"""Entitlements: which products each account may use, and its status (R3, R38, R44, R46).

    document = entitlements.of_account(connection, "acme/a-1")
    document.status, [e.product for e in document.entitlements if e.status == "active"]

Tables: `accounts`, one row for each account, and `entitlements`, one for each product held now or before.
"""

from __future__ import annotations

from typing import Final

import msgspec
import psycopg
from psycopg.rows import TupleRow

from domain.calendar import CivilDate, Instant
from domain.events import Clock
from domain.state import AccountStatus
from domain.views import Entitlement, account_summary
from domain.views import entitlements as entitlements_of
from projections.fold import ACCOUNT, AccountAt, Fold, one_for_each_account
from projections.tables import Projection, Rows, Table, utc


class EntitlementsDocument(msgspec.Struct, frozen=True):
    """An account after its event at position `revision`, which is effective `as_of`.

    `next_renewal`: the first end of a cycle after which an item renews. `support`: whether it has support by
    e-mail and chat. The `entitlements` are ordered by product id; `access_until` None: without end;
    `allowance`: a number of e-mails. `clock`: where the account lives (R97), None in documents of fold 1.
    """

    account: str
    currency: str
    time_zone: str
    version: int
    revision: int
    fold: int
    as_of: Instant
    status: AccountStatus
    anchor: CivilDate | None
    next_renewal: CivilDate | None
    support: bool
    entitlements: tuple[Entitlement, ...]
    clock: Clock | None = None


def _read(at: AccountAt | None, fold: int) -> tuple[EntitlementsDocument, ...]:
    if at is None:
        return ()
    state, stands, shown = at.state, account_summary(at.state), entitlements_of(at.state)
    document = EntitlementsDocument(
        account=at.account_id,
        currency=state.currency,
        time_zone=state.time_zone,
        version=state.version,
        revision=at.position,
        fold=fold,
        as_of=state.last_at,
        status=stands.status,
        anchor=stands.anchor,
        next_renewal=stands.next_renewal,
        support=stands.support,
        entitlements=tuple([shown[product] for product in sorted(shown)]),
        clock=state.clock,
    )
    return (document,)


FOLD: Final = Fold("entitlements", 2, ACCOUNT, _read, one_for_each_account)

ACCOUNTS: Final = Table(
    "accounts",
    ("account_id", "currency", "time_zone", "status", "anchor", "next_renewal", "support", "as_of", "clock"),
    key=("account_id",),
    rules={
        "": "R44",
        "anchor": "R3",
        "next_renewal": "R1",
        "status": "R38",
        "support": "R46",
        "clock": "R97",
    },
)
ENTITLEMENTS: Final = Table(
    "entitlements",
    ("account_id", "product", "status", "renews", "access_until", "allowance"),
    key=("account_id", "product"),
    whole_accounts=True,
    rules={"": "R44"},
)


def _rows(document: EntitlementsDocument) -> Rows:
    d = document
    made_by = d.version, d.revision, d.fold
    account = (
        d.account,
        d.currency,
        d.time_zone,
        d.status,
        d.anchor,
        d.next_renewal,
        d.support,
        d.as_of,
        d.clock,
    )
    products = [
        (d.account, e.product, e.status, e.renews, e.access_until, e.allowance, *made_by)
        for e in d.entitlements
    ]
    return [(*account, *made_by)], products


PROJECTION: Final = Projection(FOLD, (ACCOUNTS, ENTITLEMENTS), _rows)

# A single statement, so that the account and its products have the same revision.
_OF_ACCOUNT: Final = """
    select a.account_id, a.currency, a.time_zone, a.version, a.revision, a.fold, a.as_of, a.status, a.anchor,
        a.next_renewal, a.support, a.clock, e.product, e.status, e.renews, e.access_until, e.allowance
    from projections.accounts a left join projections.entitlements e on e.account_id = a.account_id
    where a.account_id = %(account_id)s order by e.product
"""


def of_account(connection: psycopg.Connection[TupleRow], account_id: str) -> EntitlementsDocument | None:
    """The account's document; None if no event of it is projected yet."""
    rows = connection.execute(_OF_ACCOUNT, {"account_id": account_id}).fetchall()
    if not rows:
        return None
    account, currency, zone, version, revision, fold, as_of, status, anchor, renewal, support, clock = rows[
        0
    ][:12]
    held = [
        Entitlement(product, status, renews, utc(until), allowance)
        for *_, product, status, renews, until, allowance in rows
        if product is not None
    ]
    return EntitlementsDocument(
        account=account,
        currency=currency,
        time_zone=zone,
        version=version,
        revision=revision,
        fold=fold,
        as_of=utc(as_of),
        status=status,
        anchor=anchor,
        next_renewal=renewal,
        support=support,
        entitlements=tuple(held),
        clock=clock,
    )
