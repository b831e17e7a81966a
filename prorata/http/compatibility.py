"""Whether a description of the API may follow another one within `/v1`: what would break for callers.

    breaks(released, today)      # ["POST /v1/accounts: body $.at: is required now", …]; empty: nothing

Of a request: what was accepted is accepted. Of an answer: what was always there is there, of its type.

    a route, an optional parameter, an optional field of a body, a field of an answer   may be added
    an optional field of a body may not become required, a type, a pattern or a bound may not change
    a value of an enumeration   may be added to a body's, and never taken from it; to an answer's it may be
                                added where the field is a `code`, which callers have to expect
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal, TypeAlias

Document: TypeAlias = dict[str, Any]
Schema: TypeAlias = dict[str, Any]
Way: TypeAlias = Literal["body", "answer"]

_BOUNDS: Final = (
    "type",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "const",
)
_OPEN: Final = ("code",)
"""Fields of answers whose values callers have to expect to grow."""


def breaks(released: Document, today: Document) -> list[str]:
    """Each place that would break a caller, and how."""
    return list(_Comparison(released, today).all())


def without_examples(value: Any, name: str = "") -> Any:
    """The description without its examples and explanations: what a release is compared by."""
    if isinstance(value, dict):
        said = () if name in ("properties", "schemas", "$defs") else ("example", "description", "summary")
        return {key: without_examples(entry, key) for key, entry in value.items() if key not in said}
    return [without_examples(entry) for entry in value] if isinstance(value, list) else value


class _Comparison:
    def __init__(self, released: Document, today: Document) -> None:
        self._released, self._today = released, today
        self._seen: set[tuple[str, str, Way]] = set()

    def all(self) -> Iterator[str]:
        for path, operations in self._released["paths"].items():
            for method, old in operations.items():
                new = self._today["paths"].get(path, {}).get(method)
                where = f"{method.upper()} {path}"
                if new is None:
                    yield f"{where}: is gone"
                else:
                    yield from self._operation(where, old, new)

    def _operation(self, where: str, old: Document, new: Document) -> Iterator[str]:
        if old["operationId"] != new["operationId"]:
            yield f"{where}: is called {new['operationId']}, not {old['operationId']}"
        yield from self._parameters(where, old, new)
        if old.get("security") == [] != new.get("security"):
            yield f"{where}: needs a key now"
        yield from self._body(where, old.get("requestBody"), new.get("requestBody"))
        for status, response in old["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in new["responses"]:
                yield f"{where}: is not answered {status} any more"
            else:
                yield from self._contents(where, "answer", response, new["responses"][status])

    def _body(self, where: str, old: Document | None, new: Document | None) -> Iterator[str]:
        if new is None:
            if old is not None:
                yield f"{where}: takes no body any more"
            return
        if new.get("required") and not (old or {}).get("required"):
            yield f"{where}: a body is required now"
        yield from self._contents(where, "body", old or {}, new)

    def _parameters(self, where: str, old: Document, new: Document) -> Iterator[str]:
        before = {(p["in"], p["name"]): p for p in old["parameters"]}
        after = {(p["in"], p["name"]): p for p in new["parameters"]}
        for key, parameter in before.items():
            if key not in after:
                yield f"{where}: parameter {key[1]} is gone"
            else:
                yield from self._schema(
                    f"{where}: parameter {key[1]}", "body", parameter["schema"], after[key]["schema"]
                )
        for key, parameter in after.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{where}: parameter {key[1]} is required now"

    def _contents(self, where: str, way: Way, old: Document, new: Document) -> Iterator[str]:
        for media_type, content in new.get("content", {}).items():
            before = old.get("content", {}).get(media_type)
            if before is None:
                yield f"{where}: {way} is {media_type} now"
            else:
                yield from self._schema(f"{where}: {way} $", way, before["schema"], content["schema"])

    def _schema(self, where: str, way: Way, old: Schema, new: Schema) -> Iterator[str]:
        names = str(old.get("$ref")), str(new.get("$ref"))
        if names != ("None", "None"):
            if (*names, way) in self._seen:
                return
            self._seen.add((*names, way))
        old, new = _resolved(self._released, old), _resolved(self._today, new)
        for word in _BOUNDS:
            if old.get(word) != new.get(word):
                yield f"{where}: {word} was {old.get(word)!r}, is {new.get(word)!r}"
        yield from self._enumeration(where, way, old, new)
        yield from self._properties(where, way, old, new)
        yield from self._others(where, way, old, new)
        if "items" in old and "items" in new:
            yield from self._schema(f"{where}[]", way, old["items"], new["items"])
        choices, now = old.get("anyOf", []), new.get("anyOf", [])
        if len(choices) != len(now):
            yield f"{where}: has {len(now)} forms, not {len(choices)}"
        for nth, (one, other) in enumerate(zip(choices, now, strict=False)):
            yield from self._schema(f"{where}({nth})", way, one, other)

    def _others(self, where: str, way: Way, before: Schema, after: Schema) -> Iterator[str]:
        """Of fields that have no name of their own: prices by currency."""
        old, new = before.get("additionalProperties"), after.get("additionalProperties")
        if isinstance(old, dict) and isinstance(new, dict):
            yield from self._schema(f"{where}.*", way, old, new)
        elif way == "body" and new is False and old is not False:
            yield f"{where}: takes no other fields any more"
        elif isinstance(old, dict) != isinstance(new, dict):
            yield f"{where}.*: was {old!r}, is {new!r}"

    def _enumeration(self, where: str, way: Way, old: Schema, new: Schema) -> Iterator[str]:
        before, after = set(old.get("enum", ())), set(new.get("enum", ()))
        if gone := before - after:
            yield f"{where}: {', '.join(sorted(map(str, gone)))} is no value any more"
        added = after - before
        if added and before and way == "answer" and not where.endswith(_OPEN):
            yield f"{where}: {', '.join(sorted(map(str, added)))} is a new value"

    def _properties(self, where: str, way: Way, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name not in after:
                yield f"{where}.{name}: is gone"
            else:
                yield from self._schema(f"{where}.{name}", way, schema, after[name])
        required, now = set(old.get("required", ())), set(new.get("required", ()))
        changed = now - required if way == "body" else required - now
        for name in sorted(changed & (before.keys() | after.keys())):
            word = "is required now" if way == "body" else "is not always there any more"
            if not (way == "answer" and name not in after):
                yield f"{where}.{name}: {word}"


def _resolved(root: Document, schema: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Schema = root["components"]["schemas"][reference.rpartition("/")[2]]
    return found
