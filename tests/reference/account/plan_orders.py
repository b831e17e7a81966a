"""Commands about plans (RULES.md 4, 6, 7): what stands against each, and what it does else."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.reference.account.books import Books, Item, Line
from tests.reference.account.collecting import end_items
from tests.reference.account.days import plan_cycle, resume_inside_the_paid_cycle, start_plan
from tests.reference.account.money import credit_line
from tests.reference.account.offers import Answered, Offer, Refused, in_good_standing
from tests.reference.amounts import at_once, by_days
from tests.reference.dates import months_after


def _plan_asked_for(books: Books, step: dict[str, Any]) -> tuple[dict[str, Any], str, int]:
    entry = books.shelves.plan(step["product"])
    if entry is None:
        raise Refused("unknown_product")
    tier = step.get("tier", entry["tiers"][0]["id"])
    if all(tier != known["id"] for known in entry["tiers"]):
        raise Refused("unknown_product")
    price = books.shelves.price(entry["id"], tier)
    if price is None:
        raise Refused("no_price")
    return entry, tier, price


def purchase_plan(books: Books, step: dict[str, Any]) -> Offer:
    entry, tier, price = _plan_asked_for(books, step)
    held = books.plans.get(entry["family"])
    if held is not None:
        if held["paused"] is not None:
            raise Refused("plan_paused")
        if held["leaving"] and (held["product"], held["tier"]) == (entry["id"], tier):
            held["leaving"] = False
            raise Answered("reinstated")
        if not held["free"] or price == 0:
            raise Refused("already_active")
    in_good_standing(books)
    if price == 0:
        return Offer(lambda at: _start_free(books, entry, tier, at))
    return _start_of_plan(books, entry["id"], tier)


def _start_of_plan(books: Books, product: str, tier: str) -> Offer:
    item = plan_cycle(books, product, tier)
    return Offer(lambda at: start_plan(books, item, at), item["lines"], product)


def _start_free(books: Books, entry: dict[str, Any], tier: str, at: int) -> None:
    books.plans[entry["family"]] = {
        "kind": "plan", "product": entry["id"], "tier": tier, "family": entry["family"], "free": True,
        "anchor": None, "start": None, "end": None, "price": 0, "leaving": False, "downgrade": None,
        "paused": None, "resume_on": None, "aside": None, "owing": [], "blocks": None, "lines": [],
        "seq": books.number_of_purchase(),
    }  # fmt: skip
    books.look(at)


def change_plan(books: Books, step: dict[str, Any]) -> Offer:
    entry, tier, price = _plan_asked_for(books, step)
    held = books.plans.get(entry["family"])
    if held is None:
        raise Refused("not_held")
    if held["paused"] is not None:
        raise Refused("plan_paused")
    if held["leaving"]:
        raise Refused("cancellation_pending")
    target = (entry["id"], tier)
    if held["free"] and price > 0:
        in_good_standing(books)
        return _start_of_plan(books, *target)
    if target == (held["product"], held["tier"]):
        if held["downgrade"] is None:
            raise Refused("already_active")
        held["downgrade"] = None
        raise Answered("reinstated")
    if held["downgrade"] == target:
        raise Answered("unchanged")
    if price < held["price"]:
        if price == 0:
            _free_once(books, held)
        in_good_standing(books)
        return Offer(lambda _: held.update(downgrade=target))
    in_good_standing(books)
    if price == held["price"]:
        return Offer(lambda at: _move(books, held, target, price, None, at))
    lines = _upgrade_lines(books, held, target, price)
    return Offer(lambda at: _move(books, held, target, price, lines, at), lines, entry["id"])


def _free_once(books: Books, held: Item) -> None:
    """R22."""
    others = [item["downgrade"] for item in books.plans.values() if item is not held and item["downgrade"]]
    if books.free_moves or any(books.shelves.is_free(product) for product, _ in others):
        raise Refused("free_already_used")


def _upgrade_lines(books: Books, held: Item, target: tuple[str, str], price: int) -> list[Line]:
    """R29."""
    span = (books.today, held["end"])
    whole = books.shelves.policies.get("tier_upgrade") == "full_difference"
    if target[0] == held["product"] and whole:
        return [{**at_once(*target, "plan", price - held["price"], span), "item": held}]
    charge = by_days(*target, "plan", price, span, held["anchor"])
    return [{**charge, "item": held}, {**credit_line(held, span), "item": held}]


def _move(
    books: Books, held: Item, target: tuple[str, str], price: int, lines: list[Line] | None, at: int
) -> None:
    if lines is not None:
        held["lines"] = [*held["lines"], *lines] if lines[0]["days"] is None else lines[:1]
    held.update(product=target[0], tier=target[1], price=price, downgrade=None)
    books.look(at)


def _plan_of_family(books: Books, step: dict[str, Any]) -> Item | None:
    if step["family"] not in books.shelves.families:
        raise Refused("unknown_product")
    return books.plans.get(step["family"])


def cancel_plan(books: Books, step: dict[str, Any]) -> Offer:
    held = _plan_of_family(books, step)
    if held is None:
        raise Refused("not_held")
    if held["leaving"]:
        raise Answered("unchanged")
    over = held["free"] or (held["paused"] is not None and held["end"] <= books.today)
    if over or (held["owing"] and not books.disputes):
        return Offer(lambda at: end_items(books, [held], books.today, at))
    return Offer(lambda _: _set_to_leave(held))


def _set_to_leave(held: Item) -> None:
    held.update(leaving=True, downgrade=None, aside=held["resume_on"], resume_on=None)


def pause_plan(books: Books, step: dict[str, Any]) -> Offer:
    held = _plan_of_family(books, step)
    if not books.shelves.families[step["family"]]["pausable"]:
        raise Refused("not_pausable")
    if held is None or held["free"]:
        raise Refused("not_held")
    if held["paused"] is not None:
        raise Refused("already_paused")
    if held["leaving"]:
        raise Refused("cancellation_pending")
    if held["downgrade"] is not None:
        raise Refused("change_pending")
    in_good_standing(books)
    starts = books.pauses.setdefault(step["family"], [])
    if len(starts) >= 2 and books.today < months_after(starts[-2], 12):
        raise Refused("pause_limit")
    until = step.get("resume_on")
    if until is not None and until <= books.today.isoformat():
        raise Refused("invalid_date")
    return Offer(lambda at: _pause(books, held, until, at))


def _pause(books: Books, held: Item, until: str | None, at: int) -> None:
    held.update(paused=at, resume_on=None if until is None else date.fromisoformat(until))
    books.pauses[held["family"]].append(books.today)
    books.read_anchor_again()
    books.look(at)


def resume_plan(books: Books, step: dict[str, Any]) -> Offer:
    held = _plan_of_family(books, step)
    if held is None or held["free"]:
        raise Refused("not_held")
    if held["paused"] is None:
        raise Refused("not_paused")
    if held["leaving"]:
        raise Refused("cancellation_pending")
    in_good_standing(books)
    if books.today < held["end"]:
        return Offer(lambda at: resume_inside_the_paid_cycle(books, held, at))
    return _start_of_plan(books, held["product"], held["tier"])
