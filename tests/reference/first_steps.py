"""Random steps of the first part: what may well be done as things stand, and what may not."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from tests.reference.account.books import Books, Item
from tests.reference.account.collecting import prerequisite_met
from tests.reference.catalogues import written
from tests.reference.dates import date_at, months_after
from tests.reference.switches import Switches

Step = dict[str, Any]
Choice = tuple[int, Step]


def days_of_note(books: Books) -> list[date]:
    """The dates on which something will happen, as things stand."""
    items = [*books.plans.values(), *books.addons]
    days = [item["end"] for item in items if item["end"] is not None]
    days += [item["resume_on"] for item in items if item.get("resume_on")]
    days += [day for invoice in books.open_invoices() for day in invoice["tries"]]
    days += [pack["end"] for pack in books.packs if not pack["expired"]]
    days += [months_after(starts[-2], 12) for starts in books.pauses.values() if len(starts) > 1]
    return sorted(set(days)) or [books.today + timedelta(days=1)]


class FirstPart:
    """Steps for the account as the model has it at the moment."""

    def __init__(
        self, random: Random, books: Books, switches: Switches, now: int, *, forgetful: bool
    ) -> None:
        self.random, self.books, self.switches, self.now = random, books, switches, now
        self.forgetful = forgetful

    def priced(self) -> list[tuple[str, str | None]]:
        """What is sold at a price that may change; Free has none."""
        shelves = self.books.shelves
        found: list[tuple[str, str | None]] = []
        for product in sorted(shelves.sold):
            entry = shelves.sold[product]
            if shelves.kinds[product] == "plans" and shelves.is_free(product):
                continue
            tiers = [tier["id"] for tier in entry["tiers"]] if "tiers" in entry else [None]
            found += [
                (product, tier)
                for tier in tiers
                if "block" not in entry and shelves.price(product, tier) is not None
            ]
        return found

    def reprice(self, priced: list[tuple[str, str | None]]) -> Step:
        product, tier = self.random.choice(priced)
        others = [price for price in self.books.shelves.last_prices.values() if price > 0]
        price = self.random.choice([*others, 1, 10, 1250, 3333])
        if self.random.random() < 0.2 and tier is None:
            price = 0
        if self.switches.versions and tier is not None and self.random.random() < 0.05:
            price = 0
        step = {"do": "reprice", "product": product, "price": written(price, self.books.currency)}
        return step if tier is None else {**step, "tier": tier}

    def strange(self) -> Step:
        """Anything at all, also what the catalogue does not have."""
        random = self.random
        products = [*sorted(self.books.shelves.ever), "gold"]
        families = [entry["id"] for entry in self.books.shelves.families.values()] + ["sms"]
        do = random.choice([
            "purchase_plan", "change_plan", "cancel_plan", "pause_plan", "resume_plan", "purchase_addon",
            "remove_addon", "undo", "buy_credits", "start_transactional", "change_transactional",
            "top_up_transactional", "stop_transactional", "pay_balance", "close_account",
        ])  # fmt: skip
        if do in ("cancel_plan", "pause_plan", "resume_plan"):
            return {"do": do, "family": random.choice(families)}
        if do in ("start_transactional", "change_transactional", "top_up_transactional"):
            return {"do": do, "blocks": random.randint(1, 9)}
        if do in ("stop_transactional", "pay_balance"):
            return {"do": do}
        if do == "close_account":
            return {"do": do if random.random() < 0.15 else "pay_balance"}
        step = {"do": do, "product": random.choice(products)}
        if do in ("purchase_plan", "change_plan") and random.random() < 0.1:
            step["tier"] = "7"
        return step

    def sensible(self) -> Step:
        """Something that may well be done as things stand."""
        books = self.books
        choices: list[Choice] = []
        for family in self.books.shelves.families.values():
            choices += self._of_family(family, books.plans.get(family["id"]))
        choices += self._of_addons()
        choices += [(2, {"do": "buy_credits", "product": pack}) for pack in books.shelves.order["credits"]]
        if books.past_due:
            weight = 40 if books.method["works"] and not self.forgetful else 4
            choices.append((weight, {"do": "pay_balance"}))
        weights = [weight for weight, _ in choices]
        return self.random.choices([step for _, step in choices], weights)[0]

    def _of_family(self, family: Step, held: Item | None) -> list[Choice]:
        name = family["id"]
        plan = self.any_plan(name)
        if held is None:
            return [(12, {"do": "purchase_plan", **plan})] if plan else []
        change = (8, {"do": "change_plan", **(plan or {"product": held["product"]})})
        cancel = {"do": "cancel_plan", "family": name}
        if held["free"]:
            return [(2, cancel), change, (5, {**change[1], "do": "purchase_plan"})]
        undo = {"do": "undo", "product": held["product"]}
        if held["leaving"]:
            again = {"do": "purchase_plan", "product": held["product"], "tier": held["tier"]}
            return [(3, undo), (2, again), (1, {"do": "resume_plan", "family": name})]
        if held["paused"] is not None:
            again = {"do": "pause_plan", "family": name}
            return [(9, {"do": "resume_plan", "family": name}), (5, cancel), (1, again)]
        pause: Step = {"do": "pause_plan", "family": name}
        if self.random.random() < 0.5:
            pause["resume_on"] = self._resume_on(held)
        pending = [(5, undo)] if held["downgrade"] is not None else []
        return [(10 if family["pausable"] else 1, pause), (3, cancel), change, *pending]

    def any_plan(self, family: str) -> Step | None:
        shelves = self.books.shelves
        known = shelves.sold if self.random.random() < 0.95 else shelves.ever
        plans = [known[plan] for plan in shelves.order["plans"] if plan in known]
        plans = [plan for plan in plans if plan["family"] == family]
        if not plans:
            return None
        plan = self.random.choice(plans)
        chosen: Step = {"product": plan["id"]}
        if self.random.random() < 0.6:
            chosen["tier"] = self.random.choice(plan["tiers"])["id"]
        return chosen

    def _resume_on(self, held: Item) -> str:
        today = date_at(self.now, self.books.zone)
        near = [today + timedelta(days=days) for days in (0, 1, 1, 2, 9, 45)]
        ends = [held["end"], held["end"] - timedelta(days=1), held["end"] + timedelta(days=1)]
        later: date = self.random.choice([*near, *ends, *ends, *days_of_note(self.books)])
        return later.isoformat()

    def _of_addons(self) -> list[Choice]:
        choices: list[Choice] = []
        for product in self.books.shelves.order["add_ons"]:
            entry = self.books.shelves.ever[product]
            held = self.books.held_addon(entry["id"])
            if entry.get("process"):
                choices += self._of_transactional(held, 8 if self._allowed(entry) else 1)
            elif held is None:
                weight = 6 if self._allowed(entry) else 1
                choices.append((weight, {"do": "purchase_addon", "product": entry["id"]}))
            elif held["leaving"]:
                undo = {"do": "undo", "product": entry["id"]}
                choices += [(2, undo), (1, {"do": "purchase_addon", "product": entry["id"]})]
            else:
                choices.append(
                    (5 if self.books.past_due else 2, {"do": "remove_addon", "product": entry["id"]})
                )
        return choices

    def _allowed(self, entry: Step) -> bool:
        active = [item["product"] for item in self.books.plans.values() if item["paused"] is None]
        return prerequisite_met(self.books, entry["id"], active)

    def _of_transactional(self, held: Item | None, weight: int) -> list[Choice]:
        blocks = self.random.randint(1, 9)
        if held is None:
            return [(weight, {"do": "start_transactional", "blocks": blocks})]
        undo = {"do": "undo", "product": held["product"]}
        again = [(1, undo), (1, {"do": "start_transactional", "blocks": blocks})]
        other = self.random.choice([blocks, held["blocks"], held["next_blocks"]])
        return [
            (2, {"do": "stop_transactional"}),
            (4, {"do": "top_up_transactional", "blocks": blocks}),
            (4, {"do": "change_transactional", "blocks": other}),
            *(again if held["leaving"] else []),
        ]
