"""What stands in a random story beside its steps: policies, discount codes and the tax table."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from tests.reference.catalogues import written
from tests.reference.switches import Switches

COUNTRIES = ["FR", "FR", "DE", "DE", "IT", "CA", "CH"]
_PERCENTS = ["15", "10", "50", "12.5", "33.33", "100", "0.5"]


def policies(random: Random, currency: str, switches: Switches) -> dict[str, Any]:
    """The policies that the story's switches ask for."""
    found: dict[str, Any] = {}
    if switches.collection:
        found["collection"] = collection(random)
    if switches.corrections and random.random() < 0.7:
        found["corrections"] = {"support_limit": {currency: written(random.choice([0, 500, 3000]), currency)}}
    if switches.discounts and random.random() < 0.7:
        found["nonprofit_percent"] = random.choice(["15", "30", "12.5"])
    return found


def collection(random: Random) -> dict[str, Any]:
    """R52, R55: some days of tries, and when to remind."""
    found: dict[str, Any] = {}
    if random.random() < 0.9:
        days = sorted(random.sample([1, 2, 3, 5, 7, 10, 14, 25, 28, 31, 40], random.randint(0, 4)))
        found["retry_days"] = days
    if random.random() < 0.4:
        found["remind_before_lapse"] = random.choice([1, 2, 5, 14, 40])
    return found


def terms(random: Random, currency: str, products: list[str]) -> dict[str, Any]:
    """The terms of a discount, a fixed amount in the account's currency."""
    found: dict[str, Any] = {}
    if random.random() < 0.55:
        found["percent"] = random.choice(_PERCENTS)
    else:
        found["fixed"] = written(random.choice([1, 50, 200, 500, 800, 1500, 3000]), currency)
    if "fixed" in found and random.random() < 0.4:
        found["carried"] = True
    elif random.random() < 0.8:
        found["for"] = random.choice(["once", "forever", 1, 1, 2, 3])
    if random.random() < 0.45:
        found["products"] = random.sample(products, random.randint(1, min(3, len(products))))
    return found


def codes(random: Random, currency: str, products: list[str], start: date) -> list[dict[str, Any]]:
    """Discount codes; one may be over soon, one be in another currency."""
    found = []
    for number in range(random.choice([1, 2, 3, 4])):
        made = terms(random, currency, products)
        if "fixed" in made:
            made["fixed"] = {"CHF": "5.00"} if random.random() < 0.1 else {currency: made["fixed"]}
        if random.random() < 0.2:
            made["last_day"] = (start + timedelta(days=random.choice([-1, 0, 20, 200]))).isoformat()
        found.append({"code": f"CODE{number}", **made})
    return found


def tax_table(random: Random, start: date) -> dict[str, Any]:
    """A table with rates that change during the story, regions, and countries without a row."""
    rates: list[dict[str, Any]] = []
    for country in random.sample(["FR", "DE", "IT", "CA"], random.randint(1, 4)):
        rates.append({"country": country, "from": "1970-01-01", "rate": random.choice(["20", "19", "5"])})
        if random.random() < 0.6:
            later = start + timedelta(days=random.randint(1, 200))
            rate = random.choice(["16", "7", "20", "5.5"])
            rates.append({"country": country, "from": later.isoformat(), "rate": rate})
        if random.random() < 0.4:
            region = {"country": country, "region": "QC", "from": "1970-01-01", "rate": "9.975"}
            rates.append(region)
            if random.random() < 0.5:
                later = start + timedelta(days=random.randint(1, 200))
                rates.append({**region, "from": later.isoformat(), "rate": "8"})
    random.shuffle(rates)
    return {"seller": random.choice(["FR", "FR", "DE", "CA"]), "rates": rates}


def tax_profile(random: Random, today: date) -> dict[str, Any]:
    """A whole profile (R70)."""
    found: dict[str, Any] = {
        "country": random.choice(COUNTRIES),
        "kind": random.choice(["consumer", "business", "business"]),
    }
    if random.random() < 0.3:
        found["region"] = random.choice(["QC", "QC", "ON"])
    if random.random() < 0.7:
        found["vat_id"] = random.choice(["none", "unconfirmed", "confirmed", "confirmed"])
    if random.random() < 0.15:
        found["exempt_until"] = (today + timedelta(days=random.choice([-1, 0, 15, 30, 200]))).isoformat()
    return found
