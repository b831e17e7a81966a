"""What is written down about an account."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from tests.reference.account.shelves import Shelves
from tests.reference.dates import date_at

Item = dict[str, Any]
Line = dict[str, Any]
Invoice = dict[str, Any]


class Books:
    """One account. `item` below is a plan, an add-on or a credit pack as a dictionary."""

    def __init__(self, story: dict[str, Any], catalogue: dict[str, Any], opened: int) -> None:
        account = story["account"]
        self.currency, self.zone = account["currency"], account["time_zone"]
        self.shelves = Shelves(catalogue, story.get("policies", {}), self.currency)
        self.codes = {code["code"]: code for code in story.get("discounts", [])}
        self.tax_table = story.get("tax")
        self.today = date_at(opened, self.zone)
        self.last_at = self.now = opened
        self.anchor: date | None = None
        self.plans: dict[str, Item] = {}
        self.addons: list[Item] = []
        self.packs: list[Item] = []
        self.bought = 0
        self.closed = False
        self.invoices: list[Invoice] = []
        self.notes: list[dict[str, Any]] = []
        self.happened: list[dict[str, Any]] = []
        self.discounts: list[dict[str, Any]] = []
        self.used_codes: set[str] = set()
        self.free_months: set[str] = set()
        self.credit = self.recorded = self.paid_out = 0
        self.method = {"works": True, "final": False, "pending": False}
        self.was_refused_for_good = False
        self.waiting: dict[str, Any] | None = None
        self.profile: dict[str, Any] | None = None
        self.disputes: list[Invoice] = []
        self.disputed_at = 0
        self.declines: list[int] = []
        self.free_moves = 0
        self.pauses: dict[str, list[date]] = {}
        self.by_support: list[tuple[date, int]] = []
        self.usage: dict[str, list[tuple[int, bool]]] = {}
        self.left: dict[str, int] = {}
        self.answers: dict[str, tuple[Any, dict[str, Any]]] = {}

    # ---- what is held

    def items(self) -> list[Item]:
        """Plans, then add-ons."""
        return [*self.plans.values(), *self.addons]

    def held(self) -> list[Item]:
        """Everything held, unexpired packs too, in order of purchase."""
        packs = [pack for pack in self.packs if not pack["expired"]]
        return sorted([*self.items(), *packs], key=lambda item: int(item["seq"]))

    def held_products(self) -> set[str]:
        """The names of what is held."""
        return {item["product"] for item in self.held()}

    def holds(self, item: Item) -> bool:
        """Whether this very item, not only its product, is still held."""
        return any(item is other for other in self.held())

    def plans_in_order(self) -> list[Item]:
        """The plans held, in catalogue order."""
        return sorted(self.plans.values(), key=lambda item: self.shelves.place(item["product"]))

    def monthly_plans_active(self) -> list[Item]:
        """R3: running, or running with a pending end; an unpaid one too."""
        return [item for item in self.plans.values() if not item["free"] and item["paused"] is None]

    def held_addon(self, product: str | None) -> Item | None:
        """The add-on as the account holds it."""
        return next((item for item in self.addons if item["product"] == product), None)

    def read_anchor_again(self) -> None:
        """R3: the account anchor is absent while no monthly plan is active."""
        if not self.monthly_plans_active():
            self.anchor = None

    def number_of_purchase(self) -> int:
        """The next place in the order of purchase."""
        self.bought += 1
        return self.bought

    def let_go(self, item: Item) -> None:
        """The item is no longer held."""
        if item["kind"] == "plan":
            del self.plans[item["family"]]
        elif item["kind"] == "addon":
            self.addons.remove(item)
        else:
            item["expired"] = True

    # ---- money

    def open_invoices(self) -> list[Invoice]:
        """Those that make the account past due, the oldest first (a late payment does not: R98)."""
        return [inv for inv in self.invoices if inv["status"] == "open" and not inv["pending"]]

    @property
    def past_due(self) -> bool:
        """R38."""
        return bool(self.open_invoices())

    def all_due(self) -> int:
        """What is due of the open invoices."""
        return sum(int(invoice["due"]) for invoice in self.open_invoices())

    @property
    def refused_for_good(self) -> bool:
        """R54: whether the saved method is asked no more, but by the customer; off without the policy."""
        return self.was_refused_for_good and self.shelves.policies.get("collection") is not None

    # ---- use

    def usable(self, item: Item) -> bool:
        """Whether the item can be used now."""
        return not self.disputes and self.usable_but_for_disputes(item)

    def usable_but_for_disputes(self, item: Item) -> bool:
        """Whether nothing of its own keeps the item from being used."""
        return item["paused"] is None and not item["owing"]

    def tell(self, at: int, **fact: Any) -> None:
        """Write down what happened by itself; its date is that of the instant."""
        self.happened.append({"date": date_at(at, self.zone), **fact})

    def look(self, at: int) -> None:
        """Write down which products can be used from this instant on."""
        for product in self.held_products() - set(self.usage):
            self.usage[product] = []
        now = {item["product"] for item in self.held() if self.usable(item)}
        before = {product for product, log in self.usage.items() if log and log[-1][1]}
        for product in sorted(now - before):
            self.usage[product].append((at, True))
        for product in before - now:
            self.usage[product].append((at, False))
            self.left[product] = at


def share(amount: int, part: int | Fraction, whole: int | Fraction) -> Fraction:
    """The part of the amount, exactly."""
    return Fraction(amount) * Fraction(part) / Fraction(whole)
