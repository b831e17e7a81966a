"""The tax tables and the lists of discount codes that were loaded, in versions: the latest of each kind
counts on the wall clock from the instant at which it was loaded (docs/tax.md).

    library.load_terms("tax", data, now=clock.now())
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from domain.catalog_file import digest_of
from domain.codes import DiscountCode
from domain.errors import InvalidInput
from domain.tax import Taxes
from domain.terms import codes_of, discounts_in, table_of, tax_in

TermsKind: TypeAlias = Literal["tax", "discounts"]
TERMS_KINDS: Final[tuple[TermsKind, ...]] = ("tax", "discounts")


class TermsVersion(msgspec.Struct, frozen=True):
    """A tax table, or a list of codes, as it was loaded; `body` is canonical."""

    version: int
    loaded_at: datetime
    sha256: str
    body: bytes


class TaxDecider(Protocol):
    """Who decides the taxes of accounts on the wall clock (R71): the tables that are loaded, unless another
    one stands in their place."""

    def taxes(self, known_at: datetime | None = None) -> Taxes | None:
        """What answers now (`known_at`: what answered then); None: tax is off. It is asked before every
        command, and what it returns only where something is charged."""
        ...


_READ: Final[Mapping[TermsKind, Callable[[bytes], msgspec.Struct]]] = {
    "tax": tax_in,
    "discounts": discounts_in,
}


def canonical_terms(kind: TermsKind, data: bytes) -> bytes:
    """The same terms however their file is spaced and ordered.

    Raises InvalidInput `invalid_tax`, `invalid_discounts`, with the place of the first fault.
    """
    return msgspec.json.encode(_READ[kind](data), order="sorted")


def next_version(versions: Sequence[TermsVersion], body: bytes, now: datetime) -> tuple[TermsVersion, bool]:
    """The version that holds the terms, and whether it is a new one: the latest is not loaded again."""
    sha256 = digest_of(body)
    if versions and versions[-1].sha256 == sha256:
        return versions[-1], False
    return TermsVersion(len(versions) + 1, now, sha256, body), True


def terms_named(versions: Sequence[TermsVersion], kind: TermsKind, number: int | None) -> TermsVersion:
    """The version of that number, None: the latest.

    Raises InvalidInput `unknown_version`, `nothing_loaded`.
    """
    if number is None and not versions:
        raise InvalidInput("nothing_loaded", "", f"nothing is loaded: load a file with `prorata {kind} load`")
    for version in versions:
        if version.version == (len(versions) if number is None else number):
            return version
    message = f"there is no version {number}: see `prorata {kind} list`"
    raise InvalidInput("unknown_version", "VERSION", message)


def known_terms(versions: Sequence[TermsVersion], at: datetime | None) -> TermsVersion | None:
    """The latest version, of those that were loaded by the instant."""
    known = [version for version in versions if at is None or version.loaded_at <= at]
    return known[-1] if known else None


def taxes_in(version: TermsVersion | None) -> Taxes | None:
    """What the table answers; None: no table is loaded, so tax is off."""
    return None if version is None else table_of(tax_in(version.body), "$")


def codes_in(version: TermsVersion | None) -> dict[str, DiscountCode]:
    """The codes that can be used."""
    return {} if version is None else codes_of(discounts_in(version.body).discounts, "$.discounts")
