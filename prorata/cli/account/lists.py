"""`prorata accounts` and `prorata invoices`: what the read models hold, listed and searched by pages."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import msgspec
from cyclopts import Parameter, validators

from prorata.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = Annotated[bool, Parameter(negative="", help="One JSON object a line.")]
Limit = Annotated[int, Parameter(help="At most so many.", validator=validators.Number(gte=1, lte=10_000))]


class ListedAccount(msgspec.Struct, frozen=True):
    """An account as it stood after its last event that is projected."""

    account: str
    clock: str | None
    status: str
    next_renewal: date | None
    currency: str
    due: Decimal | None
    credit: Decimal | None
    products: list[str]
    as_of: datetime


class ListedInvoice(msgspec.Struct, frozen=True):
    """An invoice without its lines."""

    account: str
    number: int
    date: date
    status: str
    currency: str
    total: Decimal
    due: Decimal | None
    clock: str | None


# A page walks the primary key from `after` on; a search looks at each account until the page is full.
_ACCOUNTS: Final = """
    select account_id, clock, status, next_renewal, currency, due, credit, array(
        select product from projections.entitlements held
        where held.account_id = a.account_id and held.status <> 'ended' order by product
    ), as_of
    from projections.accounts a
    where account_id > %(after)s and starts_with(account_id, %(tenant)s || '/')
        and strpos(lower(account_id), lower(%(search)s)) > 0
        and (%(status)s::text is null or status = %(status)s)
        and (%(clock)s::text is null or clock = %(clock)s)
        and (%(product)s::text is null or exists (
            select from projections.entitlements held where held.account_id = a.account_id
                and held.product = %(product)s and held.status <> 'ended'))
    order by account_id limit %(limit)s
"""

_INVOICES: Final = """
    select account_id, number, date, status, currency, total, due, clock
    from projections.invoices
    where starts_with(account_id, %(tenant)s || '/') and strpos(lower(account_id), lower(%(search)s)) > 0
        and (%(status)s::text is null or status = %(status)s)
        and (%(since)s::date is null or date >= %(since)s) and (%(until)s::date is null or date < %(until)s)
    order by date desc, account_id, number desc limit %(limit)s
"""

T = TypeVar("T", bound=msgspec.Struct)


def accounts(
    search: Annotated[str, Parameter(help="A part of the account's id; default: all.")] = "",
    *,
    status: Annotated[
        Literal["good", "past_due", "closed"] | None, Parameter(help="Only those that stand so.")
    ] = None,
    clock: Annotated[Literal["wall", "test"] | None, Parameter(help="Only those on this clock.")] = None,
    product: Annotated[str | None, Parameter(help="Only those that hold this product.")] = None,
    after: Annotated[str, Parameter(help="Go on behind this account, the last of the page before.")] = "",
    limit: Limit = 50,
    tenant: Annotated[str, Parameter(help="Whose accounts.")] = "main",
    json: Json = False,
) -> int:
    """List accounts, or those whose id holds a text, as the read models have them."""
    from prorata.cli.terminal.tables import console, table

    asked = {"search": search, "status": status, "clock": clock, "product": product, "limit": limit}
    found = _found(ListedAccount, _ACCOUNTS, asked | {"tenant": tenant, "after": f"{tenant}/{after}"})
    if json:
        return _print_json(found)
    shown = table("account", "clock", "status", "next renewal", ">due", "holds")
    for one in found:
        renews = "" if one.next_renewal is None else str(one.next_renewal)
        due = "" if not one.due else f"{one.due} {one.currency}"
        name = one.account.removeprefix(f"{tenant}/")
        shown.add_row(name, one.clock or "", one.status, renews, due, ", ".join(one.products))
    out = console()
    out.print(shown if found else "no such account is in the read models")
    if len(found) == limit:
        out.print(f"there may be more: --after {found[-1].account.removeprefix(f'{tenant}/')}")
    return 0


def invoices(
    search: Annotated[str, Parameter(help="A part of the account's id; default: all.")] = "",
    *,
    status: Annotated[
        Literal["open", "paid", "uncollectible"] | None, Parameter(help="Only those that are so.")
    ] = None,
    since: Annotated[date | None, Parameter(name="--from", help="Of this date and later.")] = None,
    until: Annotated[date | None, Parameter(name="--to", help="Of dates before this one.")] = None,
    limit: Limit = 50,
    tenant: Annotated[str, Parameter(help="Whose invoices.")] = "main",
    json: Json = False,
) -> int:
    """List invoices, the newest first, or those of accounts whose id holds a text; `explain` tells each."""
    from prorata.cli.terminal.tables import console, table

    asked = {"search": search, "status": status, "since": since, "until": until, "limit": limit}
    found = _found(ListedInvoice, _INVOICES, asked | {"tenant": tenant})
    if json:
        return _print_json(found)
    shown = table("date", "account", ">invoice", "status", ">total", ">due")
    for one in found:
        due = "" if not one.due else str(one.due)
        name = one.account.removeprefix(f"{tenant}/")
        shown.add_row(str(one.date), name, str(one.number), one.status, f"{one.total} {one.currency}", due)
    out = console()
    out.print(shown if found else "no such invoice is in the read models")
    if len(found) == limit:
        out.print(f"there may be more: --limit, --to {found[-1].date}")
    return 0


def _found(kind: type[T], query: str, asked: Mapping[str, Any]) -> list[T]:
    from eventlog.postgres.connect import connect

    with connect(Settings.of().database_url, "prorata lists", reads_only=True) as connection:
        return [kind(*row) for row in connection.execute(query, asked).fetchall()]


def _print_json(found: list[T]) -> int:
    for one in found:
        print(msgspec.json.encode(one).decode())
    return 0
