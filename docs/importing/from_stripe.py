"""Make a file of accounts of what Stripe's API lists: a line of JSON a customer, with its subscriptions.

python from_stripe.py stripe.jsonl > accounts.jsonl
prorata import accounts accounts.jsonl --dry-run
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

PRODUCTS = {
    "price_standard_500": {"product": "standard", "tier": "500"},
    "price_premium_10000": {"product": "premium", "tier": "10000"},
    "price_custom_domain": {"product": "custom_domain"},
    "price_inbox_preview": {"product": "inbox_preview"},
}
"""Stripe's price → what it is in the catalogue."""

WITHOUT_CENTS = {"jpy", "krw", "clp", "vnd"}
"""Currencies whose smallest unit is the unit itself; those of three digits need a line of their own."""


def account(customer: dict[str, Any]) -> dict[str, Any]:
    """The customer as `prorata import accounts` reads it."""
    zone = customer["metadata"].get("time_zone", "Europe/Paris")
    held = [
        product(subscription, item, zone)
        for subscription in customer["subscriptions"]["data"]
        if subscription["status"] in ("active", "trialing")
        for item in subscription["items"]["data"]
    ]
    currency = customer["currency"]
    found: dict[str, Any] = {
        "account": customer["id"],
        "currency": currency.upper(),
        "time_zone": zone,
        "products": held,
        "method": customer["invoice_settings"]["default_payment_method"],
    }
    if customer["balance"] < 0:  # what Stripe owes the customer is negative
        found["account_credit"] = amount(-customer["balance"], currency)
    return {name: value for name, value in found.items() if value is not None}


def product(subscription: dict[str, Any], item: dict[str, Any], zone: str) -> dict[str, Any]:
    price = item["price"]
    found: dict[str, Any] = {
        **PRODUCTS[price["id"]],
        "price": amount(price["unit_amount"] * item["quantity"], price["currency"]),
        "anchor": day(subscription["billing_cycle_anchor"], zone),
        "paid_from": day(max(item["current_period_start"], item["created"]), zone),
        "paid_until": day(item["current_period_end"], zone),
    }
    if subscription["cancel_at_period_end"]:
        found["ends"] = True
    return found


def day(seconds: int, zone: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone)).date().isoformat()


def amount(smallest_units: int, currency: str) -> str:
    if currency in WITHOUT_CENTS:
        return str(smallest_units)
    return f"{smallest_units // 100}.{smallest_units % 100:02}"


def main() -> None:
    with Path(sys.argv[1]).open(encoding="utf-8") as customers:
        for line in customers:
            print(json.dumps(account(json.loads(line))))


if __name__ == "__main__":
    main()
