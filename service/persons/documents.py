"""Which versions of the billing details an account's documents name (R92), by its events: an invoice or a
credit note names the version that was given last when it was issued."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from domain import events as e
from domain.calendar import date_of
from domain.invoices import invoice_changes


def last_documents(events: Iterable[e.Event]) -> dict[int, date]:
    """Each version that a document names, and the day on which the last such document was issued, in the
    account's zone."""
    last: dict[int, date] = {}
    version: int | None = None
    time_zone = "UTC"
    for event in events:
        if isinstance(event, e.AccountOpened):
            time_zone = event.time_zone
        elif isinstance(event, e.TaxProfileSet):
            version = event.details
        elif version is not None and _issues(event):
            last[version] = date_of(event.at, time_zone)
    return last


def kept_until(last_issued: date, years: int) -> date:
    """The day on which a document is destroyed: `years` after the end of the year of its issue (R93).

    kept_until(date(2026, 3, 20), 10)  # 2037-01-01
    """
    return date(last_issued.year + years + 1, 1, 1)


def _issues(event: e.Event) -> bool:
    issued, _ = invoice_changes(event)
    return issued is not None or isinstance(event, e.CreditNoteIssued)
