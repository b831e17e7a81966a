"""Commands about plans (RULES.md 4, 6, 7): what stands against each, and what it does else."""

from __future__ import annotations

from typing import Any

from tests.reference.amounts import at_once, by_days
from tests.reference.books import Books, Item, Line
from tests.reference.dates import months_after
from tests.reference.days import plan_cycle, resume_inside_the_paid_cycle, start_plan
from tests.reference.offers import Answered, Offer, Refused, not_while_past_due


def _plan_asked_for(books: Books, step: dict[str, Any]) -> tuple[dict[str, Any], str, int]:
    entry = books.plan(step["product"])
    if entry is None:
        raise Refused("unknown_product")
    tier = step.get("tier", entry["tiers"][0]["id"])
    if all(tier != known["id"] for known in entry["tiers"]):
        raise Refused("unknown_product")
    if (entry["id"], tier) not in books.prices:
        raise Refused("no_price")
    return entry, tier, books.prices[entry["id"], tier]


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
    not_while_past_due(books)
    if price == 0:
        return Offer(lambda at: _start_free(books, entry, tier, at))
    return _start_of_plan(books, entry["id"], tier)


def _start_of_plan(books: Books, product: str, tier: str) -> Offer:
    item = plan_cycle(books, product, tier)
    return Offer(lambda at: start_plan(books, item, at), item["lines"])


def _start_free(books: Books, entry: dict[str, Any], tier: str, at: int) -> None:
    books.plans[entry["family"]] = {
        "kind": "plan", "product": entry["id"], "tier": tier, "family": entry["family"], "free": True,
        "anchor": None, "start": None, "end": None, "price": 0, "leaving": False, "downgrade": None,
        "paused": None, "resume_on": None, "unpaid": None, "blocks": None,
    }  # fmt: skip
    books.use(entry["id"], at, usable=True)


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
        not_while_past_due(books)
        return _start_of_plan(books, *target)
    if target == (held["product"], held["tier"]):
        if held["downgrade"] is None:
            raise Refused("already_active")
        held["downgrade"] = None
        raise Answered("reinstated")
    if held["downgrade"] == (*target, price == 0):
        raise Answered("unchanged")
    if price < held["price"]:
        return _downgrade(books, held, target, price)
    if price == 0 and not held["free"]:
        _free_once(books, held)
        not_while_past_due(books)
        return Offer(lambda at: _leave_for_free(books, held, target, at))
    not_while_past_due(books)
    lines = _upgrade_lines(books, held, target, price) if price > held["price"] else []
    return Offer(lambda at: _move(books, held, target, price, at), lines)


def _downgrade(books: Books, held: Item, target: tuple[str, str], price: int) -> Offer:
    to_free = price == 0
    if to_free:
        _free_once(books, held)
    not_while_past_due(books)
    return Offer(lambda _: held.update(downgrade=(*target, to_free)))


def _free_once(books: Books, held: Item) -> None:
    """R22."""
    others = [item["downgrade"] for item in books.plans.values() if item is not held and item["downgrade"]]
    if books.free_moves or any(asked_for_free for _, _, asked_for_free in others):
        raise Refused("free_already_used")


def _leave_for_free(books: Books, held: Item, target: tuple[str, str], at: int) -> None:
    """At once, from a plan that was repriced to 0.00."""
    _move(books, held, target, 0, at)
    held.update(free=True, anchor=None, start=None, end=None)
    books.free_moves += 1
    books.read_anchor_again()


def _upgrade_lines(books: Books, held: Item, target: tuple[str, str], price: int) -> list[Line]:
    """R29."""
    span = (books.today, held["end"])
    whole = books.catalogue.get("policies", {}).get("tier_upgrade") == "full_difference"
    if target[0] == held["product"] and whole:
        return [at_once(*target, "plan", price - held["price"], span)]
    return [
        by_days(*target, "plan", price, span, held["anchor"]),
        by_days(held["product"], held["tier"], "credit_line", held["price"], span, held["anchor"]),
    ]


def _move(books: Books, held: Item, target: tuple[str, str], price: int, at: int) -> None:
    if target[0] != held["product"]:
        books.use(held["product"], at, usable=False)
        books.use(target[0], at, usable=True)
    held.update(product=target[0], tier=target[1], price=price, downgrade=None)


def _plan_of_family(books: Books, step: dict[str, Any]) -> Item | None:
    if books.family(step["family"]) is None:
        raise Refused("unknown_product")
    return books.plans.get(step["family"])


def cancel_plan(books: Books, step: dict[str, Any]) -> Offer:
    held = _plan_of_family(books, step)
    if held is None:
        raise Refused("not_held")
    if held["leaving"]:
        raise Answered("unchanged")
    if held["free"] or (held["paused"] is not None and held["end"] <= books.today):
        return Offer(lambda at: books.end_plan(held, at))
    return Offer(lambda _: held.update(leaving=True, downgrade=None, aside=held["resume_on"], resume_on=None))


def pause_plan(books: Books, step: dict[str, Any]) -> Offer:
    held = _plan_of_family(books, step)
    family = books.family(step["family"])
    assert family is not None
    if not family["pausable"]:
        raise Refused("not_pausable")
    if held is None or held["free"]:
        raise Refused("not_held")
    if held["paused"] is not None:
        raise Refused("already_paused")
    if held["leaving"]:
        raise Refused("cancellation_pending")
    if held["downgrade"] is not None:
        raise Refused("change_pending")
    not_while_past_due(books)
    starts = books.pauses.setdefault(step["family"], [])
    if len(starts) >= 2 and books.today < months_after(starts[-2], 12):
        raise Refused("pause_limit")
    until = step.get("resume_on")
    if until is not None and until <= books.today.isoformat():
        raise Refused("invalid_date")
    return Offer(lambda at: _pause(books, held, until, at))


def _pause(books: Books, held: Item, until: str | None, at: int) -> None:
    held.update(paused=at, resume_on=None if until is None else books.today.fromisoformat(until))
    books.pauses[held["family"]].append(books.today)
    books.use(held["product"], at, usable=False)
    books.read_anchor_again()


def resume_plan(books: Books, step: dict[str, Any]) -> Offer:
    held = _plan_of_family(books, step)
    if held is None or held["free"]:
        raise Refused("not_held")
    if held["paused"] is None:
        raise Refused("not_paused")
    if held["leaving"]:
        raise Refused("cancellation_pending")
    not_while_past_due(books)
    if books.today < held["end"]:
        return Offer(lambda at: resume_inside_the_paid_cycle(books, held, at))
    return _start_of_plan(books, held["product"], held["tier"])
