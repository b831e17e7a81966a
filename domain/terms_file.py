"""A tax table and a list of discount codes as they stand in a file, a story, or the catalogue of an account
on a test clock (docs/tax.md)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=200)]
# \Z, since $ also matches before a final line break.
Date = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Price = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?\Z", max_length=30)]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Percent = Annotated[str, Meta(pattern=r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)\Z")]
Rate = Annotated[str, Meta(pattern=r"^[0-9]{1,2}(\.[0-9]+)?\Z", max_length=20)]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class RateFile(_File, frozen=True, rename={"from_": "from"}):
    """A rate in percent, of a country or one of its regions, from a date on."""

    country: Country
    from_: Date
    rate: Rate
    region: Name | None = None


class TaxFile(_File, frozen=True):
    """The table that answers (R71): the seller's country, and the rates."""

    seller: Country
    rates: tuple[RateFile, ...]
    about: str = ""


class CodeFile(_File, frozen=True, rename={"for_": "for"}):
    """A discount that is given by a code."""

    code: Name
    percent: Percent | None = None
    fixed: dict[str, Price] | None = None
    for_: Literal["once", "forever"] | Annotated[int, Meta(ge=1, le=1200)] | None = None
    carried: bool = False
    products: Annotated[tuple[Name, ...], Meta(min_length=1)] | None = None
    last_day: Date | None = None


class DiscountsFile(_File, frozen=True):
    """The codes that can be used (R79)."""

    discounts: tuple[CodeFile, ...]
    about: str = ""


# Made here, since msgspec crashes where threads need a type for the first time at once.
tax_decoder = msgspec.json.Decoder(TaxFile)
discounts_decoder = msgspec.json.Decoder(DiscountsFile)
