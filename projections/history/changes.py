"""What differs between two looks at one account, field by field, and which events changed it.

    for change in changes(earlier, later, between):
        change.of, change.field, change.before, change.after, change.because

Everything that is kept of an account is a named field of the account, of a product, of a plan family, of an
invoice or of a credit note: what no field shows has not changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from domain import events as e
from domain.evolve import evolve
from domain.invoice_standing import InvoiceStanding, changed_standings
from domain.state import Account
from domain.views import account_summary, entitlements
from eventlog import StoredEvent
from eventlog.codec import Codec, domain_codec
from projections.history.past import Past
from projections.models.invoices import standing_of

Subject = Literal["account", "product", "family", "invoice", "credit_note"]


class Field(msgspec.Struct, frozen=True, order=True):
    """A field of an account, product, plan family, invoice or credit note. `of` is the id of the product or
    family, or the document's number; it is empty for the account."""

    subject: Subject
    of: str
    field: str


class FieldChange(msgspec.Struct, frozen=True):
    """A field that differs; a value is None if its subject does not exist. `because`: the versions of the
    events that changed it, in order; empty if only time did."""

    subject: Subject
    of: str
    field: str
    before: Any
    after: Any
    because: tuple[int, ...]


Fields = Mapping[Field, Any]

_KEYS_OF_ITEMS: Final = ("family", "product", "bought")


def changes(before: Past, after: Past, events: Iterable[StoredEvent]) -> tuple[FieldChange, ...]:
    """Every field that differs, in order: account, products, families, invoices, credit notes.

    `events` are the account's; only those between the two looks are read. The later look may count fewer.
    """
    was, now = shown(before), shown(after)
    different = [field for field in {**was, **now} if was.get(field) != now.get(field)]
    because = _because(before, after, events) if different else {}
    return tuple(
        [
            FieldChange(f.subject, f.of, f.field, was.get(f), now.get(f), tuple(because.get(f, ())))
            for f in sorted(different, key=_place)
        ]
    )


def between(before: Past, after: Past, events: Iterable[StoredEvent]) -> tuple[StoredEvent, ...]:
    """The events that count for one of the two and not for the other."""
    first, last = sorted((before.last.version, after.last.version))
    return tuple([stored for stored in events if first < stored.version <= last])


def fields(state: Account) -> dict[Field, Any]:
    """All fields of the state, except the account's version, clock and command ids."""
    found = dict(_of_account(state))
    found.update(_of_items(state))
    for product, entitlement in entitlements(state).items():
        for name in ("status", "renews", "access_until", "allowance"):
            found[Field("product", product, name)] = getattr(entitlement, name)
    for product, windows in state.windows.items():
        found[Field("product", product, "windows")] = windows
    for pack in state.packs:
        key = Field("product", pack.product, "packs")
        found[key] = (*found.get(key, ()), pack)
    for family, pauses in state.pauses.items():
        found[Field("family", family, "pauses")] = pauses
    for key_of_price, price in state.price_overrides.items():
        found[Field("product", key_of_price, "price_override")] = price
    return {field: value for field, value in found.items() if value is not None}


def _of_account(state: Account) -> Iterator[tuple[Field, Any]]:
    stands = account_summary(state)
    shown = {
        **{name: getattr(stands, name) for name in stands.__struct_fields__},
        "open_invoice": next(iter(state.open_invoices), None),
        "payment": state.payment,
        "declines": state.declines or None,
        "free_used": state.free_used,
        "own_versions": state.own_versions or None,
        **_of_standing(state),
    }
    for name, value in shown.items():
        yield Field("account", "", name), value


def _of_standing(state: Account) -> dict[str, Any]:
    """What else holds between customer and seller; of most accounts nothing."""
    standing = state.standing
    return {
        "credit": standing.credit or None,
        "disputed_since": standing.disputed_at,
        "discounts": standing.discounts or None,
        "tax_profile": standing.tax_profile,
        "method_refused": standing.method_refused or None,
        "refunds": standing.refunds or None,
    }


def _of_items(state: Account) -> Iterator[tuple[Field, Any]]:
    """The fields of the plans and add-ons held."""
    for item in state.items:
        for name in item.__struct_fields__:
            if name not in _KEYS_OF_ITEMS:
                yield Field("product", item.product, name), getattr(item, name)


def shown(past: Past) -> dict[Field, Any]:
    """The fields at the look's instant, including the invoices and which products were usable."""
    found = fields(past.state)
    for entitlement in past.entitlements.entitlements:
        found[Field("product", entitlement.product, "status")] = entitlement.status
        if entitlement.allowance is not None:
            found[Field("product", entitlement.product, "allowance")] = entitlement.allowance
        found[Field("product", entitlement.product, "usable")] = entitlement.product in past.usable
    for invoice in past.invoices:
        for name in _OF_INVOICES:
            found[Field("invoice", str(invoice.number), name)] = getattr(invoice, name)
    for note in past.credit_notes:
        for name in _OF_CREDIT_NOTES:
            found[Field("credit_note", str(note.number), name)] = getattr(note, name)
    return {field: value for field, value in found.items() if value is not None}


_OF_INVOICES: Final = ("status", "total", "date", "due", "credit", "charged_back", "disputed")
_OF_CREDIT_NOTES: Final = ("total", "date", "invoice", "refunded", "to_account", "refund")


def _because(before: Past, after: Past, events: Iterable[StoredEvent]) -> dict[Field, list[int]]:
    """Field → versions of the events between the two looks that changed it."""
    first = min(before, after, key=lambda past: past.last.version)
    codec: Codec[Any] = domain_codec()
    state, had, found = first.recorded, fields(first.recorded), dict[Field, list[int]]()
    standings = {invoice.number: standing_of(invoice) for invoice in first.invoices}
    for stored in between(before, after, events):
        event = codec.read(stored)
        state = evolve(state, event)
        has = fields(state)
        changed = [field for field in {**had, **has} if had.get(field) != has.get(field)]
        for field in (*changed, *_of_invoices(event, standings), *_of_credit_notes(event)):
            found.setdefault(field, []).append(stored.version)
        had = has
    for field in [
        field for field in found if field.subject == "product"
    ]:  # whether a product is usable follows from its access
        if field.field == "windows":
            found[Field("product", field.of, "usable")] = found[field]
    return found


def _of_invoices(event: e.Event, standings: dict[int, InvoiceStanding]) -> Iterator[Field]:
    for number, standing in changed_standings(event, standings.get):
        before = standings.get(number)
        standings[number] = standing
        shown_now, shown_before = (_shown_of(one) for one in (standing, before))
        for name in _OF_INVOICES:
            if shown_now[name] != shown_before.get(name):
                yield Field("invoice", str(number), name)


def _shown_of(standing: InvoiceStanding | None) -> dict[str, Any]:
    if standing is None:
        return {}
    of_invoice = ("total", "date")
    return {
        name: getattr(standing.invoice if name in of_invoice else standing, name) for name in _OF_INVOICES
    }


def _of_credit_notes(event: e.Event) -> Iterator[Field]:
    number, names = 0, tuple[str, ...]()
    match event:
        case e.CreditNoteIssued():
            number, names = event.number, _OF_CREDIT_NOTES
        case e.InvoiceReissued():
            number, names = event.note.number, _OF_CREDIT_NOTES
        case e.RefundConcluded():
            number = event.note
            names = ("refund",) if event.refunded else ("refund", "refunded", "to_account")
        case _:
            pass
    yield from [Field("credit_note", str(number), name) for name in names]


_SUBJECTS: Final[tuple[Subject, ...]] = ("account", "product", "family", "invoice", "credit_note")


def _place(field: Field) -> tuple[int, int, str, bool, str]:
    number = int(field.of) if field.subject in ("invoice", "credit_note") else 0
    return _SUBJECTS.index(field.subject), number, field.of, field.field != "status", field.field
