"""What will be billed in the next twelve months, as things stand."""

from __future__ import annotations

from functools import partial

from domain.forecast import forecast
from domain.money import zero
from prorata.http.desk import Desk
from prorata.pages.account.opened import opened
from prorata.pages.page import Shown, Visit

TAB = "/account/estimate"


async def show(desk: Desk, visit: Visit) -> Shown:
    """The invoices to come, each with what is on it."""
    account = await opened(desk, visit)
    looked, say, currency = account.looked, account.say, account.currency
    found = await desk.run(partial(forecast, looked.state, looked.at, looked.catalogues))
    most = max([invoice.total for invoice in found.invoices], default=zero(currency))
    rows = [
        {
            "date": say.day(invoice.date),
            "products": say.listed(list(dict.fromkeys(say.product(line.product) for line in invoice.lines))),
            "total": say.amount(invoice.total, currency),
            "share": int(100 * invoice.total / most) if most else 0,
        }
        for invoice in found.invoices
    ]
    total = sum([invoice.total for invoice in found.invoices], zero(currency))
    return account.shown("estimate.html", TAB, {"rows": rows, "total": say.amount(total, currency)})
