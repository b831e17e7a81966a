"""The files of the contract are those of the code, and no release of the schemas is broken by today's."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from publishing import asyncapi, contract
from publishing.compatibility import breaks, releases
from publishing.dialect import AMOUNT, COMMENT, Schema
from publishing.envelope import HEARTBEAT_TYPE
from publishing.topics import Topics
from scripts import contract as written

RELEASES = releases(contract.RELEASED)
TODAY = contract.schemas()
EVENTS, INVOICES = "billing.events.v1.json", "billing.invoices.v1.json"
ASYNCAPI = Path(__file__).parent / "asyncapi-3.0.0.schema.json"


@pytest.mark.parametrize("made", [written.schemas, written.examples, written.document])
def test_the_files_are_up_to_date(made: Any) -> None:
    """If they are not: `make contract`, and look at the difference as a subscriber would."""
    texts = made()
    assert {path: path.read_text(encoding="utf-8") for path in texts} == texts


def test_todays_schemas_break_no_release() -> None:
    """If they do: another field, another type of event, a higher schema version, or topics `v2`."""
    assert written.broken() == []


def test_todays_schemas_are_released() -> None:
    """If they are not: `make contract ARGS=--release`, if the change is meant to be kept for ever."""
    assert not written.unreleased()


def test_the_document_has_the_version_of_the_last_release() -> None:
    assert asyncapi.document()["info"]["version"] == f"1.{len(RELEASES) - 1}.0"


def changed(name: str, *path: str) -> tuple[Schema, Schema]:
    """A schema, and a node of a copy of it to be changed; the copy is under the key `root`."""
    root = copy.deepcopy(TODAY[name])
    node: Any = root
    for step in path:
        node = node[step]
    return {"root": root}, node


def broken_by(name: str, root: Schema) -> list[str]:
    return breaks(TODAY[name], root["root"])


def test_an_optional_field_may_be_added() -> None:
    root, invoice = changed(INVOICES, "$defs", "InvoiceDocument")
    invoice["properties"]["note"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    assert broken_by(INVOICES, root) == []


def test_a_removed_field_is_found_wherever_it_is() -> None:
    root, line = changed(INVOICES, "$defs", "Line")
    del line["properties"]["days"]
    line["required"].remove("days")
    assert broken_by(INVOICES, root) == ["$.lines[].days: was removed"]


def test_a_new_required_field_is_found() -> None:
    root, invoice = changed(INVOICES, "$defs", "InvoiceDocument")
    invoice["properties"]["note"] = {"type": "string"}
    invoice["required"].append("note")
    assert broken_by(INVOICES, root) == ["$.note: is required, and what was published before may lack it"]


def test_a_field_that_is_not_always_there_any_more_is_found() -> None:
    root, invoice = changed(INVOICES, "$defs", "InvoiceDocument")
    invoice["required"].remove("total")
    assert broken_by(INVOICES, root) == ["$.total: is not always there any more"]


def test_another_type_is_found() -> None:
    root, invoice = changed(INVOICES, "$defs", "InvoiceDocument")
    invoice["properties"]["number"] = {"type": "string"}
    assert broken_by(INVOICES, root) == ["$.number: type 'integer' became 'string'"]


def test_a_value_that_may_be_null_now_is_found() -> None:
    root, invoice = changed(INVOICES, "$defs", "InvoiceDocument")
    invoice["properties"]["number"] = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert broken_by(INVOICES, root) == ["$.number: integer became integer or null"]


def test_another_value_of_an_enumeration_is_found() -> None:
    root, invoice = changed(INVOICES, "$defs", "InvoiceDocument")
    invoice["properties"]["status"]["enum"].append("void")
    [found] = broken_by(INVOICES, root)
    assert found.startswith("$.status: one of ")


def test_a_new_bound_is_found() -> None:
    root, invoice = changed(INVOICES, "$defs", "InvoiceDocument")
    invoice["properties"]["number"]["minimum"] = 1
    assert broken_by(INVOICES, root) == ["$.number: minimum None became 1"]


def test_an_event_may_be_added_and_not_removed() -> None:
    root, definitions = changed(EVENTS, "$defs")
    definitions["AddonGifted"] = copy.deepcopy(definitions["AddonPurchased"])
    definitions["AddonGifted"]["properties"]["type"] = {"const": "addon_gifted"}
    assert broken_by(EVENTS, root) == []
    assert breaks(root["root"], TODAY[EVENTS]) == ["addon_gifted: is not an event any more"]


def test_an_events_shape_may_change_with_its_schema_version_alone() -> None:
    root, event = changed(EVENTS, "$defs", "PlanPaused")
    del event["properties"]["family"]
    event["required"].remove("family")
    assert broken_by(EVENTS, root) == ["plan_paused.family: was removed"]
    event[COMMENT] = event[COMMENT].replace(":1", ":2")
    assert broken_by(EVENTS, root) == []
    assert breaks(root["root"], TODAY[EVENTS]) == ["plan_paused: schema version 1 is lower than 2"]


def test_an_event_within_an_event_changes_both() -> None:
    """A payment's intent holds what it will make: its schema version is raised with the other's."""
    root, event = changed(EVENTS, "$defs", "AddonPurchased")
    del event["properties"]["price"]
    event["required"].remove("price")
    event[COMMENT] = event[COMMENT].replace(":1", ":2")
    assert broken_by(EVENTS, root) == ["payment_started.if_paid.price: was removed"]


def test_another_release_compares_all_earlier_ones(tmp_path: Path) -> None:
    for number in (2, 10):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / INVOICES).write_text(json.dumps(TODAY[INVOICES]))
    assert sorted(releases(tmp_path)) == [2, 10]


def test_the_asyncapi_document_is_valid_by_asyncapis_own_schema() -> None:
    validator = Draft7Validator(json.loads(ASYNCAPI.read_text()))
    document = asyncapi.document()
    assert [error.message for error in validator.iter_errors(document)] == []
    document["channels"]["billing.events.v1"]["address"] = 7
    assert not validator.is_valid(document)


def test_the_asyncapi_document_has_every_topic_and_message() -> None:
    document = asyncapi.document()
    assert set(document["channels"]) == {topic.base for topic in Topics().public}
    types = {name for topic in Topics().public for name in contract.known_types(topic)}
    assert set(document["components"]["messages"]) == types | {HEARTBEAT_TYPE}


def test_every_reference_of_the_document_leads_somewhere() -> None:
    for message in asyncapi.document()["components"]["messages"].values():
        file, _, pointer = message["payload"]["schema"]["$ref"].partition("#/")
        node: Any = json.loads((asyncapi.FILE.parent / file).read_text())
        for step in filter(None, pointer.split("/")):
            node = node[step]
        assert node


@pytest.mark.parametrize("topic", Topics().public, ids=lambda topic: topic.base)
def test_there_is_an_example_of_each_message_and_it_is_valid(topic: Any) -> None:
    validator = Draft202012Validator(TODAY[f"{topic.base}.json"])
    for name in contract.known_types(topic):
        example = json.loads((asyncapi.EXAMPLES / f"{name}.json").read_text())
        assert example["topic"] == topic.base
        assert example["headers"]["ce_type"] == name
        assert [error.message for error in validator.iter_errors(example["value"])] == []


STANDARD_WORDS = frozenset(
    "$schema $id $defs $ref $comment title description default type enum const anyOf items properties "
    "required pattern format additionalProperties minimum maximum minLength maxLength".split()
)
"""What every validator knows of JSON Schema 2020-12, ajv in its strict mode among them."""

STANDARD_FORMATS = frozenset({"date", "date-time", "uuid"})


def nodes(schema: Any) -> Iterator[Schema]:
    """Every schema within the schema, itself included."""
    if not isinstance(schema, dict):
        return
    yield schema
    for word in ("properties", "$defs"):
        for one in schema.get(word, {}).values():
            yield from nodes(one)
    for one in (*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")):
        yield from nodes(one)


@pytest.mark.parametrize("name", TODAY)
def test_a_strict_validator_in_another_language_takes_every_schema(name: str) -> None:
    for node in nodes(TODAY[name]):
        assert node.keys() <= STANDARD_WORDS, node
        assert node.get("format", "date") in STANDARD_FORMATS, node
        assert len(node.get("enum", "ab")) > 1, f"one value is a const: {node}"
        # Words that say something of one type alone stand beside that type.
        if node.keys() & {"properties", "required"}:
            assert node["type"] == "object", node
        if node.keys() & {"pattern", "format"}:
            assert node["type"] == "string", node
        assert set(node.get("required", ())) <= set(node.get("properties", {})), node


@pytest.mark.parametrize("text", ["0", "4.84", "-4.84", "1000000.000", "-0.00"])
def test_amounts_are_written_as_the_pattern_says(text: str) -> None:
    assert re.search(AMOUNT, text)
    assert json.loads(msgspec.json.encode(Decimal(text))) == text


@pytest.mark.parametrize("text", ["", "4,84", "04.84", "4.", ".84", "1e3", "NaN", "+1", "4.84 EUR"])
def test_another_text_is_no_amount(text: str) -> None:
    invoice = json.loads((asyncapi.EXAMPLES / "invoices.json").read_text())["value"]
    validator = Draft202012Validator(TODAY[INVOICES])
    assert validator.is_valid(invoice)
    assert not validator.is_valid(invoice | {"total": text})
