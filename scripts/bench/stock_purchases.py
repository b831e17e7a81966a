"""The peer that sells: an `eventsourcing` Application as its documentation writes one, with two saves for a
purchase, the intent before the charge and what came of it after.

with stock.opened(Selling, url, callers, "uuid") as application:
    application.purchase(account, "surveys", Decimal("10.00"), charge)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Final
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from scripts.bench import stock
from scripts.bench.measured import p50_and_p99

NAME: Final = f"an Application of {stock.NAME} with two saves"
PRODUCTS: Final = ("standard", "custom_domain", "surveys", "inbox_preview")


class Account(Aggregate):
    """What the account holds, and a payment without an answer."""

    def __init__(self, currency: str, time_zone: str) -> None:
        self.currency = currency
        self.time_zone = time_zone
        self.held: dict[str, Decimal] = {}
        self.pending: str | None = None

    @event("PaymentStarted")
    def start_payment(self, product: str, amount: Decimal) -> None:
        """The intent."""
        self.pending = product
        self.amount = amount

    @event("Purchased")
    def conclude(self, product: str) -> None:
        """It is paid."""
        self.pending = None
        self.held[product] = self.amount


class Selling(Application[UUID]):
    """Sells to accounts; each purchase loads its account, as the package's documentation does."""

    name = "selling"

    def open(self) -> UUID:
        """A new account."""
        account = Account(currency="EUR", time_zone="Europe/Paris")
        self.save(account)
        return account.id

    def purchase(
        self, account_id: UUID, product: str, amount: Decimal, charge: Callable[[UUID, Decimal], bool]
    ) -> None:
        """Buy it."""
        account: Account = self.repository.get(account_id)
        account.start_payment(product, amount)
        self.save(account)
        assert charge(account_id, amount)
        account.conclude(product)
        self.save(account)


def run(application: Selling, callers: int, seconds: float) -> tuple[float, float, float]:
    """A round: purchases a second, p50 and p99 in ms."""
    charged: dict[UUID, Decimal] = {}

    def charge(account_id: UUID, amount: Decimal) -> bool:
        charged[account_id] = charged.get(account_id, Decimal()) + amount
        return True

    def call(until: float) -> list[float]:
        waits: list[float] = []
        while time.perf_counter() < until:
            account_id = application.open()
            for product in PRODUCTS:
                began = time.perf_counter()
                application.purchase(account_id, product, Decimal("10.00"), charge)
                waits.append((time.perf_counter() - began) * 1000)
        return waits

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call, [time.perf_counter() + 0.3] * callers))
        waits = [wait for each in pool.map(call, [time.perf_counter() + seconds] * callers) for wait in each]
    p50, p99 = p50_and_p99(waits)
    opened = len(waits) / len(PRODUCTS)  # a save each, which is no purchase: its time is taken off
    share = 2 * len(waits) / (2 * len(waits) + opened)
    return len(waits) / (seconds * share), p50, p99
