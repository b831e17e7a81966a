"""Every topic has its schema, and what is published is valid by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from domain.events import EVENT_TYPES as DOMAIN_EVENT_TYPES
from eventlog.memory import MemoryEventLog
from publishing import contract
from publishing.streams import EventStream, StateStream
from publishing.topics import Topics
from tests.support.publishing.histories import append_all, history_of


def test_every_public_topic_has_its_schema_and_its_types() -> None:
    for topic in Topics().public:
        assert f"{topic.base}.json" in contract.schemas()
        assert contract.known_types(topic)
    assert contract.known_types(Topics("x.").events) == frozenset(DOMAIN_EVENT_TYPES)


@pytest.mark.parametrize("name", sorted(contract.schemas()))
def test_the_schemas_are_valid_themselves(name: str) -> None:
    Draft202012Validator.check_schema(contract.schemas()[name])


def test_what_is_published_is_valid_by_the_schemas() -> None:
    log, topics = MemoryEventLog(), Topics()
    append_all(log, {f"acme/a-{nth}": history_of(f"acme/a-{nth}", 5, months=12) for nth in range(8)}, 5)
    page, last = log.read_settled(0, 10_000), (0,) * topics.partitions
    validators = {
        topic.name: Draft202012Validator(
            json.loads(Path(contract.SCHEMAS / f"{topic.base}.json").read_text())
        )
        for topic in topics.public
    }
    for stream in (EventStream(log, topics), StateStream(log, topics)):
        for record in stream.records(page, last)[0]:
            validators[record.topic].validate(json.loads(record.value))
