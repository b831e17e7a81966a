"""A catalogue as it stands in a file: its shape, decoded strictly (no unknown field, none twice), with the
place of the first fault. `domain.catalog` checks it as a whole.

    >>> decode_catalog(b'{"families": [], "plans": [], "add_ons": [], "credits": []}').plans
    ()
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.errors import InvalidCatalog, InvalidInput, decoder_said
from domain.repeated_names import repeated_name
from domain.terms_file import CodeFile, TaxFile
from domain.texts import check_document

Name = Annotated[str, Meta(min_length=1, max_length=100)]
TierUpgrade = Literal["full_difference", "by_days"]

_CURRENCY: Final = re.compile("^[A-Z]{3}$")
_PERCENT: Final = re.compile(r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$")
_PRICE: Final = re.compile(r"^[0-9]+(\.[0-9]+)?$")

PricesFile = dict[
    Annotated[str, Meta(pattern=_CURRENCY.pattern)], Annotated[str, Meta(pattern=_PRICE.pattern)]
]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class FamilyFile(_File, frozen=True):
    id: Name
    name: str
    pausable: bool


class TierFile(_File, frozen=True):
    id: Name
    prices: PricesFile


class PlanFile(_File, frozen=True):
    id: Name
    family: Name
    name: str
    tiers: Annotated[tuple[TierFile, ...], Meta(min_length=1)]


class BlockStepFile(_File, frozen=True):
    up_to: Annotated[int, Meta(ge=1)] | None
    prices: PricesFile


class BlockFile(_File, frozen=True):
    e_mails: Annotated[int, Meta(ge=1, le=10**12)]
    prices: Annotated[tuple[BlockStepFile, ...], Meta(min_length=1)]


class AddOnFile(_File, frozen=True):
    id: Name
    name: str
    prices: PricesFile | UnsetType = UNSET
    requires: Annotated[tuple[Name, ...], Meta(min_length=1)] | UnsetType = UNSET
    process: Literal["transactional"] | UnsetType = UNSET
    block: BlockFile | UnsetType = UNSET


class CreditPackFile(_File, frozen=True):
    id: Name
    name: str
    credits: Annotated[int, Meta(ge=1, le=10**12)]
    prices: PricesFile


class CollectionFile(_File, frozen=True):
    retry_days: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=10_000)], ...], Meta(extra_json_schema={"uniqueItems": True})
    ] = ()
    remind_before_lapse: Annotated[int, Meta(ge=1, le=10_000)] = 3


class CorrectionsFile(_File, frozen=True):
    support_limit: PricesFile | UnsetType = UNSET


class PoliciesFile(_File, frozen=True):
    tier_upgrade: TierUpgrade = "by_days"
    collection: CollectionFile | UnsetType = UNSET
    corrections: CorrectionsFile | UnsetType = UNSET
    nonprofit_percent: Annotated[str, Meta(pattern=_PERCENT.pattern)] | UnsetType = UNSET


class NamedPolicies(_File, frozen=True):
    """Policies that are laid over others by name: those that are given."""

    tier_upgrade: TierUpgrade | UnsetType = UNSET
    collection: CollectionFile | UnsetType = UNSET
    corrections: CorrectionsFile | UnsetType = UNSET
    nonprofit_percent: Annotated[str, Meta(pattern=_PERCENT.pattern)] | UnsetType = UNSET


class CatalogFile(_File, frozen=True):
    """A catalogue as it stands in a file."""

    families: tuple[FamilyFile, ...]
    plans: tuple[PlanFile, ...]
    add_ons: tuple[AddOnFile, ...]
    credits: tuple[CreditPackFile, ...]
    policies: PoliciesFile = PoliciesFile()
    about: str = ""
    version: str = ""


class OwnCatalogFile(CatalogFile, frozen=True):
    """The catalogue of an account on a test clock; `laid_over`: the names of its policies that hold in every
    later version too. Tax table and discount codes are the account's own, and stay as they were at first."""

    laid_over: tuple[str, ...] = ()
    tax: TaxFile | UnsetType = UNSET
    discounts: tuple[CodeFile, ...] | UnsetType = UNSET


NOTHING: Final = CatalogFile((), (), (), ())
"""A catalogue that sells nothing."""


# Made here, since msgspec crashes where threads need a type for the first time at once.
_decoder: Final = msgspec.json.Decoder(CatalogFile)
_own_decoder: Final = msgspec.json.Decoder(OwnCatalogFile)


def decode_catalog(data: bytes | str) -> CatalogFile:
    """The file's contents. Raises InvalidCatalog with the place of the first fault of its shape."""
    try:
        file = _decoder.decode(data)
        twice = repeated_name(data)
    except msgspec.ValidationError as error:
        raise fault_of_shape(error, _whole(data)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("$", str(error)) from None
    if twice is not None:
        place, name = twice
        raise invalid(place, f"the field {name[:40]!r} stands twice")
    return file


def converted_catalog(value: Any) -> CatalogFile:
    """The contents of an already decoded JSON value. Raises InvalidCatalog as `decode_catalog`."""
    try:
        return msgspec.convert(value, type=CatalogFile)
    except msgspec.ValidationError as error:
        raise fault_of_shape(error, value) from None


def digest_of(body: bytes) -> str:
    """The digest of canonical bytes."""
    return hashlib.sha256(body).hexdigest()


def named_policies(value: Any) -> NamedPolicies:
    """Policies in an already decoded JSON value. Raises InvalidCatalog, its place under `$.policies`."""
    try:
        return msgspec.convert(value, type=NamedPolicies)
    except msgspec.ValidationError as error:
        fault = fault_of_shape(error, value)
        raise invalid(f"$.policies{fault.place.removeprefix('$')}", fault.message) from None


def decode_own_catalog(body: bytes) -> OwnCatalogFile:
    """An account's own catalogue as it was stored."""
    return _own_decoder.decode(body)


def canonical_bytes(file: CatalogFile) -> bytes:
    """The same bytes however a file is spaced and ordered: what is stored, and named by its digest."""
    return msgspec.json.encode(file, order="sorted")


def check_catalog_texts(data: bytes | str) -> None:
    """Check every text of a catalogue that is about to be taken in; those stored before stay readable.

    Raises InvalidCatalog with the place of a text that no terminal, export or log should show.
    """
    try:
        check_document(msgspec.json.decode(data))
    except InvalidInput as error:
        raise invalid(error.place, error.message) from None


def invalid(place: str, message: str) -> InvalidCatalog:
    """The fault of a catalogue at a place of its file."""
    return InvalidCatalog("invalid_catalog", place, message)


def fault_of_shape(error: msgspec.ValidationError, document: Any) -> InvalidCatalog:
    """The decoder's message, and the place of the fault. Of prices it names no place: that is the first that
    is none."""
    message, place = decoder_said(error)
    place = place.removesuffix("[...]")
    if not place.endswith(("prices", "support_limit")):
        return invalid(place, message)
    for currency, price in _prices_at(document, place):
        if not _CURRENCY.fullmatch(currency):
            code = currency[:40]
            return invalid(f"{place}.{code}", f"{code!r} is no currency: three capital letters, such as EUR")
        if not isinstance(price, str) or not _PRICE.fullmatch(price):
            written = str(price)[:40]
            return invalid(
                f"{place}.{currency}", f'{written!r} is no price: a text of digits, such as "20.00"'
            )
    return invalid(place, message)


def _whole(data: bytes | str) -> Any:
    """The document, decoded; None where it is no JSON from some point on."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _prices_at(document: Any, place: str) -> list[tuple[str, Any]]:
    """Currencies and prices of the object at a place such as `$.plans[0].tiers[1].prices`."""
    if document is None:
        return []
    for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", place):
        document = document[name] if name else document[int(number)]
    return list(document.items()) if isinstance(document, dict) else []
