"""The tax table and the discount codes of a story, or of an account on a test clock, as they stand in a
file."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from domain.calendar import parse_date
from domain.codes import DiscountCode
from domain.errors import InvalidInput
from domain.money import check_currency, parse_amount
from domain.tax import TaxRow, TaxTable
from prorata.simulation.expected import Date, Name, Object, Price

Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Percent = Annotated[str, Meta(pattern=r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)\Z")]
Rate = Annotated[str, Meta(pattern=r"^[0-9]{1,2}(\.[0-9]+)?\Z", max_length=20)]


class RateFile(Object, frozen=True, rename={"from_": "from"}):
    """A rate in percent, of a country or one of its regions, from a date on."""

    country: Country
    from_: Date
    rate: Rate
    region: Name | None = None


class TaxFile(Object, frozen=True):
    """The table that answers (R71): the seller's country, and the rates."""

    seller: Country
    rates: tuple[RateFile, ...]


class CodeFile(Object, frozen=True, rename={"for_": "for"}):
    """A discount that is given by a code."""

    code: Name
    percent: Percent | None = None
    fixed: dict[str, Price] | None = None
    for_: Literal["once", "forever"] | Annotated[int, Meta(ge=1, le=1200)] | None = None
    carried: bool = False
    products: Annotated[tuple[Name, ...], Meta(min_length=1)] | None = None
    last_day: Date | None = None


def table_of(file: TaxFile, place: str) -> TaxTable:
    """The table. Raises InvalidInput with the place of a date that is none."""
    rows = [
        TaxRow(row.country, Decimal(row.rate), parse_date(row.from_, f"{place}.rates[{i}].from"), row.region)
        for i, row in enumerate(file.rates)
    ]
    return TaxTable(file.seller, tuple(rows))


def codes_of(files: tuple[CodeFile, ...], place: str) -> dict[str, DiscountCode]:
    """The codes by name. Raises InvalidInput with the place of what cannot be."""
    codes: dict[str, DiscountCode] = {}
    for i, file in enumerate(files):
        at = f"{place}[{i}]"
        if file.code in codes:
            raise InvalidInput("invalid_scenario", f"{at}.code", f"the code {file.code[:40]!r} stands twice")
        if (file.percent is None) == (file.fixed is None):
            raise InvalidInput("invalid_scenario", at, "a code has either `percent` or `fixed`")
        if file.carried and (file.fixed is None or file.for_ is not None):
            raise InvalidInput("invalid_scenario", at, "what is carried is `fixed` and has no `for`")
        codes[file.code] = _code(file, at)
    return codes


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
