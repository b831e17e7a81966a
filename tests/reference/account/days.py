"""The beginning of a date: the lists of R30 and R53, read out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.reference.account.books import Books, Item, Line
from tests.reference.account.collecting import (
    declined,
    end_in_dispute,
    end_items,
    lapse_and_try,
    plans_left_at,
    prerequisite_met,
    remind_of_lapses,
    would_renew,
)
from tests.reference.account.discounts import reaches
from tests.reference.account.money import drafted, issue, pay_by_method
from tests.reference.amounts import blocks, by_days
from tests.reference.dates import beginning, cycle_around

_WEEK = timedelta(days=7)


def let_dates_begin(books: Books, at: int) -> None:
    """Let every date begin that begins by the instant."""
    while True:
        tomorrow = books.today + timedelta(days=1)
        begins = beginning(tomorrow, books.zone)
        if begins > at:
            return
        books.today = tomorrow
        if _something_may_happen(books, tomorrow):
            begin(books, tomorrow, begins)


def _something_may_happen(books: Books, day: date) -> bool:
    """False where the lists below have nothing for the date: most dates pass so."""
    dates = {item["end"] for item in (*books.items(), *books.packs)}
    resumes = {item["resume_on"] for item in books.plans.values()}
    return books.past_due or day in dates or day in resumes or day + _WEEK in dates


def begin(books: Books, day: date, at: int) -> None:
    """R30 with R53 before it."""
    if books.disputes:
        end_in_dispute(books, day, at)
    elif books.past_due:
        lapse_and_try(books, day, at)
    remind_of_lapses(books, day, at)
    _tell_of_free_months(books, day, at)
    renewed: list[tuple[Item, list[Line]]] = _plans_whose_cycle_ends(books, day, at)
    books.read_anchor_again()
    renewed += _addons_whose_cycle_ends(books, day, at)
    _bill(books, day, renewed, at)
    for pack in books.packs:
        if pack["end"] == day and not pack["expired"]:
            end_items(books, [pack], day, at)
    books.look(at)
    for item in books.plans_in_order():
        if item["resume_on"] == day:
            _resume_as_scheduled(books, item, at)
    _tell_of_free_months(books, day, at)


def _plans_whose_cycle_ends(books: Books, day: date, at: int) -> list[tuple[Item, list[Line]]]:
    renewed = []
    for item in books.plans_in_order():
        if item["end"] != day:
            continue
        if item["leaving"]:
            end_items(books, [item], day, at)
        elif item["paused"] is None:
            if item["downgrade"] is not None:
                _apply_downgrade(books, item, at)
            if not item["free"]:
                assert not books.past_due, "while past due nothing renews (R39)"
                renewed.append((item, _renew(books, item, day)))
    return sorted(renewed, key=lambda pair: books.shelves.place(pair[0]["product"]))


def _apply_downgrade(books: Books, item: Item, at: int) -> None:
    product, tier = item["downgrade"]
    item.update(product=product, tier=tier, downgrade=None)
    if books.shelves.is_free(product):
        books.free_moves += 1
        item.update(free=True, anchor=None, start=None, end=None, price=0, lines=[])
    books.look(at)


def _addons_whose_cycle_ends(books: Books, day: date, at: int) -> list[tuple[Item, list[Line]]]:
    renewed = []
    plans = [item["product"] for item in books.plans.values()]
    for item in list(books.addons):
        if item["end"] != day:
            continue
        if item["leaving"] or not prerequisite_met(books, item["product"], plans):
            end_items(books, [item], day, at)
        else:
            assert not books.past_due, "while past due nothing renews (R39)"
            renewed.append((item, _renew(books, item, day)))
    return renewed


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
    product = item["product"]
    if item["blocks"] is not None:
        e_mails = books.shelves.ever[product]["block"]["e_mails"]
        item.update(blocks=item["next_blocks"], allowance=item["next_blocks"] * e_mails)
        lines = blocks(product, books.shelves.last_steps[product], item["blocks"], span)
    else:
        item["price"] = books.shelves.last_price(product, item["tier"])
        lines = [by_days(product, item["tier"], item["kind"], item["price"], span, item["anchor"])]
    item["lines"] = lines
    for line in lines:
        line["item"] = item
    return lines


def _bill(books: Books, day: date, renewed: list[tuple[Item, list[Line]]], at: int) -> None:
    """R24, R38, R54, R98."""
    if not renewed:
        return
    invoice = issue(books, drafted(books, [line for _, lines in renewed for line in lines]), at)
    if invoice["due"] == 0:
        return
    if not books.refused_for_good and books.method["works"]:
        if books.method["pending"]:
            invoice.update(status="open", pending=True)
        else:
            pay_by_method(invoice)
        return
    books.was_refused_for_good |= bool(books.method["final"]) and not books.method["works"]
    declined(books, invoice, [item for item, _ in renewed], day, at)


def _resume_as_scheduled(books: Books, item: Item, at: int) -> None:
    """R36."""
    item["resume_on"] = None
    if books.past_due or books.disputes:
        return
    if books.today < item["end"]:
        resume_inside_the_paid_cycle(books, item, at)
        return
    cycle = plan_cycle(books, item["product"], item["tier"])
    draft = drafted(books, cycle["lines"])
    if draft["due"] > 0 and (books.refused_for_good or not books.method["works"]):
        books.was_refused_for_good |= bool(books.method["final"])
        return
    pay_by_method(issue(books, draft, at))
    start_plan(books, cycle, at)


def resume_inside_the_paid_cycle(books: Books, item: Item, at: int) -> None:
    """R35."""
    item.update(paused=None, resume_on=None)
    if books.anchor is None:
        books.anchor = item["anchor"]
    books.look(at)


def plan_cycle(books: Books, product: str, tier: str) -> Item:
    """R10, R11: the plan as it would start today, with the lines that cost it."""
    anchor = books.anchor or books.today
    _, end = cycle_around(anchor, books.today)
    item: dict[str, Any] = {
        "kind": "plan", "product": product, "tier": tier, "family": books.shelves.ever[product]["family"],
        "free": False, "anchor": anchor, "start": books.today, "end": end, "price": None, "leaving": False,
        "downgrade": None, "paused": None, "resume_on": None, "aside": None, "owing": [], "blocks": None,
    }  # fmt: skip
    cycle_lines(books, item, (books.today, end))
    return item


def start_plan(books: Books, item: Item, at: int) -> None:
    """The plan starts now; Free of its family, or the paused plan it resumes, makes way (R22, R34)."""
    before = books.plans.get(item["family"])
    resumed = before is not None and not before["free"]
    item["seq"] = before["seq"] if before is not None and resumed else books.number_of_purchase()
    books.plans[item["family"]] = item
    books.anchor = item["anchor"]
    books.look(at)


def _tell_of_free_months(books: Books, day: date, at: int) -> None:
    """R87: a week before the first line at a price."""
    for item in books.items():
        if item["end"] != day + _WEEK or item.get("told") == item["end"]:
            continue
        if not would_renew(books, item, plans_left_at(books, item["end"])) or books.disputes:
            continue
        line = {"kind": item["kind"], "product": item["product"], "from": item["end"]}
        was_free = any(bearer["free_by"] is not None and bearer["amount"] > 0 for bearer in item["lines"])
        if was_free and not any(_reaches_all(discount, line) for discount in books.discounts):
            item["told"] = item["end"]
            books.tell(at, fact="discount_ends", product=item["product"], on=item["end"])


def _reaches_all(discount: dict[str, Any], line: Line) -> bool:
    return discount["percent"] == 100 and reaches(discount, line)
