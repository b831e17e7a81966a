"""The account in a scenario's terms: status, invoices, entitlements and windows, in catalogue order, with
moments as texts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import msgspec

from domain.calendar import CivilDate, Instant, local_text
from domain.catalog import Catalog, Catalogues
from domain.events import Invoice, Line
from domain.invoices import Invoices, InvoiceStatus
from domain.state import Account
from domain.views import (
    AccessWindows,
    AccountSummary,
    Entitlement,
    EntitlementStatus,
    access_windows,
    account_summary,
    entitlements,
)

if TYPE_CHECKING:
    from projections.models.access_windows import AccessWindowsDocument
    from projections.models.entitlements import EntitlementsDocument
    from projections.models.invoices import InvoiceDocument

Product = TypeVar("Product", Entitlement, AccessWindows)


class ShownInvoice(msgspec.Struct, frozen=True, gc=False):
    """An invoice without its instant of issue, which depends on when the billing run ran (R25)."""

    number: int
    date: CivilDate
    total: Decimal
    status: InvoiceStatus
    lines: tuple[Line, ...]


class ShownEntitlement(msgspec.Struct, frozen=True, gc=False):
    """An entitlement; `access_until` is a date if it is a day's beginning, else an instant with the zone's
    offset."""

    product: str
    status: EntitlementStatus
    renews: bool
    access_until: str | None
    allowance: int | None


class ShownWindow(msgspec.Struct, frozen=True, gc=False, rename={"from_": "from"}):
    """A span of use; its ends are written as `access_until` is."""

    from_: str
    until: str | None


class ShownWindows(msgspec.Struct, frozen=True, gc=False):
    """A product's windows."""

    product: str
    windows: tuple[ShownWindow, ...]
    renews: bool


class Shown(msgspec.Struct, frozen=True, gc=False):
    """The whole state of an account in the terms of an expectation."""

    account: AccountSummary
    invoices: tuple[ShownInvoice, ...]
    entitlements: tuple[ShownEntitlement, ...]
    access_windows: tuple[ShownWindows, ...]


def shown(
    state: Account, invoices: Invoices, catalog: Catalog, catalogues: Catalogues | None = None
) -> Shown:
    """The account's state as a scenario shows it, products in the catalogue's order. `catalogues`: the
    versions known; None: this one for ever."""
    known = Catalogues.always(catalog) if catalogues is None else catalogues
    return _shown(
        account_summary(state, known),
        [_invoice(entry.invoice, entry.status) for entry in invoices.values()],
        entitlements(state, known).values(),
        access_windows(state, known).values(),
        state.time_zone,
        catalog,
    )


def shown_documents(
    held: EntitlementsDocument,
    invoices: Iterable[InvoiceDocument],
    windows: AccessWindowsDocument,
    catalog: Catalog,
) -> Shown:
    """The account as a scenario shows it, from its documents in the read models or the state topics."""
    return _shown(
        AccountSummary(held.status, held.anchor, held.next_renewal, held.support),
        [_invoice(document, document.status) for document in invoices],
        held.entitlements,
        windows.products,
        held.time_zone,
        catalog,
    )


def _shown(
    account: AccountSummary,
    invoices: list[ShownInvoice],
    held: Iterable[Entitlement],
    used: Iterable[AccessWindows],
    zone: str,
    catalog: Catalog,
) -> Shown:
    def text(at: Instant | None) -> str | None:
        return None if at is None else local_text(at, zone)

    def in_order(products: Iterable[Product]) -> list[Product]:
        return sorted(products, key=lambda product: catalog.order(product.product))

    return Shown(
        account,
        tuple(sorted(invoices, key=lambda invoice: invoice.number)),
        tuple(
            [
                ShownEntitlement(e.product, e.status, e.renews, text(e.access_until), e.allowance)
                for e in in_order(held)
            ]
        ),
        tuple([_windows(product, zone) for product in in_order(used)]),
    )


def _windows(used: AccessWindows, zone: str) -> ShownWindows:
    spans = [
        ShownWindow(local_text(w.start, zone), None if w.until is None else local_text(w.until, zone))
        for w in used.windows
    ]
    return ShownWindows(used.product, tuple(spans), used.renews)


def _invoice(invoice: Invoice | InvoiceDocument, status: InvoiceStatus) -> ShownInvoice:
    return ShownInvoice(invoice.number, invoice.date, invoice.total, status, invoice.lines)
