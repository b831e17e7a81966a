"""Invoices, credit notes and account credit (R51, R57, R61-R65, R75)."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.reference.account.books import Books, Invoice, Item, Line, share
from tests.reference.account.discounts import Discount, discount_lines, granted, use_up
from tests.reference.account.taxes import Key, taken_back, tax_lines, taxes_on
from tests.reference.amounts import by_days, half_up

Draft = dict[str, Any]


# ---- an invoice before it is issued


def drafted(books: Books, lines: list[Line], item: Item | None = None, code: Discount | None = None) -> Draft:
    """The invoice of these lines as it would be issued today. `code`: a discount that comes with it."""
    for line in lines:
        line.update(item=line.get("item", item), discount=line.get("discount", 0), credited=0, loose=0)
        line.update(days_credited=set(), taxes=line.get("taxes", []), issued_on=None)
    charges = [line for line in lines if line["kind"] != "credit_line"]
    credit = next((line for line in lines if line["kind"] == "credit_line"), None)
    worth = 0 if credit is None else -credit["net"]
    discounts = [*books.discounts, *([] if code is None else [code])]
    took = discount_lines(charges, discounts, worth)
    for line in charges:
        line["net"] = line["amount"] - line["discount"]
    keys = taxes_on(books, books.today)
    apart: list[tuple[Line, int]] = []
    if credit is not None and worth > 0 and _credited_apart(credit, charges, keys):
        apart = credit["takes"]
        lines = charges
    tax_lines(lines, keys)
    net, tax = sum(line["net"] for line in lines), sum(line["tax"] for line in lines)
    noted = sum(net + sum(amount for _, amount in taken_back(line, net)) for line, net in apart)
    total = net + tax
    taken = min(total, books.credit + noted)
    return {
        "lines": lines, "took": took, "apart": apart, "apart_span": None if credit is None else credit,
        "code": code, "net": net, "tax": tax, "total": total, "credit": taken, "due": total - taken,
    }  # fmt: skip


def _credited_apart(credit: Line, charges: list[Line], keys: list[Key]) -> bool:
    """R75: whether the old lines are credited by notes instead of a line."""
    other_taxes = any({part["key"] for part in line["taxes"]} != set(keys) for line, _ in credit["takes"])
    return other_taxes or -credit["net"] > sum(line["net"] for line in charges)


def credit_line(held: Item, span: tuple[date, date]) -> Line:
    """R29, R65: the old price of the days left, less what its lines no longer bear."""
    line = by_days(held["product"], held["tier"], "credit_line", held["price"], span, held["anchor"])
    days = days_of(span)
    gone = set().union(*(bearer["days_credited"] for bearer in held["lines"]))
    left = len([day for day in days if day not in gone])
    billed = sum(bearer["amount"] for bearer in held["lines"])
    borne = sum(bearer["amount"] - bearer["discount"] - bearer["loose"] for bearer in held["lines"])
    worth = 0
    if billed:
        worth = half_up(share(-line["amount"], left, len(days)) * Fraction(borne, billed))
    remains = [(bearer, bearer["net"] - bearer["credited"]) for bearer in reversed(held["lines"])]
    worth = max(0, min(worth, sum(rest for _, rest in remains)))
    takes, missing = [], worth
    for bearer, rest in remains:
        if missing and rest:
            takes.append((bearer, min(rest, missing)))
            missing -= takes[-1][1]
    taxes = [
        {"key": part["key"], "amount": -amount, "credited": 0}
        for bearer, net in takes
        for part, amount in taken_back(bearer, net)
    ]
    line.update(net=-worth, discount=line["amount"] + worth, takes=takes, taxes=_merged(taxes))
    line.update(bearers=list(held["lines"]))
    return line


def _merged(taxes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    merged: dict[Key, dict[str, Any]] = {}
    for part in taxes:
        known = merged.setdefault(part["key"], {**part, "amount": 0})
        known["amount"] += part["amount"]
    return list(merged.values())


def days_of(span: tuple[date, date]) -> list[date]:
    """The days of the span, the end not in."""
    return [span[0] + timedelta(days=n) for n in range((span[1] - span[0]).days)]


# ---- issuing


def issue(books: Books, draft: Draft, at: int) -> Invoice:
    """R47: the next invoice; it takes of the account credit what it was to take."""
    if draft["apart"]:
        _credit_apart(books, draft, at)
    taken = draft["credit"]
    assert taken <= books.credit
    books.credit -= taken
    invoice = {
        "number": len(books.invoices) + 1, "date": books.today, "lines": draft["lines"], "net": draft["net"],
        "tax": draft["tax"], "total": draft["total"], "credit": taken, "due": draft["due"],
        "status": "paid", "pending": False, "charged_back": False, "reissued": False, "by_method": 0,
        "refunded": 0, "charged": 0, "tries": [], "remind_before": None, "stopped": False,
        "reminded_of_lapse": False,
        "written_off": 0, "recovered": 0, "disputed": set(),
    }  # fmt: skip
    books.invoices.append(invoice)
    for line in draft["lines"]:
        line["issued_on"] = invoice
        if line["kind"] == "credit_line":
            for bearer, net in line["takes"]:
                credit_of_line(bearer, net, days_of((line["from"], line["to"])))
            for bearer in line["bearers"] if line["takes"] else []:
                if bearer["days"] is not None:
                    span = set(days_of((line["from"], line["to"])))
                    bearer["days_credited"] |= span & set(days_of((bearer["from"], bearer["to"])))
    if draft["code"] is not None:
        granted(books, draft["code"])
    use_up(draft["took"])
    books.free_months |= {
        line["product"] for line in draft["lines"] if line.get("free_by") and line["amount"]
    }
    return invoice


def _credit_apart(books: Books, draft: Draft, at: int) -> None:
    span = (draft["apart_span"]["from"], draft["apart_span"]["to"])
    for invoice in reversed(books.invoices):
        parts = [
            {"line": line, "net": net, "span": None if line["days"] is None else span}
            for line, net in draft["apart"]
            if line["issued_on"] is invoice
        ]
        if parts:
            note(books, invoice, parts, reason="upgrade", day=books.today, at=at, to="account")


def pay_by_method(invoice: Invoice) -> None:
    """The method paid all that is due of it."""
    invoice["by_method"] += invoice["due"]
    invoice["due"] = 0


# ---- what is open


def settled(books: Books, invoice: Invoice, at: int) -> None:
    """R40, R41a, R57: an open invoice of which nothing is due any more is paid or uncollectible."""
    if invoice["status"] != "open" or invoice["due"] > 0:
        return
    bound = [item for item in books.held() if any(invoice is other for other in item["owing"])]
    invoice["status"] = "paid" if bound or invoice["charged_back"] else "uncollectible"
    invoice["tries"] = []
    for item in bound:
        item["owing"] = [other for other in item["owing"] if other is not invoice]
    books.look(at)


def pay_all(books: Books, invoices: list[Invoice], at: int) -> None:
    """All that is due of the invoices was paid by the method."""
    for invoice in invoices:
        pay_by_method(invoice)
        settled(books, invoice, at)


def money_for_open(books: Books, amount: int, at: int, *, credit: bool) -> int:
    """Money pays what is open, the oldest first; what is left of it."""
    for invoice in books.open_invoices():
        if invoice["due"] == 0 or (books.waiting and invoice["number"] in books.waiting["pays"]):
            continue
        part = min(amount, invoice["due"])
        invoice["due"] -= part
        amount -= part
        if credit:
            invoice["credit"] += part
        settled(books, invoice, at)
    return amount


def credit_arises(books: Books, amount: int, at: int) -> None:
    """R63."""
    books.credit += amount
    credit_pays(books, at)


def credit_pays(books: Books, at: int) -> None:
    """R63: credit pays what is open, but what a waiting purchase will take of it."""
    kept = credit_kept(books)
    free, books.credit = books.credit - kept, kept
    books.credit += money_for_open(books, free, at, credit=True)


def credit_kept(books: Books) -> int:
    """R96: the account credit that the purchase takes whose payment waits for the customer."""
    return 0 if books.waiting is None else min(books.credit, int(books.waiting["takes"]))


# ---- credit notes


def left_of(line: Line) -> int:
    """The net that is not yet credited; of a credit line negative."""
    return int(line["net"] - line["credited"])


def credit_of_line(line: Line, net: int, days: list[date] | None) -> dict[Key, int]:
    """So much net of the line is taken back; the taxes that go with it."""
    taxes: dict[Key, int] = {}
    for part, amount in taken_back(line, net):
        part["credited"] += amount
        taxes[part["key"]] = amount
    line["credited"] += net
    if days is None:
        line["loose"] += net
    elif line["days"] is not None:
        line["days_credited"] |= set(days) & set(days_of((line["from"], line["to"])))
    else:
        line["loose"] += net
    if line["kind"] == "credit_line":
        _give_again(line)
    return taxes


def _give_again(line: Line) -> None:
    """R61: a credit line is taken back, so what it took back counts as credited no more."""
    for bearer, net in line["takes"]:
        for part, amount in taken_back(bearer, -net):
            part["credited"] += amount
        bearer["credited"] -= net
        if bearer["days"] is None:
            bearer["loose"] -= net
    for bearer in line["bearers"]:
        bearer["days_credited"] -= set(days_of((line["from"], line["to"])))


def note(
    books: Books, invoice: Invoice, parts: list[dict[str, Any]], *, reason: str, day: date, at: int,
    to: str = "account", refund_fails: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """R61, R62: a credit note over parts (line, net, span or None), and where its money goes."""
    shown = []
    for part in parts:
        line, net, span = part["line"], part["net"], part["span"]
        taxes = credit_of_line(line, net, None if span is None else days_of(span))
        start, end = span or (line["from"], line["to"])
        shown.append({
            "product": line["product"], "tier": line["tier"], "kind": line["kind"],
            "from": start, "to": end, "amount": net, "tax": sum(taxes.values()),
        })  # fmt: skip
    net, tax = sum(line["amount"] for line in shown), sum(line["tax"] for line in shown)
    made = {
        "number": f"C{len(books.notes) + 1}", "date": day, "invoice": invoice["number"], "reason": reason,
        "net": net, "tax": tax, "total": net + tax, "lowered": 0, "refunded": 0, "to_account": 0,
        "lines": shown, "moved": 0,
    }  # fmt: skip
    books.notes.append(made)
    rest = made["total"]
    if invoice["status"] == "open" and not invoice["pending"]:
        made["lowered"] = min(rest, invoice["due"])
        invoice["due"] -= made["lowered"]
        rest -= made["lowered"]
    give_back(books, invoice, made, rest, to=to, day=day, at=at, refund_fails=refund_fails)
    return made


def give_back(
    books: Books, invoice: Invoice, made: dict[str, Any], rest: int, *, to: str, day: date, at: int,
    refund_fails: bool,
) -> None:  # fmt: skip
    """R62: what is left of a credit note is refunded, or is account credit."""
    refund = min(rest, refundable(invoice)) if to == "payment_method" else 0
    if refund:
        fact = "refund_failed" if refund_fails else "refunded"
        books.tell(at, fact=fact, invoice=made["invoice"], amount=refund)
    if refund_fails:
        refund = 0
    invoice["refunded"] += refund
    made["refunded"], made["to_account"] = refund, rest - refund
    credit_arises(books, rest - refund, at)


def refundable(invoice: Invoice) -> int:
    """What a method paid of the invoice and was neither refunded nor charged back."""
    return int(invoice["by_method"] - invoice["refunded"] - invoice["charged"])
