"""Not paying and collecting (R38-R41a, R52-R58, R98)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.reference.account.books import Books, Invoice, Item, Line
from tests.reference.account.money import (
    credit_arises,
    credit_pays,
    left_of,
    money_for_open,
    note,
    pay_all,
    refundable,
    settled,
)
from tests.reference.dates import beginning

# ---- ends


def end_items(books: Books, items: list[Item], day: date, at: int) -> None:
    """The items end now; what was billed and could not be used is taken back (R41a)."""
    owed = [(item, list(item["owing"])) for item in items]
    for item in items:
        books.let_go(item)
        if books.disputes and books.usable_but_for_disputes(item):
            books.left[item["product"]] = books.disputed_at
    books.read_anchor_again()
    books.look(at)
    for invoice in books.open_invoices():
        unpaid = [item for item, owing in owed if any(invoice is other for other in owing)]
        if unpaid and not invoice["charged_back"]:
            _take_back(books, invoice, unpaid, day, at)


def _take_back(books: Books, invoice: Invoice, unpaid: list[Item], day: date, at: int) -> None:
    parts = [
        {"line": line, "net": left_of(line), "span": None}
        for line in invoice["lines"]
        if any(line["item"] is item for item in unpaid) and left_of(line) > 0
    ]
    if parts:
        note(books, invoice, parts, reason="not_supplied", day=day, at=at)
    if not any(any(invoice is other for other in item["owing"]) for item in books.held()):
        invoice["due"] = 0
    settled(books, invoice, at)


def would_renew(books: Books, item: Item, plans_left: list[str]) -> bool:
    """Whether the item goes on when its cycle ends, as itself or downgraded to a monthly plan."""
    if item["paused"] is not None or item["leaving"] or item["owing"] or item["end"] is None:
        return False
    if item["kind"] == "plan":
        return item["downgrade"] is None or not books.shelves.is_free(item["downgrade"][0])
    return prerequisite_met(books, item["product"], plans_left)


def prerequisite_met(books: Books, product: str, plans: list[str]) -> bool:
    """R18, R28: whether one of these plans is among those that the product asks for, if it asks."""
    needed = books.shelves.requires(product)
    return needed is None or any(plan in needed for plan in plans)


def plans_left_at(books: Books, day: date) -> list[str]:
    """R28: the plans that will be held once the plans of that date have ended or moved, as things stand."""
    left = []
    for item in books.plans.values():
        over = item["end"] is not None and item["end"] <= day
        if over and item["leaving"]:
            continue
        left.append(item["downgrade"][0] if over and item["downgrade"] is not None else item["product"])
    return left


# ---- the beginning of a date


def lapse_and_try(books: Books, day: date, at: int) -> None:
    """R41, R53: items lapse, then at most one try, then what it would have saved ends."""
    ending = [item for item in books.items() if item["end"] == day and item["paused"] is None]
    lapsing = [item for item in ending if item["owing"]]
    end_items(books, lapsing, day, at)
    if not books.past_due:
        return
    plans = plans_left_at(books, day)
    saved = [item for item in books.items() if item["end"] == day and would_renew(books, item, plans)]
    asked = any(day in invoice["tries"] for invoice in books.open_invoices() if not invoice["stopped"])
    if (asked or saved) and may_try(books) and _try(books, at):
        return
    end_items(books, saved, day, at)


def may_try(books: Books) -> bool:
    """R54."""
    stopped = all(invoice["stopped"] for invoice in books.open_invoices())
    return not (books.refused_for_good or stopped or books.disputes)


def _try(books: Books, at: int) -> bool:
    paid = bool(books.method["works"])
    books.tell(at, fact="try", amount=books.all_due(), paid=paid)
    if paid:
        pay_all(books, books.open_invoices(), at)
        return True
    books.was_refused_for_good |= bool(books.method["final"])
    for invoice in books.open_invoices():
        invoice["tries"] = [one for one in invoice["tries"] if beginning(one, books.zone) > at]
    for invoice in books.open_invoices():
        remind(books, invoice, "try_declined", at)
    return False


def end_in_dispute(books: Books, day: date, at: int) -> None:
    """R58: while a dispute is open nothing renews."""
    end_items(
        books,
        [
            item for item in books.items()
            if item["end"] == day and (item["paused"] is None or item["leaving"])
        ],
        day, at,
    )  # fmt: skip


# ---- declined renewals


def declined(books: Books, invoice: Invoice, items: list[Item], day: date, at: int) -> None:
    """R38, R52: the renewal's invoice stays open, and its items are suspended."""
    invoice["status"] = "open"
    for item in items:
        item["owing"].append(invoice)
    books.look(at)
    policy = books.shelves.policies.get("collection")
    if policy is not None:
        last = max(item["end"] for item in items)
        dates = [day + timedelta(days=after) for after in policy.get("retry_days", [])]
        begun = [one for one in dates if beginning(one, books.zone) <= at]
        invoice["tries"] = sorted({one for one in dates if one < last and one not in begun})
    _remind_later(books, invoice, at)
    if policy is not None:
        remind(books, invoice, "declined", at)


def _remind_later(books: Books, invoice: Invoice, at: int) -> None:
    """R55: how long before a lapse the customer is reminded, by the policy of today."""
    invoice["due_since"] = at
    policy = books.shelves.policies.get("collection")
    if policy is not None:
        invoice["remind_before"] = timedelta(days=policy.get("remind_before_lapse", 3))


def remind(books: Books, invoice: Invoice, stage: str, at: int) -> None:
    """R55."""
    if books.shelves.policies.get("collection") is None:
        return
    tries = [one for one in invoice["tries"] if beginning(one, books.zone) > at]
    if invoice["stopped"] or not may_try(books):
        tries = []
    books.tell(
        at, fact="reminder", invoice=invoice["number"], stage=stage, due=invoice["due"],
        next_try=min(tries, default=None),
        lapses=[{"product": item["product"], "on": item["end"]} for item in _bound(books, invoice)],
    )  # fmt: skip


def _bound(books: Books, invoice: Invoice) -> list[Item]:
    """The items that the open invoice suspends, as its lines have them."""
    held = [item for item in books.items() if any(invoice is other for other in item["owing"])]
    places = {id(line["item"]): place for place, line in reversed(list(enumerate(invoice["lines"])))}
    return sorted(held, key=lambda item: places[id(item)])


def remind_of_lapses(books: Books, day: date, at: int) -> None:
    """R55: `lapses_soon`, once an invoice."""
    for invoice in books.open_invoices():
        ends = [item["end"] for item in _bound(books, invoice)]
        before = invoice["remind_before"]
        if before is None or not ends or invoice["reminded_of_lapse"]:
            continue
        if min(ends) - before == day and at > invoice["due_since"]:
            invoice["reminded_of_lapse"] = True
            remind(books, invoice, "lapses_soon", at)


# ---- the provider's facts


def fact_of_dispute(books: Books, step: dict[str, Any], day: date, at: int) -> tuple[str, str | None]:
    """R58: outcome and code."""
    fact = step["do"]
    invoice = next((inv for inv in books.invoices if inv["number"] == step["invoice"]), None)
    if invoice is None:
        return "rejected", "unknown_invoice"
    if fact in invoice["disputed"] or (fact == "dispute_opened" and invoice["disputed"]):
        return "unchanged", None
    if fact != "dispute_won" and refundable(invoice) <= 0:
        return "rejected", "unknown_invoice"
    if fact == "dispute_won" and not any(invoice is other for other in books.disputes):
        return ("unchanged", None) if invoice["disputed"] else ("rejected", "unknown_invoice")
    invoice["disputed"].add(fact)
    if fact == "dispute_opened":
        books.disputed_at = books.disputed_at if books.disputes else at
        books.disputes.append(invoice)
    else:
        books.disputes = [other for other in books.disputes if other is not invoice]
    if fact == "dispute_lost":
        amount = refundable(invoice)
        invoice["charged"] += amount
        charged_back(books, invoice, amount, day, at)
    books.look(at)
    return "accepted", None


def charged_back(books: Books, invoice: Invoice, amount: int, day: date, at: int) -> None:
    """R58, R98: the amount is due (again); what it billed of today is suspended, all else can be used."""
    _remind_later(books, invoice, at)
    invoice.update(status="open", charged_back=True, due=invoice["due"] + amount, pending=False)
    for item in books.held():
        if any(line["item"] is item and _charges(line, day) for line in invoice["lines"]):
            item["owing"].append(invoice)
    books.look(at)
    credit_pays(books, at)


def _charges(line: Line, day: date) -> bool:
    """Whether the day is one for which the line charges what the item now is."""
    present = line["kind"] == "blocks" or any(line is bearer for bearer in line["item"]["lines"])
    return present and bool(line["from"] <= day < line["to"])


def late_answer(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    """R98: how a late payment ended."""
    invoice = next(inv for inv in books.invoices if inv["number"] == step["invoice"])
    if not invoice["pending"]:
        return
    books.last_at = at
    if step["answer"] == "paid":
        invoice.update(pending=False, status="paid", by_method=invoice["by_method"] + invoice["due"], due=0)
    else:
        invoice["disputed"].add("dispute_lost")
        charged_back(books, invoice, 0, day, at)


def record(books: Books, amount: int, at: int) -> None:
    """R57: money that came in another way."""
    books.recorded += amount
    credit_arises(books, money_for_open(books, amount, at, credit=False), at)
