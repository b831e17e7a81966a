"""A field that stands twice in a JSON object: a decoder would silently take the last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec


def repeated_name(data: bytes | str) -> tuple[str, str] | None:
    """The place of the first object in which a field stands twice, and the field; None: there is none.
    `data` is JSON that was decoded once."""
    colons = data.count(b":") if isinstance(data, bytes) else data.count(":")
    if colons == _names(msgspec.json.decode(data)):
        return None  # each field has a colon of its own
    found = False

    def noticed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        fields = dict(pairs)
        if len(fields) == len(pairs):
            return fields
        found = True
        return _Twice(pairs)

    document = json.loads(data, object_pairs_hook=noticed, parse_int=str)
    return next(_repeated(document, "$")) if found else None


def _names(document: Any) -> int:
    """How many fields the decoded document has."""
    if isinstance(document, dict):
        return len(document) + sum(map(_names, document.values()))
    return sum(map(_names, document)) if isinstance(document, list) else 0


class _Twice(dict[str, Any]):
    """An object in which a field stands twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.name = next(name for name in names if names.count(name) > 1)


def _repeated(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Twice):
        yield place, value.name
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from _repeated(entry, f"{place}.{name}")
    elif isinstance(value, list):
        for i, entry in enumerate(value):
            yield from _repeated(entry, f"{place}[{i}]")
