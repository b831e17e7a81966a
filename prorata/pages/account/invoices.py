"""Invoices: the list, and each with its explanation line by line (R47); the statement of a span (R95)."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from domain.calendar import CivilDate, date_of, parse_date
from domain.errors import InvalidInput
from domain.invoice_story import InvoiceStory
from domain.statement import Statement, statement
from projections.models import invoices
from projections.models.invoices import InvoiceDocument
from prorata.cli.account.explain import story_of
from prorata.http.call import Answered
from prorata.http.desk import Desk
from prorata.http.documents import documents, invoice_number
from prorata.http.stories import Told
from prorata.pages.account.details import payer_lines
from prorata.pages.account.opened import Opened, opened
from prorata.pages.page import Shown, Visit
from prorata.wording import calculation_said, event_said, rule_said, tax_said
from prorata.wording.lines import shares_said, span, titled
from prorata.wording.statements import statement_line_said

TAB: Final = "/account/invoices"
PAGE: Final = 50


async def show_list(desk: Desk, visit: Visit) -> Shown:
    """A page of the invoices, the oldest first."""
    account = await opened(desk, visit)
    after = visit.call.whole_number("after") or 0
    found, _ = await documents(desk, visit.call, invoices.FOLD, invoices.of_account, after, PAGE + 1)
    rows = [_row(one, account) for one in found[:PAGE]]
    following = found[PAGE - 1].number if len(found) > PAGE else None
    today = date_of(account.looked.at, account.zone)
    values = {
        "rows": rows,
        "following": following,
        "after": after,
        "year_begins": date(today.year, 1, 1).isoformat(),
        "tomorrow": (today + timedelta(days=1)).isoformat(),
    }
    return account.shown("invoices.html", TAB, values)


def _row(one: InvoiceDocument, account: Opened) -> dict[str, Any]:
    say, currency = account.say, account.currency
    due = one.due or None
    return {
        "number": one.number,
        "date": say.day(one.date),
        "status": one.status,
        "total": say.amount(one.total, currency),
        "due": None if due is None else say.amount(due, currency),
        "products": say.listed(list(dict.fromkeys(say.product(line.product) for line in one.lines))),
    }


async def show_one(desk: Desk, visit: Visit) -> Shown:
    """One invoice, and why it is what it is."""
    account = await opened(desk, visit)
    number = invoice_number(visit.call)
    told = await desk.run(partial(Told.of, desk.system.log, visit.customer.account_id))
    story = story_of(told.events, told.state, str(number), account.looked.account)
    assert isinstance(story, InvoiceStory)
    payer = await payer_lines(desk, account)
    return account.shown("invoice.html", TAB, _explained(story, told, account) | {"payer": payer})


def _explained(story: InvoiceStory, told: Told, account: Opened) -> dict[str, Any]:
    say, currency, invoice = account.say, account.currency, story.invoice
    lines = [
        {
            "product": titled(one.line, say),
            "days": span(one.line, say),
            "why": calculation_said(one.line, currency, say),
            "taxes": shares_said(one.line.taxes or (), currency, say),
            "rule": rule_said(one.rule, say),
            "net": say.amount(one.line.net, currency),
            "because": [_event(told, version, account) for version in one.because],
        }
        for one in story.lines
    ]
    return {
        "number": invoice.number,
        "date": say.day(invoice.date),
        "status": story.status,
        "lines": lines,
        "taxes": [(tax_said(tax, currency, say), say.amount(tax.tax, currency)) for tax in story.taxes],
        "total": say.amount(invoice.total, currency),
        "credit": say.amount(invoice.credit_taken, currency) if invoice.credit_taken else None,
        "charge": say.amount(invoice.charge, currency),
        "due": say.amount(story.record.due, currency) if story.record.due else None,
        "happened": [_event(told, version, account) for version in sorted({story.issued, *story.payment})],
    }


def _event(told: Told, version: int, account: Opened) -> tuple[str, str]:
    event = told.events[version - 1]
    when = account.say.moment(event.at, account.zone)
    return when, event_said(event, account.currency, account.say)


async def show_statement(desk: Desk, visit: Visit) -> Shown:
    """The statement of a span of days."""
    account = await opened(desk, visit)
    begins, until = _span(visit, account)
    found = await _statement(desk, visit, begins, until)
    say, currency = account.say, account.currency
    values = {
        "begins": begins.isoformat(),
        "until": until.isoformat(),
        "opening": say.amount(found.opening, currency),
        "closing": say.amount(found.closing, currency),
        "from_said": say.day(begins),
        "until_said": say.day(until),
        "lines": [
            (
                say.day(line.date),
                statement_line_said(line, say),
                say.amount(line.amount, currency),
                line.invoice,
            )
            for line in found.lines
        ],
    }
    return account.shown("statement.html", TAB, values)


async def download_statement(desk: Desk, visit: Visit) -> Answered:
    """The same as a table for a spreadsheet."""
    account = await opened(desk, visit)
    begins, until = _span(visit, account)
    found = await _statement(desk, visit, begins, until)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["date", "kind", "invoice", "credit_note", "amount", "currency", "sentence"])
    writer.writerow([begins, "opening", "", "", found.opening, found.currency, ""])
    for line in found.lines:
        note = "" if line.credit_note is None else f"C{line.credit_note}"
        said = _no_formula(statement_line_said(line, account.say))
        writer.writerow([line.date, line.kind, line.invoice or "", note, line.amount, found.currency, said])
    writer.writerow([until, "closing", "", "", found.closing, found.currency, ""])
    headers = {
        "Content-Disposition": f'attachment; filename="statement-{begins}-{until}.csv"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Answered(out.getvalue().encode(), 200, headers, "text/csv; charset=utf-8")


def _no_formula(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def _span(visit: Visit, account: Opened) -> tuple[CivilDate, CivilDate]:
    """The days asked for; else this year's so far."""
    today = date_of(account.looked.at, account.zone)
    given = visit.call.query
    begins = parse_date(given["from"], "from") if given.get("from") else date(today.year, 1, 1)
    until = parse_date(given["until"], "until") if given.get("until") else today + timedelta(days=1)
    if until < begins:
        raise InvalidInput("invalid_parameter", "until", "`until` is not before `from`")
    return begins, until


async def _statement(desk: Desk, visit: Visit, begins: CivilDate, until: CivilDate) -> Statement:
    def work() -> Statement:
        told = Told.of(desk.system.log, visit.customer.account_id)
        return statement(told.events, begins, until)

    return await desk.run(work)
