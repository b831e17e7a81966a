"""What always holds of an account's money (RULES.md 12 and 19): invariants 8, 9 and 10."""

from __future__ import annotations

from tests.reference.account.books import Books, Invoice, Line


def check_sums(books: Books) -> None:
    """Raise AssertionError where the money does not add up."""
    for invoice in books.invoices:
        _check_invoice(invoice)
    payments = books.recorded + _sum(books, "by_method")
    gone = _sum(books, "refunded") + _sum(books, "charged") + books.paid_out
    notes = sum(note["total"] for note in books.notes)
    owed = _sum(books, "total") - notes - _sum(books, "due") - _sum(books, "written_off")
    assert payments - gone == owed + books.credit, "payments and what they paid differ (invariant 10)"
    beside = books.credit and books.past_due and books.waiting is None
    assert not beside, "account credit beside an amount due (invariant 10)"
    for note in books.notes:
        assert note["total"] == note["lowered"] + note["refunded"] + note["to_account"] + note["moved"]
        assert note["total"] > 0


def _sum(books: Books, name: str) -> int:
    return sum(int(invoice[name]) for invoice in books.invoices)


def _check_invoice(invoice: Invoice) -> None:
    assert invoice["total"] == sum(line["net"] + line["tax"] for line in invoice["lines"])
    assert min(invoice["net"], invoice["total"], invoice["due"], invoice["credit"]) >= 0
    assert invoice["status"] == "open" or invoice["due"] == 0
    assert invoice["by_method"] - invoice["refunded"] - invoice["charged"] >= 0
    for line in invoice["lines"]:
        _check_line(line)


def _check_line(line: Line) -> None:
    sign = -1 if line["kind"] == "credit_line" else 1
    assert 0 <= sign * line["discount"] <= sign * line["amount"]
    assert line["net"] == line["amount"] - line["discount"]
    assert 0 <= sign * line["credited"] <= sign * line["net"]
    for part in line["taxes"]:
        assert 0 <= sign * part["credited"] <= sign * part["amount"]
        assert line["credited"] != line["net"] or part["credited"] == part["amount"]
