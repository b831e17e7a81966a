"""What is sold (R8, R8a): the present version of the catalogue, and what earlier ones said last."""

from __future__ import annotations

import copy
from typing import Any

from tests.reference.amounts import minor

Entry = dict[str, Any]
_KINDS = ("plans", "add_ons", "credits")


class ProductChanged(Exception):  # noqa: N818 - named for what it is
    """A version makes something else of a product (R8a)."""


class Shelves:
    """The catalogue as it is now. `ever` has every product that was ever sold, as it was sold last."""

    def __init__(self, catalogue: dict[str, Any], policies: dict[str, Any], currency: str) -> None:
        self.currency, self.laid_over = currency, policies
        self.families: dict[str, Entry] = {}
        self.sold: dict[str, Entry] = {}
        self.ever: dict[str, Entry] = {}
        self.kinds: dict[str, str] = {}
        self.natures: dict[str, Any] = {}
        self.policies: dict[str, Any] = {}
        self.order: dict[str, list[str]] = {kind: [] for kind in _KINDS}
        self.last_prices: dict[tuple[str, str | None], int] = {}
        self.last_steps: dict[str, list[tuple[int | None, int]]] = {}
        self.version(catalogue)

    def version(self, changes: dict[str, Any]) -> None:
        """A later version, of which only what changes is named."""
        for kind in _KINDS:
            for entry in changes.get(kind, []):
                known = self.natures.get(entry["id"])
                if known is not None and known != _nature(kind, entry):
                    raise ProductChanged
        for family in changes.get("families", []):
            self.families[family["id"]] = family
        for product in changes.get("withdrawn", []):
            self.sold.pop(product, None)
        for kind in _KINDS:
            entries = changes.get(kind, [])
            self._set_in_order(kind, [entry["id"] for entry in entries])
            for entry in entries:
                self._put(kind, copy.deepcopy(entry))
        self.policies = {**self.policies, **changes.get("policies", {}), **self.laid_over}

    def _set_in_order(self, kind: str, listed: list[str]) -> None:
        """What is new or comes back is added last; what is no longer sold stays behind what it stood
        behind."""
        before = self.order[kind]
        order = [product for product in before if product in self.sold]
        order += [product for product in listed if product not in self.sold]
        place = 0
        for product in before:
            if product not in order:
                order.insert(place, product)
            place = order.index(product) + 1
        self.order[kind] = order

    def _put(self, kind: str, entry: Entry) -> None:
        product = entry["id"]
        self.sold[product] = self.ever[product] = entry
        self.kinds[product] = kind
        self.natures.setdefault(product, _nature(kind, entry))
        for tier in entry.get("tiers", []):
            self._remember(product, tier["id"], tier["prices"])
        self._remember(product, None, entry.get("prices", {}))
        if "block" in entry:
            steps = entry["block"]["prices"]
            if all(self.currency in step["prices"] for step in steps):
                self.last_steps[product] = [
                    (step["up_to"], minor(step["prices"][self.currency], self.currency)) for step in steps
                ]

    def _remember(self, product: str, tier: str | None, prices: dict[str, str]) -> None:
        if self.currency in prices:
            self.last_prices[product, tier] = minor(prices[self.currency], self.currency)

    def reprice(self, product: str, tier: str | None, price: str) -> None:
        """The price in the account's currency changes from now on."""
        entry = self.sold[product]
        units = minor(price, self.currency)
        if self.kinds[product] == "plans" and (units == 0) != self.is_free(product):
            raise ProductChanged
        prices = entry["prices"] if tier is None else _tier(entry, tier)["prices"]
        prices[self.currency] = price
        self.last_prices[product, tier] = units

    # ---- what can be bought

    def plan(self, product: str) -> Entry | None:
        """The plan as it is sold now."""
        return self._sold("plans", product)

    def addon(self, product: str) -> Entry | None:
        """The add-on as it is sold now."""
        return self._sold("add_ons", product)

    def pack(self, product: str) -> Entry | None:
        """The credit pack as it is sold now."""
        return self._sold("credits", product)

    def _sold(self, kind: str, product: str) -> Entry | None:
        return self.sold.get(product) if self.kinds.get(product) == kind else None

    def price(self, product: str, tier: str | None) -> int | None:
        """The price at which it can be bought now; None: not in the account's currency."""
        entry = self.sold[product]
        prices = entry.get("prices", {}) if tier is None else _tier(entry, tier)["prices"]
        return minor(prices[self.currency], self.currency) if self.currency in prices else None

    def known(self, product: str, kind: str, held: set[str]) -> bool:
        """Whether it can be asked for: sold now, or held."""
        return self.kinds.get(product) == kind and (product in self.sold or product in held)

    def block_priced(self, product: str) -> bool:
        """Whether blocks can be bought in the account's currency."""
        return all(self.currency in step["prices"] for step in self.sold[product]["block"]["prices"])

    # ---- what is held

    def last_price(self, product: str, tier: str | None) -> int:
        """R8: what a cycle costs that begins now; of what is no longer sold, its own last price."""
        return self.last_prices[product, tier]

    def is_free(self, product: str) -> bool:
        """Whether the plan is Free (R8a: for ever)."""
        return bool(self.natures[product][2])

    def transactional(self) -> str | None:
        """The add-on that is sold in blocks, also when it is no longer sold."""
        found = [p for p in self.order["add_ons"] if self.ever[p].get("process") == "transactional"]
        sold = [product for product in found if product in self.sold]
        return next(iter([*sold, *found]), None)

    def requires(self, product: str) -> list[str] | None:
        """The plans of which the add-on needs one, by the version in force."""
        needed: list[str] | None = self.ever[product].get("requires")
        return needed

    def place(self, product: str) -> tuple[int, int]:
        """Where the product stands: plans, add-ons, credits."""
        kind = self.kinds[product]
        return _KINDS.index(kind), self.order[kind].index(product)


def _tier(entry: Entry, tier: str) -> Entry:
    found: Entry = next(known for known in entry["tiers"] if known["id"] == tier)
    return found


def _nature(kind: str, entry: Entry) -> tuple[Any, ...]:
    """R8a: what may never change."""
    if kind == "plans":
        prices = [price for tier in entry["tiers"] for price in tier["prices"].values()]
        return (kind, entry["family"], all(float(price) == 0 for price in prices))
    return (kind, entry.get("process"), "block" in entry)
