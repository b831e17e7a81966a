"""Compare an expectation with the account shown: only fields that it names, amounts by value, moments as
instants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from domain.calendar import Instant, parse_moment
from prorata.simulation.expected import Expectation, ExpectedAnswer
from prorata.simulation.shown import Shown

AMOUNTS = frozenset(
    "total unit_price amount discount net tax credit due lowered refunded to_account left".split()
)
MOMENTS = frozenset(["access_until"])
MAIN_FIELDS = ("number", "date", "product", "tier", "kind", "from", "to", "total", "amount", "status")


class Mismatch(msgspec.Struct, frozen=True):
    """A place in the file, with what is expected there and what came instead."""

    where: str
    expected: Any
    got: Any


def mismatches(expect: Expectation, shown: Shown, zone: str, place: str) -> list[Mismatch]:
    """Every difference between a field that the expectation names and the account shown."""
    return [Mismatch(*difference) for difference in _differences(expect, shown, zone, place)]


def answer_mismatches(
    expect: ExpectedAnswer | UnsetType, got: Mapping[str, Any], zone: str, place: str
) -> list[Mismatch]:
    """Every difference between a fact that the step names and what the answer says."""
    return [] if expect is UNSET else [Mismatch(*found) for found in _facts(expect, got, zone, place)]


Difference = tuple[str, Any, Any]


def _facts(expect: ExpectedAnswer, got: Mapping[str, Any], zone: str, place: str) -> Iterator[Difference]:
    for name, value in msgspec.to_builtins(expect).items():
        said = got[name]
        if name in ("ending", "still_billed"):
            if len(value) != len(said):
                yield f"{place}.{name}", list(value), said
                continue
            for i, (one, other) in enumerate(zip(value, said, strict=True)):
                for field, fact in one.items():
                    if not _same(field, fact, other[field], zone):
                        yield f"{place}.{name}[{i}].{field}", fact, other[field]
        elif name == "stay_paused":
            if list(value) != said:
                yield f"{place}.{name}", list(value), said
        elif not _same(name, value, said, zone):
            yield f"{place}.{name}", value, said


def _differences(expect: Expectation, shown: Shown, zone: str, place: str) -> Iterator[Difference]:
    if expect.account is not UNSET:
        yield from _named(expect.account, shown.account, zone, f"{place}.account")
    if expect.invoices is not UNSET:
        yield from _lists(expect.invoices, shown.invoices, zone, f"{place}.invoices")
    for name in ("credit_notes", "happened", "discounts"):
        if (expected_list := getattr(expect, name)) is not UNSET:
            yield from _lists(expected_list, getattr(shown, name), zone, f"{place}.{name}")
    if expect.invoice_totals is not UNSET:
        totals = [invoice.total for invoice in shown.invoices]
        if [Decimal(total) for total in expect.invoice_totals] != totals:
            yield f"{place}.invoice_totals", list(expect.invoice_totals), [str(total) for total in totals]
    held = {entitlement.product: entitlement for entitlement in shown.entitlements}
    for i, entitlement in enumerate(expect.entitlements or ()):
        where = f"{place}.entitlements[{i}]"
        if entitlement.product not in held:
            yield where, msgspec.to_builtins(entitlement), None
        else:
            yield from _named(entitlement, held[entitlement.product], zone, where)
    used = {windows.product: windows for windows in shown.access_windows}
    for i, expected in enumerate(expect.access_windows or ()):
        where, got = f"{place}.access_windows[{i}]", used.get(expected.product)
        spans = () if got is None else got.windows
        if _spans(expected.windows, zone) != _spans(spans, zone):
            yield f"{where}.windows", msgspec.to_builtins(expected.windows), msgspec.to_builtins(spans)
        renews = got is not None and got.renews
        if expected.renews is not UNSET and expected.renews != renews:
            yield f"{where}.renews", expected.renews, renews


def _spans(windows: Any, zone: str) -> list[tuple[Any, Any]]:
    def moment(text: str | None) -> Instant | None:
        return None if text is None else parse_moment(text, zone)

    return [(moment(w.from_), moment(w.until)) for w in windows]


def _lists(expected: Any, got: Any, zone: str, place: str) -> Iterator[Difference]:
    if len(expected) != len(got):
        one, other = msgspec.to_builtins(expected), msgspec.to_builtins(got)
        named = {name for entry in one for name in entry} or {"date", "product", "total", "amount"}
        yield place, [_brief(entry, named) for entry in one], [_brief(entry, named) for entry in other]
        return
    for i, (one, other) in enumerate(zip(expected, got, strict=True)):
        yield from _named(one, other, zone, f"{place}[{i}]")


def _named(expected: Any, got: Any, zone: str, place: str) -> Iterator[Difference]:
    """The differences in the fields that the expectation names."""
    actual = msgspec.to_builtins(got)
    for attribute, name in zip(expected.__struct_fields__, expected.__struct_encode_fields__, strict=True):
        value = getattr(expected, attribute)
        if value is UNSET:
            continue
        where = f"{place}.{name}"
        if name in ("lines", "lapses"):
            yield from _lists(value, getattr(got, name) or (), zone, where)
        elif not _same(name, value, actual.get(name), zone):
            yield where, value, actual.get(name)


def _same(name: str, expected: Any, got: Any, zone: str) -> bool:
    if expected is None or got is None:
        return expected is got
    if name in AMOUNTS and not _is_name(got):
        return Decimal(expected) == Decimal(got)
    if name in MOMENTS:
        return parse_moment(expected, zone) == parse_moment(got, zone)
    return bool(expected == got)


def _is_name(got: Any) -> bool:
    """A discount is named D1, D2 ..., where a line's is an amount."""
    return isinstance(got, str) and got.startswith("D")


def _brief(fields: dict[str, Any], named: set[str]) -> str:
    """An invoice or line as its main fields and those in `named`, for lists of different lengths."""
    return " ".join(str(fields[name]) for name in MAIN_FIELDS if name in named and name in fields)
