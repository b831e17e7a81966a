"""The beginning of a date: the lists of R30 and R41, read out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.reference.amounts import blocks, by_days
from tests.reference.books import Books, Item, Line
from tests.reference.dates import beginning, cycle_around, months_after


def walk_to(books: Books, at: int) -> None:
    """Let every date begin that begins by the instant."""
    while not books.closed:
        tomorrow = books.today + timedelta(days=1)
        begins = beginning(tomorrow, books.zone)
        if begins > at:
            return
        books.today = tomorrow
        _begin(books, tomorrow, begins)


def _begin(books: Books, day: date, at: int) -> None:
    if books.owed is not None:
        _lapse(books, day, at)
    renewed: list[tuple[Item, list[Line]]] = _plans_whose_cycle_ends(books, day, at)
    books.read_anchor_again()
    renewed += _addons_whose_cycle_ends(books, day, at)
    _bill(books, day, renewed)
    _expire_credits(books, day, at)
    for item in books.plans_in_order():
        if item["resume_on"] == day:
            _resume_as_scheduled(books, item, at)


def _lapse(books: Books, day: date, at: int) -> None:
    """R41."""
    assert books.owed is not None
    for item in books.owed["items"]:
        if books.holds(item) and item["end"] == day:
            _end(books, item, at)
    if not any(books.holds(item) for item in books.owed["items"]):
        books.owed["invoice"]["status"] = "uncollectible"
        books.owed = None
        return
    others = [
        item for item in [*books.plans.values(), *books.addons]
        if item["end"] == day and item["paused"] is None and item["unpaid"] is None and not item["leaving"]
    ]  # fmt: skip
    if not others:
        return
    if books.works:
        books.balance_paid(at)
        return
    for item in others:
        _end(books, item, at)


def _end(books: Books, item: Item, at: int) -> None:
    if item["kind"] == "plan":
        books.end_plan(item, at)
    else:
        books.end_addon(item, at)


def _plans_whose_cycle_ends(books: Books, day: date, at: int) -> list[tuple[Item, list[Line]]]:
    renewed = []
    for item in books.plans_in_order():
        if item["end"] != day:
            continue
        if item["leaving"]:
            books.end_plan(item, at)
        elif item["paused"] is None:
            assert books.owed is None, "while past due nothing renews (R39)"
            if item["downgrade"] is not None:
                _apply_downgrade(books, item, at)
            if not item["free"]:
                renewed.append((item, _renew(books, item, day)))
    return sorted(renewed, key=lambda pair: books.place(pair[0]["product"]))


def _apply_downgrade(books: Books, item: Item, at: int) -> None:
    product, tier, to_free = item["downgrade"]
    if product != item["product"]:
        books.use(item["product"], at, usable=False)
        books.use(product, at, usable=True)
    item.update(product=product, tier=tier, downgrade=None)
    if to_free:
        books.free_moves += 1
        item.update(free=True, anchor=None, start=None, end=None, price=0)


def _addons_whose_cycle_ends(books: Books, day: date, at: int) -> list[tuple[Item, list[Line]]]:
    renewed = []
    plans = [item["product"] for item in books.plans.values()]
    for item in list(books.addons):
        if item["end"] != day:
            continue
        if item["leaving"] or not prerequisite_met(books, item["product"], plans):
            books.end_addon(item, at)
        else:
            assert books.owed is None, "while past due nothing renews (R39)"
            renewed.append((item, _renew(books, item, day)))
    return renewed


def prerequisite_met(books: Books, product: str, plans: list[str]) -> bool:
    """R18, R28: whether one of these plans is among those that the product asks for, if it asks."""
    entry = books.addon(product)
    assert entry is not None
    return "requires" not in entry or any(plan in entry["requires"] for plan in plans)


def _renew(books: Books, item: Item, day: date) -> list[Line]:
    """R23: the next cycle, and what it costs."""
    if books.anchor is not None:
        item["anchor"] = books.anchor
    _, end = cycle_around(item["anchor"], day)
    item.update(start=day, end=end)
    return cycle_lines(books, item, (day, end))


def cycle_lines(books: Books, item: Item, span: tuple[date, date]) -> list[Line]:
    """What the span of the item's cycle costs at the catalogue's price now, which the cycle then keeps
    (R8)."""
    if item["blocks"] is not None:
        item.update(blocks=item["next_blocks"], topped=0)
        steps = books.block_steps()
        assert steps is not None
        return blocks(item["product"], steps, item["blocks"], span)
    item["price"] = books.prices[item["product"], item["tier"]]
    return [by_days(item["product"], item["tier"], item["kind"], item["price"], span, item["anchor"])]


def _bill(books: Books, day: date, renewed: list[tuple[Item, list[Line]]]) -> None:
    """R24, R38."""
    if not renewed:
        return
    lines = [line for _, of_item in renewed for line in of_item]
    invoice = books.issue(day, lines, "paid")
    if invoice["total"] > 0 and not books.works:
        invoice["status"] = "open"
        books.suspend([item for item, _ in renewed], invoice, day)


def _expire_credits(books: Books, day: date, at: int) -> None:
    for pack in books.packs:
        if pack["expires"] == day:
            pack["expired"] = True
            if not any(p["product"] == pack["product"] and not p["expired"] for p in books.packs):
                books.use(pack["product"], at, usable=False)


def _resume_as_scheduled(books: Books, item: Item, at: int) -> None:
    """R36."""
    item["resume_on"] = None
    if books.owed is not None:
        return
    if books.today < item["end"]:
        resume_inside_the_paid_cycle(books, item, at)
        return
    cycle = plan_cycle(books, item["product"], item["tier"])
    if sum(line["amount"] for line in cycle["lines"]) > 0 and not books.works:
        return
    start_plan(books, cycle, at)
    books.issue(books.today, cycle["lines"], "paid")


def resume_inside_the_paid_cycle(books: Books, item: Item, at: int) -> None:
    """R35."""
    item.update(paused=None, resume_on=None)
    if books.anchor is None:
        books.anchor = item["anchor"]
    books.use(item["product"], at, usable=True)


def plan_cycle(books: Books, product: str, tier: str) -> Item:
    """R10, R11: the plan as it would start today, with the lines that cost it."""
    entry = books.plan(product)
    assert entry is not None
    anchor = books.anchor or books.today
    _, end = cycle_around(anchor, books.today)
    item: dict[str, Any] = {
        "kind": "plan", "product": product, "tier": tier, "family": entry["family"], "free": False,
        "anchor": anchor, "start": books.today, "end": end, "price": None, "leaving": False,
        "downgrade": None, "paused": None, "resume_on": None, "unpaid": None, "blocks": None,
    }  # fmt: skip
    item["lines"] = cycle_lines(books, item, (books.today, end))
    return item


def start_plan(books: Books, item: Item, at: int) -> None:
    """The plan starts now; Free of its family, or the paused plan it resumes, makes way (R22, R34)."""
    before = books.plans.get(item["family"])
    if before is not None and before["paused"] is None:
        books.use(before["product"], at, usable=False)
    books.plans[item["family"]] = {key: value for key, value in item.items() if key != "lines"}
    books.anchor = item["anchor"]
    books.use(item["product"], at, usable=True)


def expiry(day: date) -> date:
    """R21."""
    return months_after(day, 12)
