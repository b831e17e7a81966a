"""The account in a scenario's terms: status, invoices, entitlements and windows, in catalogue order, with
moments as texts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import msgspec

from domain.calendar import CivilDate, Instant, date_of, local_text
from domain.catalog import Catalog, Catalogues
from domain.discounts import name_of, over
from domain.events import CreditedLine, CreditReason, Invoice, InvoiceStatus, Line, LineKind
from domain.happened import Chronicle, CreditNoteEntry, Happening
from domain.money import zero
from domain.state import Account, AccountStatus, InvoiceRecord
from domain.views import (
    AccessWindows,
    Entitlement,
    EntitlementStatus,
    access_windows,
    account_summary,
    entitlements,
)

if TYPE_CHECKING:
    from projections.models.access_windows import AccessWindowsDocument
    from projections.models.credit_notes import CreditNoteDocument
    from projections.models.entitlements import DiscountHeld, EntitlementsDocument
    from projections.models.invoices import InvoiceDocument

Product = TypeVar("Product", Entitlement, AccessWindows)


class ShownAccount(msgspec.Struct, frozen=True, gc=False):
    """The account as a whole; `credit`: account credit; `due`: of all its invoices together."""

    status: AccountStatus
    anchor: CivilDate | None
    next_renewal: CivilDate | None
    support: bool
    credit: Decimal
    due: Decimal


class ShownLine(msgspec.Struct, frozen=True, gc=False):
    """A line with everything that it has by R51."""

    product: str
    tier: str | None
    kind: LineKind
    from_date: CivilDate = msgspec.field(name="from")
    to_date: CivilDate = msgspec.field(name="to")
    days: int | None
    of_days: int | None
    unit_price: Decimal
    quantity: int | None
    amount: Decimal
    discount: Decimal
    net: Decimal
    tax: Decimal


class ShownInvoice(msgspec.Struct, frozen=True, gc=False):
    """An invoice without its instant of issue, which depends on when the billing run ran (R25)."""

    number: int
    date: CivilDate
    net: Decimal
    tax: Decimal
    total: Decimal
    credit: Decimal
    due: Decimal
    status: InvoiceStatus
    charged_back: bool
    lines: tuple[ShownLine, ...]


class ShownCreditLine(msgspec.Struct, frozen=True, gc=False):
    """What a credit note takes back of a line; `amount` is net."""

    product: str
    tier: str | None
    kind: LineKind
    from_date: CivilDate = msgspec.field(name="from")
    to_date: CivilDate = msgspec.field(name="to")
    amount: Decimal
    tax: Decimal


class ShownCreditNote(msgspec.Struct, frozen=True, gc=False):
    """A credit note, and where its money went (R61, R62)."""

    number: str
    date: CivilDate
    invoice: int
    reason: CreditReason
    net: Decimal
    tax: Decimal
    total: Decimal
    lowered: Decimal
    refunded: Decimal
    to_account: Decimal
    lines: tuple[ShownCreditLine, ...]


class ShownDiscount(msgspec.Struct, frozen=True, gc=False):
    """A discount; `left`: None but of a carried one."""

    discount: str
    left: Decimal | None
    over: bool


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

    account: ShownAccount
    invoices: tuple[ShownInvoice, ...]
    credit_notes: tuple[ShownCreditNote, ...]
    happened: tuple[Happening, ...]
    discounts: tuple[ShownDiscount, ...]
    entitlements: tuple[ShownEntitlement, ...]
    access_windows: tuple[ShownWindows, ...]


class _Money(msgspec.Struct, frozen=True):
    """What there is beside entitlements and windows."""

    account: ShownAccount
    invoices: list[ShownInvoice]
    credit_notes: tuple[ShownCreditNote, ...] = ()
    happened: tuple[Happening, ...] = ()
    discounts: tuple[ShownDiscount, ...] = ()


def shown(
    state: Account,
    chronicle: Chronicle,
    catalog: Catalog,
    catalogues: Catalogues | None = None,
    *,
    at: Instant | None = None,
) -> Shown:
    """The account's state as a scenario shows it, products in the catalogue's order. `catalogues`: the
    versions known; None: this one for ever. `at`: the instant of the look; None: that of the last event."""
    known = Catalogues.always(catalog) if catalogues is None else catalogues
    summary = account_summary(state, known)
    nothing = zero(state.currency)
    due = sum([record.due for record in state.open_invoices], nothing)
    account = ShownAccount(
        summary.status,
        summary.anchor,
        summary.next_renewal,
        summary.support,
        state.standing.credit + nothing,
        due,
    )
    today = date_of(state.last_at if at is None else at, state.time_zone)
    money = _Money(
        account,
        [_invoice(invoice, state.record(number)) for number, invoice in state.invoices.items()],
        tuple([_credit_note(entry) for entry in chronicle.credit_notes.values()]),
        tuple(chronicle.happened),
        tuple([ShownDiscount(name_of(d.terms), d.left, over(d, today)) for d in state.standing.discounts]),
    )
    return _shown(
        money,
        entitlements(state, known).values(),
        access_windows(state, known).values(),
        state.time_zone,
        catalog,
    )


class Documents(msgspec.Struct, frozen=True):
    """What the read models or the state topics say of an account, and what the events topic says that
    happened to it by itself."""

    held: EntitlementsDocument
    windows: AccessWindowsDocument
    invoices: Iterable[InvoiceDocument]
    credit_notes: Iterable[CreditNoteDocument]
    happened: Iterable[Happening]


def shown_documents(documents: Documents, catalog: Catalog, *, at: Instant) -> Shown:
    """The account as a scenario shows it, from its documents alone. `at`: the instant of the look."""
    held = documents.held
    nothing = zero(held.currency)
    account = ShownAccount(
        held.account_status,
        held.anchor,
        held.next_renewal,
        held.support,
        held.credit or nothing,
        held.due or nothing,
    )
    today = date_of(at, held.time_zone)
    money = _Money(
        account,
        [_invoice_document(document) for document in documents.invoices],
        tuple([_credit_note_document(document) for document in documents.credit_notes]),
        tuple(documents.happened),
        tuple([ShownDiscount(d.discount, d.left, d.over or _has_ended(d, today)) for d in held.discounts]),
    )
    return _shown(money, held.entitlements, documents.windows.products, held.time_zone, catalog)


def _has_ended(discount: DiscountHeld, today: CivilDate) -> bool:
    return discount.last_day is not None and discount.last_day < today


def _shown(
    money: _Money,
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
        money.account,
        tuple(sorted(money.invoices, key=lambda invoice: invoice.number)),
        money.credit_notes,
        money.happened,
        money.discounts,
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


def _invoice(invoice: Invoice, record: InvoiceRecord) -> ShownInvoice:
    nothing = zero(invoice.currency)
    return ShownInvoice(
        invoice.number,
        invoice.date,
        invoice.net,
        invoice.tax,
        invoice.total,
        invoice.credit_taken + record.credit_applied + nothing,
        record.due if record.status == "open" else nothing,
        record.status,
        record.charged_back,
        tuple([_line(line) for line in invoice.lines]),
    )


def _invoice_document(document: InvoiceDocument) -> ShownInvoice:
    d, nothing = document, zero(document.currency)
    return ShownInvoice(
        d.number,
        d.date,
        d.total if d.net is None else d.net,
        d.tax or nothing,
        d.total,
        d.credit or nothing,
        d.due or nothing,
        d.status,
        d.charged_back,
        tuple([_line(line) for line in d.lines]),
    )


def _line(line: Line) -> ShownLine:
    return ShownLine(
        line.product,
        line.tier,
        line.kind,
        line.from_date,
        line.to_date,
        line.days,
        line.of_days,
        line.unit_price,
        line.quantity,
        line.amount,
        line.amount - line.net,
        line.net,
        line.tax,
    )


def _credit_note(entry: CreditNoteEntry) -> ShownCreditNote:
    note = entry.note
    return ShownCreditNote(
        f"C{note.number}",
        note.date,
        note.invoice,
        note.reason,
        note.net,
        note.tax,
        note.total,
        note.lowered,
        entry.refunded,
        entry.to_account,
        _credit_lines(note.lines),
    )


def _credit_note_document(document: CreditNoteDocument) -> ShownCreditNote:
    d = document
    return ShownCreditNote(
        f"C{d.number}",
        d.date,
        d.invoice,
        d.reason,
        d.net,
        d.tax,
        d.total,
        d.lowered,
        d.refunded,
        d.to_account,
        _credit_lines(d.lines),
    )


def _credit_lines(lines: Iterable[CreditedLine]) -> tuple[ShownCreditLine, ...]:
    return tuple(
        [
            ShownCreditLine(
                line.product, line.tier, line.kind, line.from_date, line.to_date, line.amount, line.tax
            )
            for line in sorted(lines, key=lambda line: line.line)
        ]
    )
