"""A body made into the type that its route names."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from domain.texts import check_document
from prorata.http.call import Call
from prorata.http.problems import refuse

T = TypeVar("T")

_UNKNOWN = "Object contains unknown field `"
_MISSING = "Object missing required field `"


def body_of(call: Call, kind: type[T]) -> T:
    """The body. Raises ProblemFound `unknown_field`, `missing_field`, `invalid_field`, and InvalidInput
    `invalid_text`, with the place."""
    fields = call.fields or {}
    check_document(fields)
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).rpartition(" - at `")
        message, place = (message, place.rstrip("`")) if message else (str(error), "$")
    code = "invalid_field"
    for start, named in ((_UNKNOWN, "unknown_field"), (_MISSING, "missing_field")):
        if message.startswith(start):
            code, place = named, f"{place}.{message.removeprefix(start).rstrip('`')[:40]}"
    raise refuse(code, message, place=place)
