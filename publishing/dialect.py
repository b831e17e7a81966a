"""JSON Schema as validators in other languages take it, ajv in its strict mode among them.

standard({"format": "decimal", "type": "string"})    # {"pattern": …, "type": "string"}

msgspec writes OpenAPI's `discriminator` and a format that no draft knows, and the schemas of releases 1 to 3
had annotations of our own. All of them say the same in standard words here, so releases can be compared.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]

AMOUNT: Final = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
"""How a decimal number is written: never with an exponent."""

COMMENT: Final = "$comment"
"""On an event's definition: the name of its schema (`publishing.dataschema`), which ends with its schema
version. JSON Schema has no other word that every validator passes over."""

_FORMER_NAME: Final = "x-dataschema"
_FORMER_VERSION: Final = "x-schema-version"
_FORMER: Final = frozenset({"discriminator", _FORMER_NAME, _FORMER_VERSION})


def standard(node: Any) -> Any:
    """The schema in standard words, which accepts the same values."""
    if isinstance(node, list | tuple):
        return [standard(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {word: standard(value) for word, value in node.items() if word not in _FORMER}
    if _FORMER_VERSION in node:  # release 1 had no names
        made[COMMENT] = node.get(_FORMER_NAME, f"{node.get('title')}:{node[_FORMER_VERSION]}")
    if made.get("format") == "decimal":
        del made["format"]
        made["pattern"] = AMOUNT
    if isinstance(values := made.get("enum"), list) and len(values) == 1:
        del made["enum"]
        made["const"] = values[0]
    return made


def schema_version(definition: Schema) -> int | None:
    """The schema version of the event that it defines; None: it defines none."""
    named = str(definition.get(COMMENT, ""))
    return int(named.rpartition(":")[2]) if named else None
