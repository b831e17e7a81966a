"""The names of the contract's JSON Schemas, as CloudEvents' `dataschema` has them.

dataschema("billing.invoices.v1")                       # a state's
dataschema("billing.events.v1", "plan_paused", 1)       # an event's, of that schema version

A name keeps its meaning: an event that changes its shape has a higher schema version, and so another name.
The schemas in `publishing/schemas` say their names themselves.
"""

from __future__ import annotations

from typing import Final

PREFIX: Final = "urn:prorata:schema:"


def dataschema(values: str, event_type: str | None = None, schema_version: int | None = None) -> str:
    """The name of the schema of a topic's values, or of one type of event there. `values`: the topic's name
    without a prefix, or the type of a heartbeat."""
    named = PREFIX + values
    return named if event_type is None else f"{named}:{event_type}:{schema_version}"
