"""Commands about add-ons, Transactional and credits (RULES.md 4, 6): what stands against each, and what it
does else."""

from __future__ import annotations

from typing import Any

from tests.reference.account.books import Books, Item
from tests.reference.account.collecting import end_items, prerequisite_met
from tests.reference.account.days import cycle_lines
from tests.reference.account.offers import Answered, Offer, Refused, in_good_standing
from tests.reference.amounts import at_once, blocks
from tests.reference.dates import cycle_around, months_after


def purchase_addon(books: Books, step: dict[str, Any]) -> Offer:
    entry = books.shelves.addon(step["product"])
    if entry is None:
        raise Refused("unknown_product")
    in_blocks = "block" in entry
    priced = in_blocks or books.shelves.price(entry["id"], None) is not None
    if not priced or (in_blocks and not books.shelves.block_priced(entry["id"])):
        raise Refused("no_price")
    if in_blocks:
        raise Refused("own_process")
    return _start_addon(books, entry["id"], None)


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
    in_good_standing(books)
    anchor = books.anchor or books.today
    _, end = cycle_around(anchor, books.today)
    item: dict[str, Any] = {
        "kind": "addon", "product": product, "tier": None, "anchor": anchor, "start": books.today,
        "end": end, "price": None, "leaving": False, "paused": None, "owing": [], "blocks": count,
        "next_blocks": count, "allowance": None,
    }  # fmt: skip
    lines = cycle_lines(books, item, (books.today, end))
    return Offer(lambda at: _hold_addon(books, item, at), lines, product)


def _hold_addon(books: Books, item: Item, at: int) -> None:
    item["seq"] = books.number_of_purchase()
    books.addons.append(item)
    books.look(at)


def remove_addon(books: Books, step: dict[str, Any]) -> Offer:
    product = step["product"]
    if not books.shelves.known(product, "add_ons", books.held_products()):
        raise Refused("unknown_product")
    if books.shelves.ever[product].get("process") is not None:
        raise Refused("own_process")
    return _leave(books, product)


def _leave(books: Books, product: str) -> Offer:
    held = books.held_addon(product)
    if held is None:
        raise Refused("not_held")
    if held["leaving"]:
        raise Answered("unchanged")
    if held["owing"] and not books.disputes:
        return Offer(lambda at: end_items(books, [held], books.today, at))
    return Offer(lambda _: held.update(leaving=True))


def undo(books: Books, step: dict[str, Any]) -> Offer:
    product = step["product"]
    if not any(books.shelves.known(product, kind, books.held_products()) for kind in ("plans", "add_ons")):
        raise Refused("unknown_product")
    for item in books.items():
        if item["product"] == product and (item["leaving"] or item.get("downgrade") is not None):
            _undo(books, item)
            raise Answered("reinstated")
    raise Refused("nothing_to_undo")


def _undo(books: Books, item: Item) -> None:
    item["leaving"] = False
    if item["kind"] == "plan":
        aside = item["aside"]
        if aside is not None and aside > books.today:
            item["resume_on"] = aside
        item.update(downgrade=None, aside=None)


# ---- credits, transactional


def buy_credits(books: Books, step: dict[str, Any]) -> Offer:
    """R21."""
    entry = books.shelves.pack(step["product"])
    if entry is None:
        raise Refused("unknown_product")
    price = books.shelves.price(entry["id"], None)
    if price is None:
        raise Refused("no_price")
    if any(item["family"] == "marketing" for item in books.monthly_plans_active()):
        raise Refused("monthly_plan_active")
    in_good_standing(books)
    end = months_after(books.today, 12)
    pack = {
        "kind": "pack", "product": entry["id"], "end": end, "credits": entry["credits"], "expired": False,
        "owing": [], "paused": None,
    }  # fmt: skip
    line = {**at_once(entry["id"], None, "credits", price, (books.today, end)), "item": pack}
    pack["lines"] = [line]
    return Offer(lambda at: _hold_pack(books, pack, at), [line], entry["id"])


def _hold_pack(books: Books, pack: Item, at: int) -> None:
    pack["seq"] = books.number_of_purchase()
    books.packs.append(pack)
    books.look(at)


def _transactional(books: Books, *, bought: bool) -> str:
    product = books.shelves.transactional()
    if product is None or not books.shelves.known(product, "add_ons", books.held_products()):
        raise Refused("unknown_product")
    if bought and product not in books.shelves.sold:
        raise Refused("unknown_product")
    if bought and not books.shelves.block_priced(product):
        raise Refused("no_price")
    return product


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
    in_good_standing(books)
    return Offer(lambda _: held.update(next_blocks=step["blocks"]))


def top_up_transactional(books: Books, step: dict[str, Any]) -> Offer:
    product = _transactional(books, bought=True)
    held = books.held_addon(product)
    if held is None:
        raise Refused("not_held")
    in_good_standing(books)
    lines = blocks(product, books.shelves.last_steps[product], step["blocks"], (books.today, held["end"]))
    for line in lines:
        line["item"] = held
    more = step["blocks"] * books.shelves.ever[product]["block"]["e_mails"]
    return Offer(lambda _: held.update(allowance=held["allowance"] + more), lines, product)


def stop_transactional(books: Books, _: dict[str, Any]) -> Offer:
    return _leave(books, _transactional(books, bought=False))
