"""The account as a scenario speaks of it: standing, invoices, entitlements and windows, in catalogue
order, moments as they are written."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain.calendar import CivilDate, Instant, local_text
from domain.catalog import Catalog
from domain.events import Line
from domain.invoices import InvoiceEntry, Invoices, InvoiceStatus
from domain.state import Account
from domain.views import EntitlementStatus, Standing, access_windows, entitlements, standing


class ShownInvoice(msgspec.Struct, frozen=True, gc=False):
    """An invoice without its instant of issue, which depends on when the billing run ran (R25)."""

    number: int
    date: CivilDate
    total: Decimal
    status: InvoiceStatus
    lines: tuple[Line, ...]


class ShownEntitlement(msgspec.Struct, frozen=True, gc=False):
    """An entitlement; `access_until` is a date where it is the beginning of one, else an instant with the
    zone's offset."""

    product: str
    status: EntitlementStatus
    renews: bool
    access_until: str | None
    allowance: int | None


class ShownWindow(msgspec.Struct, frozen=True, gc=False, rename={"from_": "from"}):
    """A span of use, written as `access_until` is."""

    from_: str
    until: str | None


class ShownWindows(msgspec.Struct, frozen=True, gc=False):
    """A product's windows."""

    product: str
    windows: tuple[ShownWindow, ...]
    renews: bool


class Shown(msgspec.Struct, frozen=True, gc=False):
    """The whole state in the expectation's terms."""

    account: Standing
    invoices: tuple[ShownInvoice, ...]
    entitlements: tuple[ShownEntitlement, ...]
    access_windows: tuple[ShownWindows, ...]


def shown(state: Account, invoices: Invoices, catalog: Catalog) -> Shown:
    """What is shown of the account as it stands."""
    zone = state.time_zone

    def text(at: Instant | None) -> str | None:
        return None if at is None else local_text(at, zone)

    held = sorted(entitlements(state).values(), key=lambda e: catalog.order(e.product))
    windows = access_windows(state)

    def spans(product: str) -> ShownWindows:
        used = windows[product]
        shown_spans = [ShownWindow(local_text(w.start, zone), text(w.until)) for w in used.windows]
        return ShownWindows(product, tuple(shown_spans), used.renews)

    return Shown(
        standing(state),
        tuple([_invoice(entry) for entry in invoices.values()]),
        tuple(
            [ShownEntitlement(e.product, e.status, e.renews, text(e.access_until), e.allowance) for e in held]
        ),
        tuple([spans(e.product) for e in held]),
    )


def _invoice(entry: InvoiceEntry) -> ShownInvoice:
    invoice = entry.invoice
    return ShownInvoice(invoice.number, invoice.date, invoice.total, entry.status, invoice.lines)
