"""Random catalogues in one currency, small enough that stories meet their corners."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.reference.amounts import DIGITS

PRICES = {
    "EUR": "0.01 0.10 5.00 7.50 10.00 10.00 13.00 20.00 20.00 26.50 29.95 99.99".split(),
    "USD": "0.01 0.10 5.00 7.50 10.00 10.00 13.00 20.00 20.00 26.50 29.95 350.00".split(),
    "JPY": "1 3 750 1125 1125 1950 3000 4492 9000".split(),
    "KWD": "0.001 0.015 1.000 1.250 3.333 3.333 6.150 12.345".split(),
}


def written(units: int, currency: str) -> str:
    """Minor units as an amount in the currency's digits."""
    digits = DIGITS[currency]
    if digits == 0:
        return str(units)
    return f"{units // 10**digits}.{units % 10**digits:0{digits}d}"


def catalogue(random: Random, currency: str) -> dict[str, Any]:
    """Families, plans with tiers and Free, add-ons with and without prerequisites, blocks, credit packs."""
    families = [
        {"id": "marketing", "name": "Marketing", "pausable": random.random() < 0.9},
        {"id": "websites", "name": "Websites", "pausable": random.random() < 0.4},
        {"id": "shops", "name": "Shops", "pausable": True},
    ][: random.choice([1, 2, 2, 2, 3])]
    plans = _plans(random, currency, [str(family["id"]) for family in families])
    found: dict[str, Any] = {
        "families": families,
        "plans": plans,
        "add_ons": _add_ons(random, currency, [plan["id"] for plan in plans]),
        "credits": _credits(random, currency),
    }
    if random.random() < 0.7:
        found["policies"] = {"tier_upgrade": random.choice(["full_difference", "by_days"])}
    return found


def _prices(random: Random, currency: str) -> dict[str, str]:
    if random.random() < 0.04:
        return {"CHF": "3.00"}
    return {currency: random.choice(PRICES[currency])}


def _plans(random: Random, currency: str, families: list[str]) -> list[dict[str, Any]]:
    plans = []
    for family in families:
        if random.random() < 0.6:
            names = ["-"] if random.random() < 0.9 else ["-", "more"]
            tiers = [{"id": name, "prices": {currency: written(0, currency)}} for name in names]
            plans.append({"id": f"{family}_free", "family": family, "name": "Free", "tiers": tiers})
        for number in range(random.choice([1, 2, 2, 3])):
            names = ["t0", "t1", "t2"][: random.choice([1, 1, 2, 3])]
            tiers = [{"id": name, "prices": _prices(random, currency)} for name in names]
            plans.append({"id": f"{family}_{number}", "family": family, "name": "Monthly", "tiers": tiers})
    if random.random() < 0.3:
        random.shuffle(plans)
    return plans


def _add_ons(random: Random, currency: str, plans: list[str]) -> list[dict[str, Any]]:
    addons: list[dict[str, Any]] = []
    for number in range(random.choice([1, 2, 3, 4])):
        prices = {currency: written(0, currency)} if random.random() < 0.05 else _prices(random, currency)
        addon: dict[str, Any] = {"id": f"addon_{number}", "name": "Add-on", "prices": prices}
        if random.random() < 0.5:
            addon["requires"] = random.sample(plans, random.randint(1, min(3, len(plans))))
        addons.append(addon)
    if random.random() < 0.7:
        addons.insert(random.randint(0, len(addons)), _transactional(random, currency, plans))
    return addons


def _transactional(random: Random, currency: str, plans: list[str]) -> dict[str, Any]:
    limits = [*sorted(random.sample(range(1, 8), random.randint(0, 2))), None]
    block_currency = currency if random.random() < 0.95 else "CHF"
    prices = PRICES.get(block_currency, ["2.00"])
    steps = [{"up_to": limit, "prices": {block_currency: random.choice(prices)}} for limit in limits]
    return {
        "id": "transactional", "name": "Transactional", "process": "transactional",
        "requires": random.sample(plans, random.randint(1, min(3, len(plans)))),
        "block": {"e_mails": 25_000, "prices": steps},
    }  # fmt: skip


def _credits(random: Random, currency: str) -> list[dict[str, Any]]:
    packs = ["small", "large"][: random.choice([0, 1, 2])]
    return [
        {"id": pack, "name": "Credits", "credits": 1000 * len(pack), "prices": _prices(random, currency)}
        for pack in packs
    ]
