"""What a run would bill now, and how that differs from the same days of the month before: nothing is changed.

    foreseen = foresee(finder, states, catalogues, "wall", until)
    foreseen.lines      # by currency and product: accounts and amounts, and those of last month

Every charge is taken as paid. The month before is read from the read model of invoices: the same dates, a
month earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues
from domain.events import Clock
from domain.money import zero
from domain.process import Rehearsal, settle_due
from domain.state import Account
from domain.tax import TaxUnavailable
from eventlog.postgres.connections import Connections
from service.billing.claims import PARTS
from service.billing.finding import Finder
from service.billing.kept import InvoicesUnread
from service.billing.report import Failed
from service.billing.states import BilledAccount, States


class ByProduct(msgspec.Struct, frozen=True):
    """Lines of a product on invoices: how many, and their amounts before tax."""

    lines: int
    amount: Decimal


class ForeseenProduct(msgspec.Struct, frozen=True):
    """A product's lines on the invoices that would be issued, and on those of the same days a month
    before."""

    currency: str
    product: str
    now: ByProduct
    before: ByProduct

    @property
    def difference(self) -> Decimal:
        """By how much more is billed than a month before."""
        return self.now.amount - self.before.amount


class Foreseen(msgspec.Struct, frozen=True):
    """What would be billed. `accounts`: of which something is due; `invoices`: how many would be issued;
    `charged`: by currency, what would be charged; `waiting`: accounts whose payment or refund has no answer,
    which comes first. `first`, `last`: the dates of the invoices."""

    accounts: int
    invoices: int
    charged: dict[str, Decimal]
    products: tuple[ForeseenProduct, ...]
    waiting: int
    untaxed: tuple[str, ...]
    failed: tuple[Failed, ...]
    first: CivilDate | None
    last: CivilDate | None


class Before(Protocol):
    """What was billed on the dates a month before those from `first` to `last`, by currency and product."""

    def __call__(
        self, clock: Clock, first: CivilDate, last: CivilDate
    ) -> dict[tuple[str, str], ByProduct]: ...


_BEFORE: Final = """
    select i.currency, l.product, count(*), sum(coalesce(l.net, l.amount))
    from projections.invoices i join projections.invoice_lines l using (account_id, number)
    where i.clock = %(clock)s
        and i.date between (%(first)s::date - interval '1 month') and (%(last)s::date - interval '1 month')
    group by 1, 2
"""


class InvoicedBefore:
    """What the read model of invoices says."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def __call__(self, clock: Clock, first: CivilDate, last: CivilDate) -> dict[tuple[str, str], ByProduct]:
        values = {"clock": clock, "first": first, "last": last}
        rows = self._connections.run(lambda connection: connection.execute(_BEFORE, values).fetchall())
        return {(currency, product): ByProduct(lines, amount) for currency, product, lines, amount in rows}


class Foreseeing:
    """Adds up what accounts would be billed."""

    def __init__(self, lives_on: Clock, until: Instant, catalogues: Callable[[Account], Catalogues]) -> None:
        self._lives_on = lives_on
        self._until = until
        self._catalogues = catalogues
        self._accounts = self._invoices = self._waiting = 0
        self._charged: dict[str, Decimal] = {}
        self._products: dict[tuple[str, str], ByProduct] = {}
        self._dates: set[CivilDate] = set()
        self._untaxed: list[str] = []
        self._failed: list[Failed] = []

    def foresee(self, finder: Finder, states: States, before: Before) -> Foreseen:
        """Look at all that is due."""
        finder.expected(self._lives_on, self._until)
        seen: set[str] = set()
        for part in range(PARTS):
            for page in finder.due(self._lives_on, self._until, part):
                new = [account_id for account_id in page if account_id not in seen]
                seen.update(new)
                self._look_at(states, new)
            seen.clear()
        return self._foreseen(before)

    def _look_at(self, states: States, account_ids: Sequence[str], *, whole: bool = False) -> None:
        again = []
        for account_id, loaded in zip(account_ids, states.load(account_ids, whole=whole), strict=True):
            try:
                if loaded is None or isinstance(loaded, Exception):
                    raise loaded or LookupError("its history is too long to be foreseen")
                self._rehearse(loaded)
            except InvoicesUnread:
                again.append(account_id)
            except TaxUnavailable:
                self._untaxed.append(account_id)
            except Exception as error:  # noqa: BLE001 - it concerns this account alone
                self._failed.append(Failed(account_id, f"{type(error).__name__}: {error}"))
        if again:
            self._look_at(states, again, whole=True)

    def _rehearse(self, loaded: BilledAccount) -> None:
        state = loaded.state
        if state.clock != self._lives_on:
            return
        if state.payment is not None or state.standing.refunds:
            self._waiting += 1
            return
        rehearsal = Rehearsal(state)
        rehearsal.run(settle_due(state, self._until, self._catalogues(state)))
        if rehearsal.events:
            self._accounts += 1
        for event in rehearsal.events:
            if isinstance(event, e.CyclesRenewed):
                self._add(event.invoice)

    def _add(self, invoice: e.Invoice) -> None:
        self._invoices += 1
        self._dates.add(invoice.date)
        currency = invoice.currency
        self._charged[currency] = self._charged.get(currency, zero(currency)) + invoice.charge
        for line in invoice.lines:
            found = self._products.get((currency, line.product), ByProduct(0, zero(currency)))
            self._products[currency, line.product] = ByProduct(found.lines + 1, found.amount + line.net)

    def _foreseen(self, before: Before) -> Foreseen:
        first, last = min(self._dates, default=None), max(self._dates, default=None)
        earlier: dict[tuple[str, str], ByProduct] = {}
        if first is not None and last is not None:
            earlier = before(self._lives_on, first, last)
        products = [
            ForeseenProduct(
                currency,
                product,
                self._products.get((currency, product), ByProduct(0, zero(currency))),
                earlier.get((currency, product), ByProduct(0, zero(currency))),
            )
            for currency, product in sorted(self._products.keys() | earlier.keys())
        ]
        return Foreseen(
            self._accounts,
            self._invoices,
            self._charged,
            tuple(products),
            self._waiting,
            tuple(self._untaxed),
            tuple(self._failed),
            first,
            last,
        )
