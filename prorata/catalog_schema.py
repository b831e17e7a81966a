"""The JSON Schema of a catalogue file, generated from the types that decode it (`domain.catalog`).

    python -m prorata.catalog_schema > prorata/catalog.schema.json

A schema cannot express everything: only `prorata catalog check` finds repeated ids, references to nothing,
amounts with more digits than their currency has, and block steps that do not ascend.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from domain.catalog_file import CatalogFile
from domain.money import MINOR_DIGITS

SCHEMA: Final = Path(__file__).with_name("catalog.schema.json")
"""The committed schema."""

_ADD_ON: Final = [
    {"required": ["prices"], "not": {"anyOf": [{"required": ["process"]}, {"required": ["block"]}]}},
    {"required": ["process", "block"], "not": {"required": ["prices"]}},
]
"""An add-on has either a flat price, or its own process and blocks (R20)."""


def catalog_schema() -> dict[str, Any]:
    """The schema, in JSON Schema 2020-12."""
    schema = msgspec.json.schema(CatalogFile)
    definitions: dict[str, Any] = schema["$defs"]
    definitions["AddOnFile"]["oneOf"] = _ADD_ON
    currencies = {"enum": sorted(MINOR_DIGITS)}
    for definition in definitions.values():
        for name in ("prices", "support_limit"):
            prices = definition["properties"].get(name, {})
            if "propertyNames" in prices:
                prices["propertyNames"] = currencies | prices["propertyNames"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Prorata catalogue",
        "description": "Families, plans, add-ons, credit packs and policies (docs/catalogue.md).",
        **schema,
    }


def schema_text() -> str:
    """The schema's text, as it is committed."""
    return json.dumps(catalog_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
