"""What is shown of the account (RULES.md 11), in the terms of scenario files; moments as instants."""

from __future__ import annotations

from typing import Any

from tests.reference.account.books import Books, Invoice, Item
from tests.reference.account.collecting import plans_left_at, would_renew
from tests.reference.account.discounts import is_over
from tests.reference.dates import beginning, date_at

_LINE = (
    "product", "tier", "kind", "from", "to", "unit_price", "days", "of_days", "quantity", "amount",
    "discount", "net", "tax",
)  # fmt: skip


def end_state(books: Books) -> dict[str, Any]:
    """Everything that FORMAT.md names of the end state."""
    products = sorted(books.usage, key=books.shelves.place)
    entitlements = [entitlement(books, product) for product in products]
    today = date_at(books.now, books.zone)
    return {
        "account": _account(books),
        "invoices": [_invoice(invoice) for invoice in books.invoices],
        "credit_notes": [_note(note) for note in books.notes],
        "happened": [dict(fact) for fact in books.happened],
        "discounts": [
            {"discount": f"D{number}", "left": discount["left"], "over": is_over(discount, today)}
            for number, discount in enumerate(books.discounts, 1)
        ],
        "entitlements": entitlements,
        "access_windows": [
            {"product": e["product"], "windows": _windows(books, e), "renews": e["renews"]}
            for e in entitlements
        ],
    }


def _invoice(invoice: Invoice) -> dict[str, Any]:
    names = ("number", "date", "net", "tax", "total", "credit", "due", "status", "charged_back")
    lines = [{name: line[name] for name in _LINE} for line in invoice["lines"]]
    return {**{name: invoice[name] for name in names}, "lines": lines}


def _note(note: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in note.items() if name != "moved"}
    return {**shown, "lines": [dict(line) for line in note["lines"]]}


def _account(books: Books) -> dict[str, Any]:
    return {
        "status": _standing(books),
        "credit": books.credit,
        "due": sum(invoice["due"] for invoice in books.invoices),
        "anchor": books.anchor,
        "next_renewal": min((item["end"] for item in books.items() if goes_on(books, item)), default=None),
        "support": bool(
            books.monthly_plans_active() or books.addons or any(not pack["expired"] for pack in books.packs)
        ),
    }


def _standing(books: Books) -> str:
    if books.closed:
        return "closed"
    if books.disputes:
        return "disputed"
    return "past_due" if books.past_due else "good"


def goes_on(books: Books, item: Item) -> bool:
    """Whether a running item renews, as itself or downgraded to a monthly plan, and is not suspended."""
    if item["end"] is None or not books.usable(item):
        return False
    return would_renew(books, item, plans_left_at(books, item["end"]))


def entitlement(books: Books, product: str) -> dict[str, Any]:
    """R44."""
    packs = [pack for pack in books.packs if pack["product"] == product and not pack["expired"]]
    held = next((item for item in books.items() if item["product"] == product), None)
    if held is None and not packs:
        counts = books.shelves.kinds[product] == "credits" or "block" in books.shelves.ever[product]
        return _shown(product, "ended", books.left[product], allowance=0 if counts else None)
    if held is None:
        return _credits(books, product, packs)
    allowance = held["allowance"] if held["blocks"] is not None else None
    if held["paused"] is not None:
        return _shown(product, "paused", books.left[product])
    if not books.usable(held):
        since = books.left[product] if held["owing"] else books.disputed_at
        return _shown(product, "suspended", since, allowance=None if allowance is None else 0)
    until = None if held["end"] is None else beginning(held["end"], books.zone)
    if _is_ending(books, held):
        return _shown(product, "ending", until, allowance=allowance)
    recurring = held["end"] is not None
    return _shown(product, "active", until, renews=recurring, allowance=allowance)


def _shown(
    product: str, status: str, until: int | None, *, renews: bool = False, allowance: int | None = None
) -> dict[str, Any]:
    return {
        "product": product, "status": status, "renews": renews, "access_until": until, "allowance": allowance
    }  # fmt: skip


def _is_ending(books: Books, item: Item) -> bool:
    if item["kind"] == "plan":
        return item["leaving"] or (item["downgrade"] is not None and item["downgrade"][0] != item["product"])
    return not would_renew(books, item, plans_left_at(books, item["end"]))


def _credits(books: Books, product: str, packs: list[Item]) -> dict[str, Any]:
    usable = [pack for pack in packs if books.usable(pack)]
    if not usable:
        paid = any(not pack["owing"] for pack in packs)
        return _shown(product, "suspended", books.disputed_at if paid else books.left[product], allowance=0)
    until = beginning(max(pack["end"] for pack in usable), books.zone)
    return _shown(product, "active", until, allowance=sum(pack["credits"] for pack in usable))


def _windows(books: Books, entitlement: dict[str, Any]) -> list[dict[str, int | None]]:
    """R45: the instants at which use began and stopped, made into spans: empty ones dropped, touching ones
    joined."""
    spans: list[tuple[int, int | None]] = []
    began: int | None = None
    for at, usable in books.usage[entitlement["product"]]:
        if usable:
            began = at
        elif began is not None:
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
    return [{"from": start, "until": until} for start, until in joined]
