"""What finance looks at: the books by month, receivables by age, what is earned of what was invoiced, what
recurs each month and how it moved. Of a currency at a time; every figure leads to the accounts behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import msgspec

from consumers.finance_ledger.monthly import BookedMonth, EarnedOfMonth, earned, months
from domain.calendar import boundary
from domain.events import Clock
from domain.money import zero
from eventlog.postgres.connect import connect
from projections.recurring import Receivable, Recurring, receivables, recurring
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.problems import refuse

MONTHS: Final = 12
MOST: Final = 5_000
"""Open invoices that are looked at."""

AGES: Final = ((0, 30), (31, 60), (61, 90), (91, 100_000))
"""Days since an invoice's date, both inclusive."""

Movement: TypeAlias = Literal["new", "more", "less", "gone"]
MOVEMENTS: Final[tuple[Movement, ...]] = ("new", "more", "less", "gone")


class Books(msgspec.Struct, frozen=True):
    """What was booked, by month; and what of each month's invoices is earned."""

    months: tuple[BookedMonth, ...]
    earned: tuple[EarnedOfMonth, ...]


class AgeBand(msgspec.Struct, frozen=True):
    """The open invoices of that age in days; `most` None: and older."""

    least: int
    most: int | None
    due: Decimal
    invoices: tuple[Receivable, ...]


class Moved(msgspec.Struct, frozen=True):
    """How an account's monthly sum moved in a month: `by` so much."""

    month: date
    account: str
    movement: Movement
    before: Decimal
    after: Decimal

    @property
    def by(self) -> Decimal:
        """More, or, negative, less."""
        return self.after - self.before


class RecurringMonth(msgspec.Struct, frozen=True):
    """What recurs at the end of a month: in all, by product, and by movement against the month before."""

    month: date
    total: Decimal
    by_product: dict[str, Decimal]
    movements: dict[Movement, Decimal]
    accounts: int


class RecurringShown(msgspec.Struct, frozen=True):
    """The months, the products that recur in any, and each account's movements of the month asked for."""

    months: tuple[RecurringMonth, ...]
    products: tuple[str, ...]
    moved: tuple[Moved, ...]


def clock_of(call: Call) -> Clock:
    """Whose money: of the wall clock, or of test clocks if these are asked for (R97)."""
    given = call.query.get("clock", "wall")
    if given not in ("wall", "test"):
        raise refuse("invalid_parameter", "`clock` is wall or test", place="clock")
    return "test" if given == "test" else "wall"


async def booked(desk: Desk, call: Call) -> Books:
    """The books of the tenant's accounts."""
    return await desk.run(partial(_booked, desk, f"{call.tenant}/", clock_of(call)))


def _booked(desk: Desk, begins: str, clock: Clock) -> Books:
    with closing(connect(desk.settings.database_url, "prorata console", reads_only=True)) as connection:
        return Books(
            tuple(months(connection, begins, clock=clock)), tuple(earned(connection, begins, clock=clock))
        )


async def by_age(desk: Desk, call: Call) -> dict[str, tuple[AgeBand, ...]]:
    """The tenant's open invoices by currency and age."""
    begins, clock, today = f"{call.tenant}/", clock_of(call), (await desk.now()).date()
    found = await desk.read(lambda connection: receivables(connection, begins, clock=clock, limit=MOST))
    by_currency: dict[str, list[Receivable]] = defaultdict(list)
    for one in found:
        by_currency[one.currency].append(_of_tenant(one, begins))
    return {currency: _bands(of, currency, today) for currency, of in sorted(by_currency.items())}


def _of_tenant(one: Receivable, begins: str) -> Receivable:
    return msgspec.structs.replace(one, account_id=one.account_id.removeprefix(begins))


def _bands(invoices: Iterable[Receivable], currency: str, today: date) -> tuple[AgeBand, ...]:
    aged = [(max(0, (today - one.date).days), one) for one in invoices]
    bands = []
    for least, most in AGES:
        within = tuple([one for age, one in aged if least <= age <= most])
        due = sum([one.due for one in within], zero(currency))
        bands.append(AgeBand(least, most if most < AGES[-1][1] else None, due, within))
    return tuple(bands)


async def recurs(desk: Desk, call: Call, month: date | None) -> dict[str, RecurringShown]:
    """What recurs each month of the tenant's accounts, by currency; and the movements of that month."""
    begins, clock, today = f"{call.tenant}/", clock_of(call), (await desk.now()).date()
    found = await desk.read(
        lambda connection: recurring(connection, begins, clock=clock, until=today, months=MONTHS + 1)
    )
    by_currency: dict[str, list[Recurring]] = defaultdict(list)
    for one in found:
        by_currency[one.currency].append(one)
    firsts = [boundary(today.replace(day=1), nth) for nth in range(-MONTHS, 1)]
    return {
        currency: _recurring(of, firsts, currency, begins, month)
        for currency, of in sorted(by_currency.items())
    }


def _recurring(
    found: list[Recurring], firsts: list[date], currency: str, begins: str, asked: date | None
) -> RecurringShown:
    nothing = zero(currency)
    of_accounts: dict[date, dict[str, Decimal]] = {first: {} for first in firsts}
    of_products: dict[date, dict[str, Decimal]] = {first: {} for first in firsts}
    for one in found:
        for sums, key in ((of_accounts, one.account_id), (of_products, one.product)):
            sums[one.month][key] = sums[one.month].get(key, nothing) + one.amount
    shown, moved = [], list[Moved]()
    for before, month in pairwise(firsts):
        moves = list(_moves(month, of_accounts[before], of_accounts[month], nothing))
        moved += [_named(move, begins) for move in moves if month == asked]
        by_movement = {
            kind: sum([move.by for move in moves if move.movement == kind], nothing) for kind in MOVEMENTS
        }
        accounts = of_accounts[month]
        total = sum(accounts.values(), nothing)
        shown.append(RecurringMonth(month, total, of_products[month], by_movement, len(accounts)))
    products = sorted({product for of in of_products.values() for product in of})
    return RecurringShown(tuple(shown), tuple(products), tuple(moved))


def _named(move: Moved, begins: str) -> Moved:
    return msgspec.structs.replace(move, account=move.account.removeprefix(begins))


def _moves(
    month: date, before: dict[str, Decimal], after: dict[str, Decimal], nothing: Decimal
) -> Iterable[Moved]:
    for account in sorted({**before, **after}):
        was, becomes = before.get(account, nothing), after.get(account, nothing)
        if was != becomes:
            movement: Movement = (
                "new" if not was else "gone" if not becomes else "more" if becomes > was else "less"
            )
            yield Moved(month, account, movement, was, becomes)
