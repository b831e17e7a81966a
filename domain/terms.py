"""A tax table and discount codes, made of what stands in a file (docs/tax.md).

    table_of(tax_in(data), "$")                  # what answers `taxes_of` (R71)
    codes_of(discounts_in(data).discounts, "$")  # the codes by name (R79)

Everything raises InvalidInput with the place in the file: `invalid_tax`, `invalid_discounts`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from domain.calendar import parse_date
from domain.codes import DiscountCode
from domain.errors import InvalidInput, decoder_said
from domain.money import check_currency, parse_amount
from domain.repeated_names import repeated_name
from domain.tax import TaxRow, TaxTable
from domain.terms_file import CodeFile, DiscountsFile, TaxFile, discounts_decoder, tax_decoder
from domain.texts import check_document

INVALID_TAX = "invalid_tax"
INVALID_DISCOUNTS = "invalid_discounts"


def tax_in(data: bytes) -> TaxFile:
    """The tax table in a file's bytes, every rate looked at."""
    file: TaxFile = _decoded(data, tax_decoder, INVALID_TAX)
    table_of(file, "$")
    return file


def discounts_in(data: bytes) -> DiscountsFile:
    """The codes in a file's bytes, each looked at."""
    file: DiscountsFile = _decoded(data, discounts_decoder, INVALID_DISCOUNTS)
    codes_of(file.discounts, "$.discounts")
    return file


def tax_given(value: Any, place: str) -> TaxFile:
    """The tax table in an already decoded JSON value at that place."""
    file: TaxFile = _converted(value, TaxFile, INVALID_TAX, place)
    table_of(file, place)
    return file


def codes_given(value: Any, place: str) -> tuple[CodeFile, ...]:
    """The codes in an already decoded JSON value at that place."""
    files: tuple[CodeFile, ...] = _converted(value, tuple[CodeFile, ...], INVALID_DISCOUNTS, place)
    codes_of(files, place)
    return files


def table_of(file: TaxFile, place: str) -> TaxTable:
    """The table."""
    rows: dict[tuple[str, str | None, str], TaxRow] = {}
    for i, row in enumerate(file.rates):
        key = (row.country, row.region, row.from_)
        if key in rows:
            where = row.country if row.region is None else f"{row.country}, {row.region[:40]}"
            message = f"a rate of {where} from {row.from_} stands twice"
            raise InvalidInput(INVALID_TAX, f"{place}.rates[{i}]", message)
        begins = parse_date(row.from_, f"{place}.rates[{i}].from")
        rows[key] = TaxRow(row.country, Decimal(row.rate), begins, row.region)
    return TaxTable(file.seller, tuple(rows.values()))


def codes_of(files: tuple[CodeFile, ...], place: str) -> dict[str, DiscountCode]:
    """The codes by name."""
    codes: dict[str, DiscountCode] = {}
    for i, file in enumerate(files):
        at = f"{place}[{i}]"
        if file.code in codes:
            raise InvalidInput(INVALID_DISCOUNTS, f"{at}.code", f"the code {file.code[:40]!r} stands twice")
        if (file.percent is None) == (file.fixed is None):
            raise InvalidInput(INVALID_DISCOUNTS, at, "a code has either `percent` or `fixed`")
        if file.carried and (file.fixed is None or file.for_ is not None):
            raise InvalidInput(INVALID_DISCOUNTS, at, "what is carried is `fixed` and has no `for`")
        codes[file.code] = _code(file, at)
    return codes


def check_products(
    files: tuple[CodeFile, ...], sold: Callable[[str], bool], place: str = "$.discounts"
) -> None:
    """Raise InvalidInput at the first product that a code names and nobody sells: it would never work."""
    for i, file in enumerate(files):
        for j, product in enumerate(file.products or ()):
            if not sold(product):
                remedy = "correct it, or load that version first"
                message = f"no version of the catalogue sells {product[:40]!r}: {remedy}"
                raise InvalidInput(INVALID_DISCOUNTS, f"{place}[{i}].products[{j}]", message)


def _code(file: CodeFile, place: str) -> DiscountCode:
    fixed = {
        check_currency(currency, f"{place}.fixed.{currency}"): parse_amount(
            amount, currency, f"{place}.fixed.{currency}"
        )
        for currency, amount in (file.fixed or {}).items()
    }
    return DiscountCode(
        file.code,
        None if file.percent is None else Decimal(file.percent),
        fixed,
        file.for_ in (None, "once") and not file.carried,
        file.for_ if isinstance(file.for_, int) else None,
        file.carried,
        file.products,
        None if file.last_day is None else parse_date(file.last_day, f"{place}.last_day"),
    )


def _decoded(data: bytes, decoder: Any, code: str) -> Any:
    try:
        file = decoder.decode(data)
        twice = repeated_name(data)
        texts = msgspec.json.decode(data)
    except msgspec.ValidationError as error:
        raise _fault(error, code, "$") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
        raise InvalidInput(code, "$", f"the file is not JSON: {reason}") from None
    if twice is not None:
        place, name = twice
        raise InvalidInput(code, place, f"the field {name[:40]!r} stands twice")
    check_document(texts)
    if (null := null_in(texts, "$")) is not None:
        raise InvalidInput(code, null, "null is no value: leave the field out")
    return file


def _converted(value: Any, kind: Any, code: str, place: str) -> Any:
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise _fault(error, code, place) from None


def _fault(error: msgspec.ValidationError, code: str, place: str) -> InvalidInput:
    message, inside = decoder_said(error)
    return InvalidInput(code, place + inside.removeprefix("$"), message)


def null_in(value: Any, place: str) -> str | None:
    """The place of the first null within the value, if it is not null itself; None: there is none."""
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        parts = [(f"{place}.{name}", part) for name, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{place}[{i}]", part) for i, part in enumerate(value)]
    for where, part in parts:
        if part is None:
            return where
        if (found := null_in(part, where)) is not None:
            return found
    return None
