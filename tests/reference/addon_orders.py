"""Commands about add-ons, Transactional and credits (RULES.md 4, 6): what stands against each, and what it
does else."""

from __future__ import annotations

from typing import Any

from tests.reference.amounts import at_once, blocks
from tests.reference.books import Books, Item
from tests.reference.dates import cycle_around
from tests.reference.days import cycle_lines, expiry, prerequisite_met
from tests.reference.offers import Answered, Offer, Refused, not_while_past_due


def _addon_asked_for(books: Books, step: dict[str, Any], *, bought: bool) -> str:
    entry = books.addon(step["product"])
    if entry is None:
        raise Refused("unknown_product")
    own_process = entry.get("process") is not None
    priced = books.block_steps() is not None if own_process else (entry["id"], None) in books.prices
    if bought and not priced:
        raise Refused("no_price")
    if own_process:
        raise Refused("own_process")
    return str(entry["id"])


def purchase_addon(books: Books, step: dict[str, Any]) -> Offer:
    return _start_addon(books, _addon_asked_for(books, step, bought=True), None)


def _start_addon(books: Books, product: str, count: int | None) -> Offer:
    """R12, R13, R17, R18, R20."""
    held = books.held_addon(product)
    if held is not None:
        if held["leaving"]:
            held["leaving"] = False
            raise Answered("reinstated")
        raise Refused("already_active")
    active = [item["product"] for item in books.plans.values() if item["paused"] is None]
    if not prerequisite_met(books, product, active):
        raise Refused("prerequisite_missing")
    not_while_past_due(books)
    anchor = books.anchor or books.today
    _, end = cycle_around(anchor, books.today)
    item: dict[str, Any] = {
        "kind": "addon", "product": product, "tier": None, "anchor": anchor, "start": books.today,
        "end": end, "price": None, "leaving": False, "paused": None, "unpaid": None, "blocks": count,
        "next_blocks": count, "topped": 0,
    }  # fmt: skip
    lines = cycle_lines(books, item, (books.today, end))
    return Offer(lambda at: _hold_addon(books, item, at), lines)


def _hold_addon(books: Books, item: Item, at: int) -> None:
    books.addons.append(item)
    books.use(item["product"], at, usable=True)


def remove_addon(books: Books, step: dict[str, Any]) -> Offer:
    return _leave(books, _addon_asked_for(books, step, bought=False))


def _leave(books: Books, product: str) -> Offer:
    held = books.held_addon(product)
    if held is None:
        raise Refused("not_held")
    if held["leaving"]:
        raise Answered("unchanged")
    return Offer(lambda _: held.update(leaving=True))


def undo(books: Books, step: dict[str, Any]) -> Offer:
    product = step["product"]
    if books.plan(product) is None and books.addon(product) is None:
        raise Refused("unknown_product")
    for item in [*books.plans.values(), *books.addons]:
        if item["product"] == product and (item["leaving"] or item.get("downgrade") is not None):
            item.update(leaving=False)
            aside = item.pop("aside", None)
            if aside is not None and aside > books.today:
                item["resume_on"] = aside
            if "downgrade" in item:
                item["downgrade"] = None
            raise Answered("reinstated")
    raise Refused("nothing_to_undo")


# ---- credits, transactional


def buy_credits(books: Books, step: dict[str, Any]) -> Offer:
    """R21."""
    entry = books.pack(step["product"])
    if entry is None:
        raise Refused("unknown_product")
    price = books.prices.get((entry["id"], None))
    if price is None:
        raise Refused("no_price")
    if any(item["family"] == "marketing" for item in books.monthly_plans_active()):
        raise Refused("monthly_plan_active")
    not_while_past_due(books)
    expires = expiry(books.today)
    pack = {"product": entry["id"], "expires": expires, "credits": entry["credits"], "expired": False}
    line = at_once(entry["id"], None, "credits", price, (books.today, expires))
    return Offer(lambda at: _hold_pack(books, pack, at), [line])


def _hold_pack(books: Books, pack: Item, at: int) -> None:
    books.packs.append(pack)
    books.use(pack["product"], at, usable=True)


def _transactional(books: Books, *, bought: bool) -> str:
    entry = books.transactional()
    if entry is None:
        raise Refused("unknown_product")
    if bought and books.block_steps() is None:
        raise Refused("no_price")
    return str(entry["id"])


def start_transactional(books: Books, step: dict[str, Any]) -> Offer:
    return _start_addon(books, _transactional(books, bought=True), step["blocks"])


def change_transactional(books: Books, step: dict[str, Any]) -> Offer:
    held = books.held_addon(_transactional(books, bought=False))
    if held is None:
        raise Refused("not_held")
    if held["leaving"]:
        raise Refused("cancellation_pending")
    if held["next_blocks"] == step["blocks"]:
        raise Answered("unchanged")
    not_while_past_due(books)
    return Offer(lambda _: held.update(next_blocks=step["blocks"]))


def top_up_transactional(books: Books, step: dict[str, Any]) -> Offer:
    held = books.held_addon(_transactional(books, bought=True))
    if held is None:
        raise Refused("not_held")
    not_while_past_due(books)
    steps = books.block_steps()
    assert steps is not None
    lines = blocks(held["product"], steps, step["blocks"], (books.today, held["end"]))
    return Offer(lambda _: held.update(topped=held["topped"] + step["blocks"]), lines)


def stop_transactional(books: Books, _: dict[str, Any]) -> Offer:
    return _leave(books, _transactional(books, bought=False))
