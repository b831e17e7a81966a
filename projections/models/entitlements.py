"""Entitlements: which products each account may use, and its status (R3, R38, R44, R46).

    document = entitlements.of_account(connection, "acme/a-1")
    document.status, [e.product for e in document.entitlements if e.status == "active"]

Tables: `accounts`, one row for each account, `entitlements`, one for each product held now or before, and
`discounts`, one for each discount that the account was ever granted.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec
import psycopg
from psycopg.rows import TupleRow

from domain.calendar import NEVER, CivilDate, Instant, date_of
from domain.discounts import expiry, name_of, over
from domain.events import Clock
from domain.money import zero
from domain.state import Account, AccountStatus, Discount
from domain.views import Entitlement, account_summary
from projections.fold import ACCOUNT, AccountAt, Fold, one_for_each_account
from projections.tables import Projection, Row, Rows, Table, utc


class DiscountHeld(msgspec.Struct, frozen=True, gc=False):
    """A discount of an account (R79): D1, D2 … in order of grant.

    `percent` or `fixed`: what it takes; `once`, or of lines that begin from `start` to `last_day`, both
    inclusive, None: for ever; `carried`: what is `left` is taken by the invoices that follow (R86), else
    None; `products`: what it is for, None: plans, of a carried one every line. `over`: it takes nothing any
    more, as the last event left it; after its `last_day` it takes nothing either.
    """

    discount: str
    percent: Decimal | None
    fixed: Decimal | None
    once: bool
    carried: bool
    nonprofit: bool
    code: str | None
    products: tuple[str, ...] | None
    start: CivilDate
    last_day: CivilDate | None
    left: Decimal | None
    over: bool


class EntitlementsDocument(msgspec.Struct, frozen=True):
    """An account after its event at position `revision`, which is effective `as_of`.

    `status`: how it stands with its payments; while a dispute is open, which is since `disputed_since`, it is
    `past_due` (or `closed`), as commands are refused alike, and nothing can be used (R58). `next_renewal`:
    the first end of a cycle after which an item renews. `support`: whether it has support by e-mail and chat.
    The `entitlements` are ordered by product id; `access_until` None: without end; `allowance`: a number of
    e-mails. `credit`: account credit (R63); `due`: what is to be paid of all its invoices (R51); both None in
    documents of fold 2. `discounts`: in order of grant. `clock`: where the account lives (R97), None in
    documents of fold 1.
    """

    account: str
    currency: str
    time_zone: str
    version: int
    revision: int
    fold: int
    as_of: Instant
    status: Literal["good", "past_due", "closed"]
    anchor: CivilDate | None
    next_renewal: CivilDate | None
    support: bool
    entitlements: tuple[Entitlement, ...]
    clock: Clock | None = None
    credit: Decimal | None = None
    due: Decimal | None = None
    disputed_since: Instant | None = None
    discounts: tuple[DiscountHeld, ...] = ()

    @property
    def account_status(self) -> AccountStatus:
        """As answers and pages name it: `disputed` too."""
        return "disputed" if self.disputed_since is not None and self.status != "closed" else self.status


def _read(at: AccountAt | None, fold: int) -> tuple[EntitlementsDocument, ...]:
    if at is None:
        return ()
    state, stands, shown = at.state, account_summary(at.state), at.entitlements
    nothing = zero(state.currency)
    document = EntitlementsDocument(
        account=at.account_id,
        currency=state.currency,
        time_zone=state.time_zone,
        version=state.version,
        revision=at.position,
        fold=fold,
        as_of=state.last_at,
        status="past_due" if stands.status == "disputed" else stands.status,
        anchor=stands.anchor,
        next_renewal=stands.next_renewal,
        support=stands.support,
        entitlements=tuple([shown[product] for product in sorted(shown)]),
        clock=state.clock,
        credit=state.standing.credit + nothing,
        due=sum([record.due for record in state.open_invoices], nothing),
        disputed_since=state.standing.disputed_at,
        discounts=discounts_of(state),
    )
    return (document,)


def discounts_of(state: Account) -> tuple[DiscountHeld, ...]:
    """The discounts that the account was ever granted, in order of grant."""
    return tuple([_discount(held, state) for held in state.standing.discounts])


def _discount(held: Discount, state: Account) -> DiscountHeld:
    terms, last_day = held.terms, expiry(held.terms)
    return DiscountHeld(
        discount=name_of(terms),
        percent=terms.percent,
        fixed=terms.fixed,
        once=terms.once,
        carried=terms.carried,
        nonprofit=terms.nonprofit,
        code=terms.code,
        products=terms.products,
        start=terms.start,
        last_day=None if last_day == NEVER else last_day,
        left=held.left,
        over=over(held, date_of(state.last_at, state.time_zone)),
    )


FOLD: Final = Fold("entitlements", 3, ACCOUNT, _read, one_for_each_account)

ACCOUNTS: Final = Table(
    "accounts",
    (
        "account_id",
        "currency",
        "time_zone",
        "status",
        "anchor",
        "next_renewal",
        "support",
        "as_of",
        "clock",
        "credit",
        "due",
        "disputed_since",
    ),
    key=("account_id",),
    rules={
        "": "R44",
        "anchor": "R3",
        "next_renewal": "R1",
        "status": "R38",
        "support": "R46",
        "clock": "R97",
        "credit": "R63",
        "due": "R51",
        "disputed_since": "R58",
    },
)
ENTITLEMENTS: Final = Table(
    "entitlements",
    ("account_id", "product", "status", "renews", "access_until", "allowance"),
    key=("account_id", "product"),
    whole_accounts=True,
    rules={"": "R44"},
)
_OF_DISCOUNTS: Final = (
    "discount",
    "percent",
    "fixed",
    "once",
    "carried",
    "nonprofit",
    "code",
    "products",
    "start",
    "last_day",
    "left",
    "over",
)
DISCOUNTS: Final = Table(
    "discounts",
    ("account_id", "nth", *_OF_DISCOUNTS),
    key=("account_id", "nth"),
    rules={"": "R79", "left": "R86", "over": "R81", "last_day": "R81", "nonprofit": "R85"},
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
        d.credit,
        d.due,
        d.disputed_since,
    )
    products = [
        (d.account, e.product, e.status, e.renews, e.access_until, e.allowance, *made_by)
        for e in d.entitlements
    ]
    discounts = [
        (d.account, nth, *_discount_columns(held), *made_by) for nth, held in enumerate(d.discounts, 1)
    ]
    return [(*account, *made_by)], products, discounts


def _discount_columns(held: DiscountHeld) -> Row:
    products = None if held.products is None else ",".join(held.products)
    return tuple([products if n == "products" else getattr(held, n) for n in _OF_DISCOUNTS])


PROJECTION: Final = Projection(FOLD, (ACCOUNTS, ENTITLEMENTS, DISCOUNTS), _rows)

# A single statement, so that the account, its products and its discounts have the same revision.
_OF_ACCOUNT: Final = """
    select a.account_id, a.currency, a.time_zone, a.version, a.revision, a.fold, a.as_of, a.status, a.anchor,
        a.next_renewal, a.support, a.clock, a.credit, a.due, a.disputed_since,
        (
            select json_agg(
                json_build_array(
                    d.discount, d.percent::text, d.fixed::text, d.once, d.carried, d.nonprofit, d.code,
                    string_to_array(d.products, ','), d.start, d.last_day, d."left"::text, d.over
                ) order by d.nth
            )
            from projections.discounts d where d.account_id = a.account_id
        ), e.product, e.status, e.renews, e.access_until, e.allowance
    from projections.accounts a left join projections.entitlements e on e.account_id = a.account_id
    where a.account_id = %(account_id)s order by e.product
"""


def of_account(connection: psycopg.Connection[TupleRow], account_id: str) -> EntitlementsDocument | None:
    """The account's document; None if no event of it is projected yet."""
    rows = connection.execute(_OF_ACCOUNT, {"account_id": account_id}).fetchall()
    if not rows:
        return None
    account, currency, zone, version, revision, fold, as_of, status, anchor, renewal, support = rows[0][:11]
    clock, credit, due, disputed_since, discounts = rows[0][11:16]
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
        credit=credit,
        due=due,
        disputed_since=utc(disputed_since),
        discounts=tuple(
            [
                msgspec.convert(dict(zip(_OF_DISCOUNTS, one, strict=True)), DiscountHeld, strict=False)
                for one in discounts or ()
            ]
        ),
    )


class ListedAccount(msgspec.Struct, frozen=True):
    """An account in the list of a tenant's. `status`: as answers and pages name it."""

    account_id: str
    status: AccountStatus
    clock: Clock | None
    currency: str
    time_zone: str
    version: int
    next_renewal: CivilDate | None


_LISTED: Final = """
    select account_id, shown, clock, currency, time_zone, version, next_renewal
    from (
        select *, case when disputed_since is not null and status <> 'closed' then 'disputed' else status end
            as shown
        from projections.accounts
    ) accounts
"""

_NAMED: Final = f"{_LISTED} where account_id = any(%(account_ids)s)"

# The accounts of a tenant are a range of the primary key: `/` is followed by `0`.
_OF_TENANT: Final = f"""
    {_LISTED}
    where account_id collate "C" > %(after)s and account_id collate "C" < %(end)s and shown = %(status)s
    order by account_id collate "C" limit %(limit)s
"""


def of_tenant(
    connection: psycopg.Connection[TupleRow], tenant: str, after: str, status: str, limit: int
) -> list[ListedAccount]:
    """Up to `limit` accounts of the tenant with that status whose id, without it, is above `after`, in order
    of their ids."""
    bound = {"after": f"{tenant}/{after}", "end": f"{tenant}0", "status": status, "limit": limit}
    return [ListedAccount(*row) for row in connection.execute(_OF_TENANT, bound).fetchall()]


def listed(connection: psycopg.Connection[TupleRow], account_ids: Sequence[str]) -> dict[str, ListedAccount]:
    """Those of the accounts of which something is projected, by id."""
    rows = connection.execute(_NAMED, {"account_ids": list(account_ids)}).fetchall()
    return {row[0]: ListedAccount(*row) for row in rows}
