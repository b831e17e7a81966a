"""The contract as an AsyncAPI 3 document, made of the same registry as the topics and the schemas.

asyncapi.document()["channels"]["billing.events.v1"]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from domain.events import EVENT_TYPES
from publishing import contract
from publishing.compatibility import releases
from publishing.envelope import HEARTBEAT_KEY, HEARTBEAT_TYPE
from publishing.topics import Topic, Topics

FILE: Final = Path(__file__).parent / "asyncapi.json"
EXAMPLES: Final = Path(__file__).parent / "examples"
"""One record of each type, as the relay makes it: `addon_purchased.json`."""

_ABOUT: Final = (
    "What Prorata publishes about accounts: every event once, in order for each account, and the whole state "
    "of each account. Read with isolation.level=read_committed. docs/subscribing.md says what to rely on."
)

_COMMON: Final = {
    "content-type": "Always application/json.",
    "ce_specversion": "The version of CloudEvents: 1.0.",
    "ce_id": "The same whenever the same thing is said.",
    "ce_source": "urn:uuid: and the log's id.",
    "ce_type": "The type of the message.",
    "ce_dataschema": "The name of the value's JSON Schema: its $id, of an event its $comment.",
}
_OF_ACCOUNTS: Final = {
    "ce_subject": "The account's id.",
    "ce_time": "When it was recorded, ISO 8601.",
}
_CLOCK: Final = {
    "ce_clock": "wall, or test: an account on a test clock is nobody's money. Absent before release 2.",
}
_OF_EVENTS: Final = {
    "ce_pos": "The same as pos.",
    "ce_prev": "The same as prev.",
    "ce_version": "The same as version.",
    "pos": "The event's position in the log.",
    "prev": "The position of the event before it in this partition, 0 for the first.",
    "version": "Which event of its account it is: 1, 2, 3 …",
    "schema_version": "Of its type.",
    "event_id": "The event's own id.",
    "effective_at": "From when it has effect, ISO 8601.",
    "previous_hash": "Hexadecimal: the hash of the account's event before it.",
    "hash": "Hexadecimal: of the account's chain up to here.",
}
_NOT_ALWAYS: Final = {
    "command_id": "The command that it came of.",
    "actor": "Who gave the command.",
}
_OF_STATES: Final = {
    "ce_fold": "The same as fold.",
    "ce_revision": "The same as revision.",
    "fold": "The version of the code that made the state.",
    "revision": "The position in the log of the event that made the state.",
}


def document() -> dict[str, Any]:
    """The document, with an example of each message."""
    topics = Topics()
    messages: dict[str, Any] = {HEARTBEAT_TYPE: _heartbeat()}
    channels, operations = {}, {}
    for topic in topics.public:
        names = sorted(contract.known_types(topic))
        messages |= {name: _message(topic, name) for name in names}
        channels[topic.base] = _channel(topic, names)
        operations[f"publish.{topic.base}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{topic.base}"},
            "summary": f"Prorata publishes to {topic.base}.",
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Prorata",
            "version": version(),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": _headers()},
    }


def version() -> str:
    """The contract's version: its second number is raised with each release of the schemas."""
    return f"1.{max(releases(contract.RELEASED)) - 1}.0"


def _channel(topic: Topic, names: list[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, value in topic.settings.items():
        settings[name] = value.split(",") if name == "cleanup.policy" else int(value)
    return {
        "address": topic.base,
        "description": topic.about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (*names, HEARTBEAT_TYPE)},
        "bindings": {
            "kafka": {
                "topic": topic.base,
                "partitions": topic.partitions,
                "topicConfiguration": settings,
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(topic: Topic, name: str) -> dict[str, Any]:
    if topic.kind == "events":
        payload, headers = f"schemas/{topic.base}.json#/$defs/{EVENT_TYPES[name].__name__}", "EventHeaders"
    else:
        payload, headers = f"schemas/{topic.base}.json", "StateHeaders"
    return _described(name, payload, headers, {"type": "string", "description": topic.keyed_by})


def _heartbeat() -> dict[str, Any]:
    key = {"type": "string", "const": HEARTBEAT_KEY.decode()}
    return _described(HEARTBEAT_TYPE, f"schemas/{HEARTBEAT_TYPE}.json", "HeartbeatHeaders", key)


def _described(name: str, payload: str, headers: str, key: dict[str, Any]) -> dict[str, Any]:
    example = msgspec.json.decode((EXAMPLES / f"{name}.json").read_bytes())
    return {
        "name": name,
        "headers": {"$ref": f"#/components/schemas/{headers}"},
        # Of all drafts of JSON Schema the files use what draft 7, which AsyncAPI's tools read, has as well.
        "payload": {"schemaFormat": "application/schema+json;version=draft-07", "schema": {"$ref": payload}},
        "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
        "examples": [{"headers": example["headers"], "payload": example["value"]}],
    }


def _headers() -> dict[str, Any]:
    of_accounts = _COMMON | _OF_ACCOUNTS
    return {
        "HeartbeatHeaders": _strings(_COMMON, {}),
        "EventHeaders": _strings(of_accounts | _OF_EVENTS, _CLOCK | _NOT_ALWAYS),
        "StateHeaders": _strings(of_accounts | _OF_STATES, _CLOCK),
    }


def _strings(always: dict[str, str], sometimes: dict[str, str]) -> dict[str, Any]:
    """Headers are bytes: UTF-8 texts, all of them."""
    properties = {
        name: {"type": "string", "description": text} for name, text in (always | sometimes).items()
    }
    return {"type": "object", "required": sorted(always), "properties": properties}
