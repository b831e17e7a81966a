"""Accounts that were taken over from elsewhere, as samples: one with everything that a row can say, one with
nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from domain.catalog import Catalog, Catalogues
from domain.events import AccountImported, CommandRef, Event
from domain.import_rows import AccountRow, ProductRow
from domain.importing import account_imported

_PAID = date(2026, 4, 20)
_ROWS = {
    "a-row-that-says-all": AccountRow(
        "a1",
        "EUR",
        "Europe/Paris",
        (
            ProductRow("standard", tier="500", price="18.00", paid_until=_PAID, paid="17.00", becomes="free"),
            ProductRow("websites_core", price="10.00", paid_until=_PAID, ends=True),
            ProductRow("dedicated_ip", price="29.95", paid_until=_PAID, paid_from=date(2026, 4, 1)),
            ProductRow("transactional", paid_until=_PAID, blocks=2, next_blocks=1, topped_up=50_000),
            ProductRow("credits_5000", credits=4_200, expires_on=date(2026, 11, 3), paid="126.00"),
        ),
        pauses={"marketing": (date(2025, 8, 1), date(2026, 1, 7))},
        account_credit="4.84",
    ),
    "a-paused-plan": AccountRow(
        "a2",
        "EUR",
        "Europe/Paris",
        (
            ProductRow(
                *("standard", "marketing", "500", "18.00"),
                paid_until=_PAID,
                paused_at="2026-04-01T10:00",
                resume_on=date(2026, 6, 1),
            ),
        ),
        free_used=True,
    ),
    "nothing-held": AccountRow("a3", "EUR", "Europe/Paris"),
}


def imported_histories(catalog: Catalog, at: datetime) -> Iterator[tuple[str, list[Event]]]:
    """Each sample's name, and the event that opened its account at the instant."""
    for name, row in _ROWS.items():
        command = None if row.account == "a3" else CommandRef("owner", f"import-{row.account}", "0")
        imported = account_imported(row, at, "test", Catalogues.always(catalog), command=command)
        assert isinstance(imported, AccountImported), imported
        yield name, [imported]
