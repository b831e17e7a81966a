"""Make a file of accounts of what Kill Bill's API says: a line of JSON an account, with its answer to
`/1.0/kb/accounts/ID?accountWithBalanceAndCBA=true` as `account` and to `/1.0/kb/accounts/ID/bundles` as
`bundles`.

    python from_kill_bill.py kill-bill.jsonl > accounts.jsonl
    prorata import accounts accounts.jsonl --dry-run
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

PRODUCTS = {
    "standard-500-monthly": {"product": "standard", "tier": "500"},
    "websites-core-monthly": {"product": "websites_core"},
    "custom-domain-monthly": {"product": "custom_domain"},
    "surveys-monthly": {"product": "surveys"},
}
"""Kill Bill's plan → what it is in the catalogue."""


def account(found: dict[str, Any]) -> dict[str, Any]:
    """The account as `prorata import accounts` reads it."""
    known = found["account"]
    held = [
        subscription
        for bundle in found["bundles"]
        for subscription in bundle["subscriptions"]
        if subscription["state"] in ("ACTIVE", "BLOCKED") and not is_over(subscription)
    ]
    row = {
        "account": known["externalKey"],
        "currency": known["currency"],
        "time_zone": known["timeZone"],
        "products": [product(one) for one in sorted(held, key=lambda one: one["startDate"])],
        "method": known["paymentMethodId"],
    }
    if known["accountCBA"]:
        row["account_credit"] = amount(known["accountCBA"])
    return {name: value for name, value in row.items() if value is not None}


def is_over(subscription: dict[str, Any]) -> bool:
    """Whether it was cancelled, and what was charged for it has been used."""
    return subscription["billingEndDate"] is not None and (
        subscription["billingEndDate"] < subscription["chargedThroughDate"]
    )


def product(subscription: dict[str, Any]) -> dict[str, Any]:
    [evergreen] = [price for price in subscription["prices"] if price["phaseType"] == "EVERGREEN"]
    paid_until = date.fromisoformat(subscription["chargedThroughDate"])
    found: dict[str, Any] = {
        **PRODUCTS[subscription["planName"]],
        "price": amount(evergreen["recurringPrice"]),
        "paid_until": paid_until.isoformat(),
        "anchor": anchor(paid_until, subscription["billCycleDayLocal"]).isoformat(),
    }
    started = date.fromisoformat(subscription["billingStartDate"])
    if (paid_until - started).days < 28:  # its first cycle is shorter than a month
        found["paid_from"] = started.isoformat()
    if subscription["billingEndDate"] is not None:
        found["ends"] = True
    pauses = [
        event["effectiveDate"] for event in subscription["events"] if event["eventType"] == "PAUSE_BILLING"
    ]
    if subscription["state"] == "BLOCKED" and pauses:
        found["paused_at"] = pauses[-1]
    return found


def anchor(paid_until: date, day: int) -> date:
    """A date of that day of the month, from which renewals are counted: 31 is the last day of a short one."""
    for months in range(12):
        year, month = divmod(paid_until.year * 12 + paid_until.month - 1 - months, 12)
        try:
            return date(year, month + 1, day)
        except ValueError:
            continue
    raise ValueError(f"no month has {day} days")


def amount(number: float) -> str:
    return f"{number:.2f}"


def main() -> None:
    with Path(sys.argv[1]).open(encoding="utf-8") as accounts:
        for line in accounts:
            print(json.dumps(account(json.loads(line))))


if __name__ == "__main__":
    main()
