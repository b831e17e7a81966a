"""A body made into the type that its route names."""

from __future__ import annotations

from typing import Final, TypeVar

from domain.texts import check_document
from prorata.http.call import Call
from service.commands import converted

T = TypeVar("T")

_NAMED: Final = 40
"""Characters of an unknown field's name that a problem's place shows."""


def body_of(call: Call, kind: type[T]) -> T:
    """The body. Raises InvalidInput `unknown_field`, `missing_field`, `invalid_field`, `invalid_text`, with
    the place."""
    fields = call.fields or {}
    check_document(fields)
    return converted(fields, kind, _NAMED)
