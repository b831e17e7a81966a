"""Billing details: who pays, as it stands on documents (R92)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from domain.commands import Country
from domain.errors import InvalidInput, decoder_said
from domain.texts import check_document

_Line = Annotated[str, Meta(min_length=1, max_length=200)]
_Short = Annotated[str, Meta(min_length=1, max_length=40)]
Email = Annotated[str, Meta(pattern=r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+\Z", max_length=254)]
PersonId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,100}\Z")]


class BillingDetails(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a document names the buyer by, and what its taxes are decided by (R70).

    `person`: an opaque id of the company's own for who this is, so that one who pays for several accounts is
    erased from all of them at once. `region` as the tax table names it. `language`: of documents (R94).
    """

    name: _Line
    country: Country
    kind: Literal["consumer", "business"] = "consumer"
    company: _Line | None = None
    address: Annotated[tuple[_Line, ...], Meta(max_length=4)] = ()
    postal_code: _Short | None = None
    city: _Line | None = None
    region: _Line | None = None
    email: Email | None = None
    phone: _Short | None = None
    vat_id: Annotated[str, Meta(pattern=r"^[A-Z0-9]{4,20}\Z")] | None = None
    language: Literal["en", "fr"] | None = None
    person: PersonId | None = None


def details_in(document: Any, place: str = "$") -> BillingDetails:
    """The details in decoded JSON.

    Raises InvalidInput `invalid_details` or `invalid_text`, with the place.
    """
    check_document(document, place)
    try:
        return msgspec.convert(document, BillingDetails)
    except msgspec.ValidationError as error:
        message, at = decoder_said(error)
        raise InvalidInput("invalid_details", place + at.removeprefix("$"), message) from None


def normal_email(email: str) -> str:
    """The form by which an address is looked for: people write its capitals as they like."""
    return email.strip().casefold()
