"""Whether a schema may follow another one within `v1`: what a change would break for subscribers.

    breaks(released, today)      # ["$.total: is not always there any more", …]; empty: nothing

Both ways, since topics are kept and readers are not ours: today's schema accepts every value that was ever
published (backward), and a reader that was built on the released one understands today's values (forward). It
is compared with every release, not with the last one alone (transitive).

    a field                     may be added if it is optional; never removed, made optional or required
    a type, a format, a bound   stays; so do the values of an enumeration, and a default
    an event                    may be added: readers skip types that they do not know
    an event's shape            may change in any way, with a higher schema version
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from publishing.dialect import COMMENT, Schema, schema_version, standard

_WORDS: Final = frozenset({"$defs", "$schema", "$id", "title", "description", COMMENT})
"""They say nothing about values."""


def breaks(released: Schema, today: Schema) -> list[str]:
    """Each place that would break a subscriber, and how."""
    return list(_Comparison(released, today).root())


def releases(folder: Path) -> dict[int, dict[str, Schema]]:
    """The released schemas by release number and file name."""
    return {
        int(release.name): {
            file.name: msgspec.json.decode(file.read_bytes()) for file in release.glob("*.json")
        }
        for release in sorted(folder.iterdir())
    }


class _Comparison:
    """A walk through two schemas at once, each definition once."""

    def __init__(self, released: Schema, today: Schema) -> None:
        self._released: Schema = standard(released)
        self._today: Schema = standard(today)
        self._seen: set[tuple[str, str]] = set()

    def root(self) -> Iterator[str]:
        events = self._events(self._released)
        if not events:
            yield from self._node("$", self._released, self._today)
            return
        now = self._events(self._today)
        for name, event in events.items():
            if name not in now:
                yield f"{name}: is not an event any more"
                continue
            before, after = schema_version(event), schema_version(now[name])
            assert before is not None
            assert after is not None
            if after < before:
                yield f"{name}: schema version {after} is lower than {before}"
            elif after == before:
                yield from self._node(name, event, now[name])

    def _events(self, schema: Schema) -> dict[str, Schema]:
        """The events of a union of events, by type."""
        found = {}
        for definition in schema.get("$defs", {}).values():
            if schema_version(definition) is not None:
                found[definition["properties"]["type"]["const"]] = definition
        return found

    def _node(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        if "$ref" in old and "$ref" in new:
            names = old["$ref"], new["$ref"]
            if names in self._seen:
                return
            self._seen.add(names)
        old, new = _resolved(self._released, old), _resolved(self._today, new)
        for word in sorted((old.keys() | new.keys()) - _WORDS):
            before, after = old.get(word), new.get(word)
            match word:
                case "properties":
                    yield from self._properties(place, old, new)
                case "required":
                    yield from _required(place, old, new)
                case "items" | "additionalProperties" if isinstance(before, dict) and isinstance(after, dict):
                    yield from self._node(f"{place}[]", before, after)
                case "anyOf":
                    yield from self._alternatives(place, before or [old], after or [new])
                case "enum" if before is not None and after is not None:
                    if sorted(before) != sorted(after):
                        yield f"{place}: one of {sorted(before)} became one of {sorted(after)}"
                case _ if before != after and not ("anyOf" in old or "anyOf" in new):
                    yield f"{place}: {word} {before!r} became {after!r}"

    def _properties(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name not in after:
                yield f"{place}.{name}: was removed"
            else:
                yield from self._node(f"{place}.{name}", before[name], after[name])

    def _alternatives(self, place: str, before: list[Schema], after: list[Schema]) -> Iterator[str]:
        """In the order of their kinds: a value that may be null, for one."""
        old = sorted((_resolved(self._released, one) for one in before), key=_kind)
        new = sorted((_resolved(self._today, one) for one in after), key=_kind)
        if [_kind(one) for one in old] != [_kind(one) for one in new]:
            yield f"{place}: {_kinds(old)} became {_kinds(new)}"
            return
        for one, other in zip(old, new, strict=True):
            yield from self._node(place, one, other)


def _required(place: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(before - after):
        if name in new.get("properties", {}):
            yield f"{place}.{name}: is not always there any more"
    for name in sorted(after - before):
        yield f"{place}.{name}: is required, and what was published before may lack it"


def _resolved(root: Schema, schema: Schema) -> Schema:
    """The definition that a reference means, with what stands beside the reference."""
    while "$ref" in schema:
        beside = {word: value for word, value in schema.items() if word != "$ref"}
        schema = {**root["$defs"][schema["$ref"].rpartition("/")[2]], **beside}
    return schema


def _kind(schema: Schema) -> str:
    return str(schema.get("type", "enum")) + str(schema.get("title", ""))


def _kinds(schemas: list[Schema]) -> str:
    return " or ".join(_kind(schema) for schema in schemas)
