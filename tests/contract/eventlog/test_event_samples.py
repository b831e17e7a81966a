"""What was ever written to the log is read for ever: committed bytes of every type in every schema version.

`python -m scripts.event_samples` adds what is missing; docs/eventlog.md says how a version is added.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from domain import events as e
from domain.explain import rule_of_event
from eventlog.codec import domain_codec, kind
from prorata.wording import event_said_in_full, wording
from scripts import event_samples
from scripts.event_samples import (
    SampleFile,
    ShapeRefused,
    kept,
    lifted,
    render,
    shape_of,
    shown,
    updated,
)

FILES = kept()
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
of_today = pytest.mark.parametrize(
    "file", [f for f in FILES if f.schema_version == e.SCHEMA_VERSIONS[f.type]], ids=lambda file: file.name
)


def expected(file: SampleFile, name: str) -> e.Event:
    """The event that the sample is, in the shape of today."""
    today = file.schema_version == e.SCHEMA_VERSIONS[file.type]
    event = file.samples[name].event if today else lifted(file)[name]
    return msgspec.convert(event, e.EVENT_TYPES[file.type], strict=False)


def lost(written: Any, read: Any, place: str = "$") -> list[str]:
    """Where something that was written is not there, or is another thing, in what was read."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [
            where
            for name, value in written.items()
            for where in lost(value, read.get(name), f"{place}.{name}")
        ]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        pairs = enumerate(zip(written, read, strict=True))
        return [where for nth, (one, other) in pairs for where in lost(one, other, f"{place}[{nth}]")]
    return [] if written == read else [place]


def test_every_type_has_samples_of_every_version_that_was_ever_written() -> None:
    versions = {
        (name, version) for name, today in e.SCHEMA_VERSIONS.items() for version in range(1, today + 1)
    }
    assert {(file.type, file.schema_version) for file in FILES} == versions
    assert all(file.samples for file in FILES)


@every_file
def test_every_sample_is_read_as_the_event_that_it_is(file: SampleFile) -> None:
    codec = domain_codec()
    for name, sample in file.samples.items():
        read = codec.decode(file.type, file.schema_version, sample.bytes.encode())
        assert read == expected(file, name)
        assert repr(read) == repr(expected(file, name)), "an amount lost its digits"


def test_many_samples_of_all_versions_are_read_at_once_as_one_by_one() -> None:
    codec = domain_codec()
    rows = [(f.type, f.schema_version, s.bytes.encode()) for f in FILES for s in f.samples.values()]
    kinds = ",".join([kind(event_type, version) for event_type, version, _ in rows])
    assert codec.decode_all(kinds, [state for *_, state in rows]) == [codec.decode(*row) for row in rows]


@every_file
def test_every_sample_can_be_told(file: SampleFile) -> None:
    codec = domain_codec()
    for sample in file.samples.values():
        read = codec.decode(file.type, file.schema_version, sample.bytes.encode())
        assert rule_of_event(read).startswith("R")
        assert event_said_in_full(read, "EUR", wording("fr"))


@of_today
def test_nothing_that_was_written_in_today_s_version_is_lost(file: SampleFile) -> None:
    codec = domain_codec()
    for sample in file.samples.values():
        read = codec.decode(file.type, file.schema_version, sample.bytes.encode())
        again = codec.encode(read)
        assert again[:2] == (file.type, file.schema_version)
        assert lost(msgspec.json.decode(sample.bytes), msgspec.json.decode(again[2])) == []
        assert msgspec.json.decode(sample.bytes) == sample.event


@of_today
def test_a_shape_changes_only_with_a_higher_version_or_by_an_optional_field(file: SampleFile) -> None:
    updated(file, file.type, ())  # else ShapeRefused
    assert file.shape == shape_of(file.type), "run: python -m scripts.event_samples"


def test_at_a_clean_head_the_script_writes_nothing() -> None:
    """If it does: `python -m scripts.event_samples`, and read what it adds."""
    files = {(file.type, file.schema_version): file for file in FILES}
    for event_type, found in event_samples.recorded().items():
        assert found
        file = files[event_type, e.SCHEMA_VERSIONS[event_type]]
        assert updated(file, event_type, found) == file
        assert (event_samples.FOLDER / file.name).read_text(encoding="utf-8") == render(file)


@of_today
def test_samples_are_added_until_each_field_is_shown_there_and_absent(file: SampleFile) -> None:
    fewer = msgspec.structs.replace(file, samples=dict(list(file.samples.items())[:1]))
    codec = domain_codec()
    events = {
        name: codec.decode(file.type, file.schema_version, sample.bytes.encode())
        for name, sample in file.samples.items()
    }
    found = [(f"anew: {name}", event) for name, event in events.items()]
    more = updated(fewer, file.type, found)
    assert list(more.samples.items())[:1] == list(fewer.samples.items())
    kept_ones = [events[name.removeprefix("anew: ")] for name in more.samples]
    assert {one for event in kept_ones for one in shown(event)} == {
        one for event in events.values() for one in shown(event)
    }
    assert updated(more, file.type, found) == more


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"properties": {"blocks": {"type": "string"}}}, "blocks: type"),
        ({"properties": {"gone": {"type": "string"}}}, "gone: was removed"),
        ({"required": ["product", "gone"]}, "blocks: is required"),
    ],
)
def test_a_shape_that_no_reader_of_the_old_bytes_could_read_is_refused(
    changed: dict[str, Any], refused: str
) -> None:
    [file] = [file for file in FILES if file.type == "blocks_changed"]
    definition = file.shape["$defs"]["BlocksChanged"]
    before = {
        word: {**definition[word], **new} if word == "properties" else new for word, new in changed.items()
    }
    shape = {**file.shape, "$defs": {**file.shape["$defs"], "BlocksChanged": {**definition, **before}}}
    with pytest.raises(ShapeRefused, match=refused):
        updated(msgspec.structs.replace(file, shape=shape), file.type, ())


def test_an_optional_field_may_be_added_without_a_new_version() -> None:
    [file] = [file for file in FILES if file.type == "invoice_paid"]
    definition = file.shape["$defs"]["InvoicePaid"]
    fewer = {name: one for name, one in definition["properties"].items() if name != "restored"}
    shape = {
        **file.shape,
        "$defs": {**file.shape["$defs"], "InvoicePaid": {**definition, "properties": fewer}},
    }
    assert updated(msgspec.structs.replace(file, shape=shape), file.type, ()).shape == file.shape
