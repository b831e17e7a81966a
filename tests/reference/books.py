"""What is written down about an account: plain dictionaries that change in place."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.reference.amounts import minor
from tests.reference.dates import beginning, date_at

Item = dict[str, Any]
Line = dict[str, Any]


class Books:
    """One account. `item` below is a plan, an add-on or a credit pack as a dictionary."""

    def __init__(self, currency: str, zone: str, catalogue: dict[str, Any], opened: int) -> None:
        self.currency, self.zone, self.catalogue = currency, zone, catalogue
        self.today = date_at(opened, zone)
        self.anchor: date | None = None
        self.plans: dict[str, Item] = {}
        self.addons: list[Item] = []
        self.packs: list[Item] = []
        self.invoices: list[dict[str, Any]] = []
        self.owed: dict[str, Any] | None = None
        self.works = True
        self.closed = False
        self.declines: list[int] = []
        self.free_moves = 0
        self.pauses: dict[str, list[date]] = {}
        self.usage: dict[str, list[tuple[int, bool]]] = {}
        self.left: dict[str, int] = {}
        self.answers: dict[str, tuple[Any, dict[str, Any]]] = {}
        self.prices: dict[tuple[str, str | None], int] = {}
        self._read_prices()
        shelves = catalogue["plans"] + catalogue["add_ons"] + catalogue["credits"]
        self.places = {entry["id"]: place for place, entry in enumerate(shelves)}

    def _read_prices(self) -> None:
        for plan in self.catalogue["plans"]:
            for tier in plan["tiers"]:
                self._read_price(plan["id"], tier["id"], tier["prices"])
        for product in self.catalogue["add_ons"] + self.catalogue["credits"]:
            self._read_price(product["id"], None, product.get("prices", {}))

    def _read_price(self, product: str, tier: str | None, prices: dict[str, str]) -> None:
        if self.currency in prices:
            self.prices[product, tier] = minor(prices[self.currency], self.currency)

    # ---- the catalogue

    def plan(self, product: str) -> dict[str, Any] | None:
        """The plan in the catalogue."""
        return _named(self.catalogue["plans"], product)

    def addon(self, product: str) -> dict[str, Any] | None:
        """The add-on in the catalogue."""
        return _named(self.catalogue["add_ons"], product)

    def pack(self, product: str) -> dict[str, Any] | None:
        """The credit pack in the catalogue."""
        return _named(self.catalogue["credits"], product)

    def family(self, family: str) -> dict[str, Any] | None:
        """The plan family in the catalogue."""
        return _named(self.catalogue["families"], family)

    def transactional(self) -> dict[str, Any] | None:
        """The add-on that is sold in blocks."""
        return next((a for a in self.catalogue["add_ons"] if a.get("process") == "transactional"), None)

    def block_steps(self) -> list[tuple[int | None, int]] | None:
        """The price steps of a block in the account's currency; None: not sold in it."""
        transactional = self.transactional()
        assert transactional is not None
        steps = transactional["block"]["prices"]
        if any(self.currency not in step["prices"] for step in steps):
            return None
        return [(step["up_to"], minor(step["prices"][self.currency], self.currency)) for step in steps]

    def place(self, product: str) -> int:
        """Where the product stands in the catalogue: plans, add-ons, credits."""
        return self.places[product]

    # ---- what is held

    def plans_in_order(self) -> list[Item]:
        """The plans held, in catalogue order."""
        return sorted(self.plans.values(), key=lambda item: self.place(item["product"]))

    def monthly_plans_active(self) -> list[Item]:
        """R3: running, or running with a pending end; an unpaid one too."""
        return [item for item in self.plans.values() if not item["free"] and item["paused"] is None]

    def held_addon(self, product: str) -> Item | None:
        """The add-on as the account holds it."""
        return next((item for item in self.addons if item["product"] == product), None)

    def read_anchor_again(self) -> None:
        """R3: the account anchor is absent while no monthly plan is active."""
        if not self.monthly_plans_active():
            self.anchor = None

    # ---- what happens to it

    def use(self, product: str, at: int, usable: bool) -> None:
        """From this instant on the product is usable, or is not."""
        self.usage.setdefault(product, []).append((at, usable))
        if not usable:
            self.left[product] = at

    def end_plan(self, item: Item, at: int) -> None:
        """The plan is no longer held. Access that a pause or an unpaid renewal ended stays ended then."""
        del self.plans[item["family"]]
        if item["paused"] is None and item["unpaid"] is None:
            self.use(item["product"], at, usable=False)

    def end_addon(self, item: Item, at: int) -> None:
        """The add-on is no longer held."""
        self.addons.remove(item)
        if item["unpaid"] is None:
            self.use(item["product"], at, usable=False)

    def issue(self, day: date, lines: list[Line], status: str) -> dict[str, Any]:
        """R47: the next invoice."""
        invoice = {
            "number": len(self.invoices) + 1, "date": day, "status": status, "lines": lines,
            "total": sum(line["amount"] for line in lines),
        }  # fmt: skip
        self.invoices.append(invoice)
        return invoice

    def suspend(self, items: list[Item], invoice: dict[str, Any], day: date) -> None:
        """R38: the renewal of these items was declined."""
        self.owed = {"invoice": invoice, "items": items}
        for item in items:
            item["unpaid"] = day
            self.use(item["product"], beginning(day, self.zone), usable=False)

    def balance_paid(self, at: int) -> None:
        """R40: the open invoice is paid, and what of it is still held can be used again."""
        assert self.owed is not None
        self.owed["invoice"]["status"] = "paid"
        for item in self.owed["items"]:
            if self.holds(item):
                item["unpaid"] = None
                self.use(item["product"], at, usable=True)
        self.owed = None

    def holds(self, item: Item) -> bool:
        """Whether this very item, not only its product, is still held."""
        return any(item is other for other in [*self.plans.values(), *self.addons])


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((entry for entry in entries if entry["id"] == name), None)
