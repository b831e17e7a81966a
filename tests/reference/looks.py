"""What is shown of the account (RULES.md 11), in the terms of scenario files; moments as instants."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.reference.books import Books, Item
from tests.reference.dates import beginning
from tests.reference.days import prerequisite_met


def end_state(books: Books) -> dict[str, Any]:
    """The account, its invoices, entitlements and access windows."""
    products = sorted(books.usage, key=books.place)
    entitlements = [_entitlement(books, product) for product in products]
    return {
        "account": _account(books),
        "invoices": books.invoices,
        "entitlements": entitlements,
        "access_windows": [
            {"product": e["product"], "windows": _windows(books, e), "renews": e["renews"]}
            for e in entitlements
        ],
    }


def _account(books: Books) -> dict[str, Any]:
    status = "closed" if books.closed else "good" if books.owed is None else "past_due"
    unexpired = any(not pack["expired"] for pack in books.packs)
    return {
        "status": status,
        "anchor": books.anchor,
        "next_renewal": min(_renewals(books), default=None),
        "support": bool(books.monthly_plans_active() or books.addons or unexpired),
    }


def _renewals(books: Books) -> list[date]:
    """The cycle ends of running items that go on."""
    plans = [
        item["end"] for item in books.monthly_plans_active()
        if not item["leaving"] and item["unpaid"] is None
        and (item["downgrade"] is None or not item["downgrade"][2])
    ]  # fmt: skip
    return plans + [
        item["end"] for item in books.addons if item["unpaid"] is None and not _is_ending(books, item)
    ]


def _is_ending(books: Books, item: Item) -> bool:
    if item["leaving"]:
        return True
    if item["kind"] == "plan":
        return item["downgrade"] is not None and item["downgrade"][0] != item["product"]
    return not prerequisite_met(books, item["product"], _plans_left_at(books, item["end"]))


def _plans_left_at(books: Books, day: date) -> list[str]:
    """R28: the plans that will be held once the plans of that date have ended or moved, as things stand."""
    left = []
    for item in books.plans.values():
        over = item["end"] is not None and item["end"] <= day
        if over and item["leaving"]:
            continue
        left.append(item["downgrade"][0] if over and item["downgrade"] is not None else item["product"])
    return left


def _entitlement(books: Books, product: str) -> dict[str, Any]:
    if books.pack(product) is not None:
        return _credits(books, product)
    held = next((item for item in [*books.plans.values(), *books.addons] if item["product"] == product), None)
    if held is None:
        blocks = books.addon(product) is not None and product == (books.transactional() or {}).get("id")
        return {
            "product": product, "status": "ended", "renews": False, "access_until": books.left[product],
            "allowance": 0 if blocks else None,
        }  # fmt: skip
    status, until = _status(books, held)
    allowance = None
    if held["blocks"] is not None:
        transactional = books.transactional()
        assert transactional is not None
        allowance = (held["blocks"] + held["topped"]) * transactional["block"]["e_mails"]
        if held["unpaid"] is not None:
            allowance = 0  # it expired at `access_until`, and the next is not paid for (R44)
    running = status == "active" and not (held["kind"] == "plan" and held["free"])
    return {
        "product": product,
        "status": status,
        "renews": running,
        "access_until": until,
        "allowance": allowance,
    }


def _status(books: Books, item: Item) -> tuple[str, int | None]:
    if item["paused"] is not None:
        return "paused", item["paused"]
    if item["unpaid"] is not None:
        return "suspended", beginning(item["unpaid"], books.zone)
    until = None if item["end"] is None else beginning(item["end"], books.zone)
    return "ending" if _is_ending(books, item) else "active", until


def _credits(books: Books, product: str) -> dict[str, Any]:
    packs = [pack for pack in books.packs if pack["product"] == product and not pack["expired"]]
    until = max((beginning(pack["expires"], books.zone) for pack in packs), default=None)
    return {
        "product": product, "status": "active" if packs else "ended", "renews": False,
        "access_until": books.left[product] if until is None else until,
        "allowance": sum(pack["credits"] for pack in packs),
    }  # fmt: skip


def _windows(books: Books, entitlement: dict[str, Any]) -> list[tuple[int, int | None]]:
    """R45: the instants at which use began and stopped, made into spans: empty ones dropped, touching ones
    joined."""
    spans: list[tuple[int, int | None]] = []
    began: int | None = None
    for at, usable in books.usage[entitlement["product"]]:
        if usable and began is None:
            began = at
        elif not usable and began is not None:
            spans.append((began, at))
            began = None
    if began is not None:
        spans.append((began, entitlement["access_until"]))
    joined: list[tuple[int, int | None]] = []
    for start, until in spans:
        if start == until:
            continue
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], until)
        else:
            joined.append((start, until))
    return joined
