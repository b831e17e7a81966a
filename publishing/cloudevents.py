"""Events as CloudEvents 1.0 in structured mode: one JSON document each, for those who have no Kafka.

    structured(log_id, stored, clock="wall")["pos"]     # "42"

Attributes are those that an event's record has as headers, and `data` is the record's value. Positions are
texts: CloudEvents' integers have 32 bits.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from domain.events import Clock
from eventlog import StoredEvent
from publishing.dataschema import dataschema
from publishing.envelope import ce_id
from publishing.headers import EVENTS, SOURCE


def structured(log_id: UUID, stored: StoredEvent, clock: Clock | None) -> dict[str, Any]:
    """The event as a CloudEvent; its data are the bytes that the log keeps."""
    found: dict[str, Any] = {
        "specversion": "1.0",
        "id": ce_id(log_id, stored.position),
        "source": f"{SOURCE}{log_id}",
        "type": stored.type,
        "subject": stored.account_id,
        "time": stored.recorded_at,
        "datacontenttype": "application/json",
        "dataschema": dataschema(EVENTS, stored.type, stored.schema_version),
        "pos": str(stored.position),
        "version": str(stored.version),
        "eventid": str(stored.event_id),
        "effectiveat": stored.effective_at,
        "previoushash": stored.previous_hash.hex(),
        "hash": stored.hash.hex(),
        "data": msgspec.Raw(stored.state),
    }
    more = {"clock": clock, "commandid": stored.command_id, "actor": stored.actor}
    return found | {name: value for name, value in more.items() if value is not None}
