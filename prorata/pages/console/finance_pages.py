"""The pages of finance: the books by month, receivables by age, what is earned, what recurs; each with its
table as a file too."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from prorata.cli.account.present import names_of
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.pages.console.account_pages import as_csv
from prorata.pages.console.books import MOVEMENTS, booked, by_age, clock_of, recurs
from prorata.pages.console.frame import page, quoted
from prorata.pages.page import Seen, Shown, Visit
from prorata.wording import Wording

_BOOKS: Final = "/console/books"


async def _shown(desk: Desk, visit: Visit, template: str, tab: str, **values: Any) -> Shown:
    common = {"clock": clock_of(visit.call), "tab": tab, "quoted": quoted}
    catalogues, now = await desk.run(desk.system.catalogues.on_the_wall_clock), await desk.now()
    say = Wording(visit.language, names_of(catalogues.ever_sold(now)))
    return Shown(f"console/{template}", {"wording": say} | common | values)


def _wants_csv(visit: Visit) -> bool:
    return visit.call.query.get("as") == "csv"


async def books(desk: Desk, visit: Visit) -> Seen:
    """The books by month."""
    found = await booked(desk, visit.call)
    if _wants_csv(visit):
        heading = (
            "month",
            "currency",
            "invoiced",
            "paid",
            "credited",
            "given_back",
            "written_off",
            "accounts",
        )
        return as_csv(
            "books", heading, [tuple(getattr(one, name) for name in heading) for one in found.months]
        )
    return await _shown(desk, visit, "books.html", "books", found=found, currencies=_currencies(found.months))


async def revenue(desk: Desk, visit: Visit) -> Seen:
    """What of each month's invoices is earned by now."""
    found = await booked(desk, visit.call)
    heading = ("month", "currency", "product", "invoiced", "recognised", "deferred")
    if _wants_csv(visit):
        rows = [tuple(getattr(one, name) for name in heading) for one in found.earned]
        return as_csv("revenue", heading, rows)
    return await _shown(
        desk, visit, "revenue.html", "revenue", found=found, currencies=_currencies(found.earned)
    )


async def aged(desk: Desk, visit: Visit) -> Seen:
    """Receivables by age."""
    found = await by_age(desk, visit.call)
    if _wants_csv(visit):
        rows = [
            (one.account_id, one.number, one.date, one.currency, one.total, one.due, band.least)
            for bands in found.values()
            for band in bands
            for one in band.invoices
        ]
        heading = ("account", "invoice", "date", "currency", "total", "due", "age_from")
        return as_csv("receivables", heading, rows)
    return await _shown(desk, visit, "receivables.html", "receivables", found=found)


async def recurring(desk: Desk, visit: Visit) -> Seen:
    """What recurs each month, by product and movement; the accounts behind one month's."""
    month = _month(visit.call.query.get("month"))
    found = await recurs(desk, visit.call, month)
    if _wants_csv(visit):
        heading = ("month", "currency", "product", "amount")
        rows = [
            (one.month, currency, product, amount)
            for currency, shown in found.items()
            for one in shown.months
            for product, amount in sorted(one.by_product.items())
        ]
        return as_csv("recurring", heading, rows)
    return await _shown(
        desk, visit, "recurring.html", "recurring", found=found, month_asked=month, movements=MOVEMENTS
    )


def _currencies(rows: Any) -> list[str]:
    return sorted({one.currency for one in rows})


def _month(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise refuse("invalid_parameter", "`month` is a month such as 2026-03", place="month") from None


PAGES: Final = (
    page("GET", _BOOKS, "console-books", "books", books),
    page("GET", f"{_BOOKS}/revenue", "console-revenue", "books", revenue),
    page("GET", f"{_BOOKS}/receivables", "console-receivables", "books", aged),
    page("GET", f"{_BOOKS}/recurring", "console-recurring", "books", recurring),
)
