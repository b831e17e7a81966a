"""What else an answer says (R19, R26, R28, R32, R36), in FORMAT.md's terms."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

from tests.reference.account.books import Books, Item
from tests.reference.account.collecting import plans_left_at, prerequisite_met, would_renew
from tests.reference.account.days import let_dates_begin
from tests.reference.account.looks import entitlement, goes_on
from tests.reference.dates import beginning

_HORIZON = 420


def product_meant(books: Books, step: dict[str, Any]) -> str | None:
    """The product named, of a family its plan, of a change of plan the one held after it."""
    if step["do"] == "change_plan":
        entry = books.shelves.ever.get(step["product"], {})
        held = books.plans.get(entry.get("family", ""))
        return None if held is None else str(held["product"])
    if "family" in step:
        held = books.plans.get(step["family"])
        return None if held is None else str(held["product"])
    if step["do"].endswith("_transactional"):
        return books.shelves.transactional()
    return step.get("product")


def facts(books: Books, step: dict[str, Any], product: str | None) -> dict[str, Any]:
    """All five facts of an answer."""
    shown = entitlement(books, product) if product in books.usage else None
    held = next((item for item in books.items() if item["product"] == product), None)
    family = _family(books, step)
    return {
        "access_until": None if shown is None else shown["access_until"],
        "renews_on": held["end"] if held is not None and goes_on(books, held) else None,
        "ending": _ending(books, family) if step["do"] in ("cancel_plan", "change_plan") else [],
        "still_billed": _still_billed(books) if step["do"] == "pause_plan" else [],
        "stay_paused": _stay_paused(books) if step["do"] in ("pay_balance", "undo") else [],
    }


def _family(books: Books, step: dict[str, Any]) -> str:
    if "family" in step:
        return str(step["family"])
    return str(books.shelves.ever.get(step.get("product", ""), {}).get("family", ""))


def _ending(books: Books, family: str) -> list[dict[str, Any]]:
    plans = {product for product, entry in books.shelves.ever.items() if entry.get("family") == family}
    found = []
    for item in sorted(books.addons, key=lambda item: int(item["seq"])):
        needed = books.shelves.requires(item["product"])
        if item["leaving"] or needed is None or not plans & set(needed):
            continue
        if not prerequisite_met(books, item["product"], plans_left_at(books, item["end"])):
            found.append({"product": item["product"], "on": item["end"]})
    return found


def _stay_paused(books: Books) -> list[str]:
    plans = sorted(books.plans.values(), key=lambda item: int(item["seq"]))
    return [
        item["product"] for item in plans
        if item["paused"] is not None and item["resume_on"] is None and not item["leaving"]
    ]  # fmt: skip


def _still_billed(books: Books) -> list[dict[str, Any]]:
    """R32: what then happens, day by day, if nothing else is done and every payment is made."""
    items = [item for item in books.held() if item["kind"] != "pack" and _will_be_billed(books, item)]
    waited = [int(item["seq"]) for item in items]
    future = copy.deepcopy(books)
    future.method, future.was_refused_for_good = {"works": True, "final": False, "pending": False}, False
    found: dict[int, dict[str, Any]] = {}
    day = future.today
    for _ in range(_HORIZON):
        if len(found) == len(waited):
            break
        day += timedelta(days=1)
        known = len(future.invoices)
        let_dates_begin(future, beginning(day, future.zone))
        for invoice in future.invoices[known:]:
            for line in invoice["lines"]:
                _note_charge(found, waited, line, invoice)
    return [found[seq] for seq in waited if seq in found]


def _note_charge(
    found: dict[int, dict[str, Any]], waited: list[int], line: dict[str, Any], invoice: dict[str, Any]
) -> None:
    seq = int(line["item"]["seq"])
    if seq not in waited:
        return
    entry = found.setdefault(seq, {"product": line["product"], "on": invoice["date"], "amount": 0})
    if entry["on"] == invoice["date"]:
        entry["amount"] += line["net"]


def _will_be_billed(books: Books, item: Item) -> bool:
    if item["paused"] is not None:
        return item.get("resume_on") is not None
    return would_renew(books, item, plans_left_at(books, item["end"])) if item["end"] else False
