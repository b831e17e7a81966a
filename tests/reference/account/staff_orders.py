"""Corrections by the seller's staff (R57, R60-R68, R79, R85)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from tests.reference.account.books import Books, Invoice, Item, Line, share
from tests.reference.account.collecting import end_items, record
from tests.reference.account.discounts import Discount, granted, is_free_month, is_over, made
from tests.reference.account.money import (
    credit_kept,
    days_of,
    drafted,
    give_back,
    issue,
    left_of,
    note,
    settled,
)
from tests.reference.account.offers import Answered, Refused
from tests.reference.account.taxes import taken_back, tax_lines, taxes_on
from tests.reference.amounts import half_up, minor

FOR_SUPPORT = ("credit_note", "grant_discount", "withdraw_discount")


def correct(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    """Do it, or raise why not."""
    by = step.get("by", "finance")
    if by != "finance" and not (by == "support" and step["do"] in FOR_SUPPORT):
        raise Refused("forbidden")
    if books.closed and step["do"] in ("grant_discount", "withdraw_discount"):
        raise Refused("account_closed")
    _CORRECTIONS[step["do"]](books, step, day, at)


def _invoice(books: Books, step: dict[str, Any]) -> Invoice:
    for invoice in books.invoices:
        if invoice["number"] == step["invoice"]:
            return invoice
    raise Refused("unknown_invoice")


def _within_limit(books: Books, step: dict[str, Any], day: date, amount: int) -> None:
    """R60."""
    if step.get("by", "finance") != "support":
        return
    limits = books.shelves.policies.get("corrections", {}).get("support_limit", {})
    limit = minor(limits.get(books.currency, "0"), books.currency)
    since = day - timedelta(days=29)
    spent = sum(before for on, before in books.by_support if on >= since)
    if spent + amount > limit:
        raise Refused("limit_exceeded")
    books.by_support.append((day, amount))


# ---- credit notes


def _credit_note(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    invoice = _invoice(books, step)
    number = step.get("line")
    if number is not None and number > len(invoice["lines"]):
        raise Refused("unknown_invoice")
    if invoice["status"] == "uncollectible" or invoice["reissued"] or invoice["pending"]:
        raise Refused("not_creditable")
    if any(invoice is other for other in books.disputes):
        raise Refused("not_creditable")
    ending = _ended_by(books, step, _asked_for(invoice, step), day) if step.get("end") else []
    parts = _whole(invoice) if number is None else _of_line(books, invoice["lines"][number - 1], step)
    total = sum(
        part["net"] + sum(amount for _, amount in taken_back(part["line"], part["net"])) for part in parts
    )
    if total <= 0:
        raise Refused("over_credited")
    _within_limit(books, step, day, total)
    note(
        books, invoice, parts, reason=step["reason"], day=day, at=at,
        to=step.get("to", "payment_method"), refund_fails=step.get("refund") == "failed",
    )  # fmt: skip
    end_items(books, ending, day, at)
    settled(books, invoice, at)


def _whole(invoice: Invoice) -> list[dict[str, Any]]:
    return [
        {"line": line, "net": left_of(line), "span": None} for line in invoice["lines"] if left_of(line) != 0
    ]


def _asked_for(invoice: Invoice, step: dict[str, Any]) -> list[dict[str, Any]]:
    """What is to be taken back, whether or not so much is left."""
    if "line" not in step:
        return _whole(invoice)
    line = invoice["lines"][step["line"] - 1]
    span = None
    if "from" in step:
        span = date.fromisoformat(step["from"]), date.fromisoformat(step["until"])
    return [{"line": line, "net": left_of(line), "span": span}]


def _of_line(books: Books, line: Line, step: dict[str, Any]) -> list[dict[str, Any]]:
    if line["kind"] == "credit_line":
        raise Refused("not_creditable")
    left = left_of(line)
    if "from" in step:
        return [_by_days(line, date.fromisoformat(step["from"]), date.fromisoformat(step["until"]))]
    net = minor(step["net"], books.currency) if "net" in step else left
    if net > left:
        raise Refused("over_credited")
    return [{"line": line, "net": net, "span": None}]


def _by_days(line: Line, start: date, end: date) -> dict[str, Any]:
    """R61: days of the line, each once; with the last of them what is left."""
    if line["days"] is None:
        raise Refused("not_creditable")
    asked = set(days_of((start, end)))
    fresh = set(days_of((line["from"], line["to"]))) - line["days_credited"]
    if not asked or not asked <= fresh:
        raise Refused("over_credited")
    left = left_of(line)
    net = left if asked == fresh else min(left, half_up(share(line["net"], len(asked), line["days"])))
    return {"line": line, "net": net, "span": (start, end)}


def _ended_by(books: Books, step: dict[str, Any], parts: list[dict[str, Any]], day: date) -> list[Item]:
    """R64: the items that the note ends, if it takes back all that is left of them."""
    if not parts or "net" in step:
        raise Refused("not_creditable")
    found: list[Item] = []
    for part in parts:
        line = part["line"]
        item = line["item"]
        charged = books.holds(item) and any(line is bearer for bearer in item["lines"])
        if not charged or (line["days"] is None and line["kind"] != "credits"):
            raise Refused("not_creditable")
        if item["kind"] == "pack" and part["net"] != line["net"]:
            raise Refused("not_creditable")
        start, end = part["span"] or (line["from"], line["to"])
        if not (start <= day < end and end == item["end"]):
            raise Refused("not_creditable")
        if all(item is not other for other in found):
            found.append(item)
    return found


def _reissue(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    """R67."""
    old = _invoice(books, step)
    fresh = old["status"] == "paid" and not old["reissued"] and not old["charged_back"]
    fresh = fresh and all(line["kind"] != "credit_line" and not line["credited"] for line in old["lines"])
    if not fresh or any(old is other for other in books.disputes):
        raise Refused("not_creditable")
    draft = _drafted_anew(books, old)
    if draft["total"] > old["total"]:
        raise Refused("not_creditable")
    if old["total"] == 0:
        raise Refused("over_credited")
    rest = old["total"] - draft["total"]
    parts = [{"line": line, "net": line["net"], "span": None} for line in old["lines"]]
    made = note_of_reissue(books, old, parts, draft["total"], day)
    old["reissued"] = True
    draft.update(credit=0, due=0)
    new = issue(books, draft, at)
    new["date"] = old["date"]
    paid_again = {name: old[name] for name in ("by_method", "refunded", "charged")}
    new.update(paid_again, credit=max(0, min(old["credit"], draft["total"])), disputed=set(old["disputed"]))
    old.update(by_method=0, refunded=0, charged=0)
    for before, after in zip(old["lines"], new["lines"], strict=True):
        item = after["item"]
        item["lines"] = [after if bearer is before else bearer for bearer in item["lines"]]
    give_back(
        books, new, made, rest, to=step.get("to", "payment_method"), day=day, at=at,
        refund_fails=step.get("refund") == "failed",
    )  # fmt: skip


def note_of_reissue(
    books: Books, old: Invoice, parts: list[dict[str, Any]], moved: int, day: date
) -> dict[str, Any]:
    """The credit note for the whole of the invoice; its money moves to the new one."""
    shown = [
        {
            "product": line["product"], "tier": line["tier"], "kind": line["kind"], "from": line["from"],
            "to": line["to"], "amount": line["net"], "tax": line["tax"],
        }
        for line in old["lines"] if line["net"]
    ]  # fmt: skip
    for part in parts:
        line = part["line"]
        line["credited"] = line["loose"] = line["net"]
        for tax in line["taxes"]:
            tax["credited"] = tax["amount"]
    made = {
        "number": f"C{len(books.notes) + 1}", "date": day, "invoice": old["number"],
        "reason": "tax",
        "net": old["net"], "tax": old["tax"], "total": old["total"], "lowered": 0, "refunded": 0,
        "to_account": 0, "lines": shown, "moved": moved,
    }  # fmt: skip
    books.notes.append(made)
    return made


def _drafted_anew(books: Books, old: Invoice) -> dict[str, Any]:
    own = (
        "product",
        "tier",
        "kind",
        "from",
        "to",
        "days",
        "of_days",
        "unit_price",
        "quantity",
        "amount",
        "item",
    )
    lines = [{name: line[name] for name in own} for line in old["lines"]]
    today, discounts = books.today, books.discounts
    books.today, books.discounts = old["date"], []
    draft = drafted(books, lines)
    books.today, books.discounts = today, discounts
    for before, after in zip(old["lines"], lines, strict=True):
        after.update({name: before[name] for name in ("discount", "net", "free_by")})
    tax_lines(lines, taxes_on(books, old["date"]))
    net, tax = sum(line["net"] for line in lines), sum(line["tax"] for line in lines)
    draft.update(net=net, tax=tax, total=net + tax, took=[])
    return draft


# ---- money


def _write_off(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    """R68."""
    invoice = _invoice(books, step)
    if not invoice["charged_back"] or invoice["status"] != "open":
        raise Refused("not_creditable")
    bound = [item for item in books.held() if any(invoice is other for other in item["owing"])]
    invoice.update(status="uncollectible", written_off=invoice["due"], due=0)
    end_items(books, bound, day, at)


def _record_payment(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    """R57."""
    amount = minor(step["amount"], books.currency)
    if "invoice" not in step:
        record(books, amount, at)
        return
    invoice = _invoice(books, step)
    left = invoice["written_off"] - invoice["recovered"]
    if left == 0:
        raise Refused("not_creditable")
    if amount > left:
        raise Refused("over_credited")
    invoice["recovered"] += amount


def _pay_out(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    """R63."""
    held = books.credit - credit_kept(books)
    amount = minor(step["amount"], books.currency) if "amount" in step else held
    if amount > held or amount == 0:
        raise Refused("over_credited")
    books.credit -= amount
    books.paid_out += amount


def _stop_tries(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    """R54."""
    invoice = _invoice(books, step)
    if invoice["stopped"] or invoice["status"] != "open":
        raise Answered("unchanged")
    invoice["stopped"] = True


# ---- discounts


def _grant_discount(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    """R79, R85-R87."""
    if step.get("nonprofit") and "nonprofit_percent" not in books.shelves.policies:
        raise Refused("unknown_discount")
    if any(product not in books.shelves.ever for product in step.get("products", [])):
        raise Refused("unknown_product")
    discount = made(step, books, day, last_day=step.get("last_day"))
    if discount["carried"]:
        _within_limit(books, step, day, discount["fixed"])
    named = discount["products"] or []
    once_free(books, discount, named)
    if is_free_month(discount):
        books.free_months.update(named)
    granted(books, discount)


def once_free(books: Books, discount: Discount, products: list[str]) -> None:
    """R87: free months once for each product; they count where staff names it, and where they made a line
    free."""
    if is_free_month(discount) and books.free_months & set(products):
        raise Refused("already_used")


def _withdraw_discount(books: Books, step: dict[str, Any], day: date, at: int) -> None:
    number = int(step["discount"][1:])
    if not 1 <= number <= len(books.discounts):
        raise Refused("unknown_discount")
    discount = books.discounts[number - 1]
    if is_over(discount, day):
        raise Answered("unchanged")
    discount["over"] = True


_CORRECTIONS: dict[str, Callable[[Books, dict[str, Any], date, int], None]] = {
    "credit_note": _credit_note,
    "reissue": _reissue,
    "write_off": _write_off,
    "record_payment": _record_payment,
    "pay_out": _pay_out,
    "stop_tries": _stop_tries,
    "grant_discount": _grant_discount,
    "withdraw_discount": _withdraw_discount,
}
CORRECTIONS = frozenset(_CORRECTIONS)
