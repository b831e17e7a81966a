"""Random later versions of the catalogue a story begins with (R8, R8a)."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from tests.reference.account.shelves import Shelves
from tests.reference.catalogues import PRICES, written
from tests.reference.settings_of_stories import collection

Entry = dict[str, Any]


def later_version(random: Random, shelves: Shelves, *, with_collection: bool) -> dict[str, Any]:
    """A `catalog` step's own fields: a few changes, seldom one that R8a refuses."""
    step: dict[str, Any] = {}
    if random.random() < 0.06:
        return _another_nature(random, shelves)
    for _ in range(random.choice([1, 1, 2, 3])):
        _change(random, shelves, step)
    if random.random() < 0.15:
        families = [dict(family) for family in shelves.families.values()]
        family = random.choice(families)
        step["families"] = [{**family, "pausable": not family["pausable"]}]
    if random.random() < 0.2:
        step.setdefault("policies", {})["tier_upgrade"] = random.choice(["full_difference", "by_days"])
    if with_collection and random.random() < 0.3:
        step.setdefault("policies", {})["collection"] = collection(random)
    return step


def _change(random: Random, shelves: Shelves, step: dict[str, Any]) -> None:
    product = random.choice(sorted(shelves.ever))
    kind = shelves.kinds[product]
    listed = [entry["id"] for entry in step.get(kind, [])]
    if product in listed or product in step.get("withdrawn", []):
        return
    if product in shelves.sold and random.random() < 0.25:
        step.setdefault("withdrawn", []).append(product)
        return
    entry = copy.deepcopy(shelves.ever[product])
    _another_shape(random, shelves, kind, entry)
    step.setdefault(kind, []).append(entry)


def _another_shape(random: Random, shelves: Shelves, kind: str, entry: Entry) -> None:
    """Another name, price, tier, prerequisite or currency."""
    entry["name"] += "!"
    if kind == "plans":
        _other_tiers(random, shelves, entry)
    elif "block" in entry:
        for step in entry["block"]["prices"]:
            step["prices"] = _other_prices(random, shelves.currency, step["prices"])
    else:
        entry["prices"] = _other_prices(random, shelves.currency, entry["prices"])
    if kind == "add_ons" and random.random() < 0.4:
        plans = sorted(shelves.order["plans"])
        if "requires" in entry and "block" not in entry and random.random() < 0.4:
            del entry["requires"]
        else:
            entry["requires"] = random.sample(plans, random.randint(1, min(3, len(plans))))


def _other_tiers(random: Random, shelves: Shelves, entry: Entry) -> None:
    free = shelves.is_free(entry["id"])
    if len(entry["tiers"]) > 1 and random.random() < 0.4:
        entry["tiers"].remove(random.choice(entry["tiers"]))
    if random.random() < 0.2 and all(tier["id"] != "new" for tier in entry["tiers"]):
        price = written(0, shelves.currency) if free else random.choice(PRICES[shelves.currency])
        place = random.randint(0, len(entry["tiers"]))
        entry["tiers"].insert(place, {"id": "new", "prices": {shelves.currency: price}})
    if not free:
        for tier in entry["tiers"]:
            tier["prices"] = _other_prices(random, shelves.currency, tier["prices"])


def _other_prices(random: Random, currency: str, prices: dict[str, str]) -> dict[str, str]:
    drawn = random.random()
    if drawn < 0.12:
        return {"CHF": "9.00"}
    if drawn < 0.6:
        return {**prices, currency: random.choice(PRICES[currency])}
    return prices


def _another_nature(random: Random, shelves: Shelves) -> dict[str, Any]:
    """Something that R8a refuses, if there is something to change."""
    product = random.choice(sorted(shelves.ever))
    prices = {shelves.currency: random.choice(PRICES[shelves.currency])}
    if shelves.kinds[product] == "credits":
        return {"add_ons": [{"id": product, "name": "Another", "prices": prices}]}
    return {"credits": [{"id": product, "name": "Another", "credits": 10, "prices": prices}]}
