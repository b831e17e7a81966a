"""Samples of the bytes of every event type in every schema version: what the log may hold, kept for ever.

    python -m scripts.event_samples

A version that has no file yet gets one, of events that the scenarios' own accounts recorded; today's version
gets a further sample where an optional field is there that is absent in all others, or absent where it is
there in all others. Where the samples show each field both ways nothing is written, whatever scenarios are
added. No sample is ever changed, and a shape that may not follow the kept one in the same schema version is
refused: raise the version instead (docs/eventlog.md). For samples of older versions the script writes what
they are read as now, if nothing says so yet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from domain import events as e
from domain.catalog import Catalogues, parse_catalog
from domain.commands import PurchasePlan, Request
from domain.conclude import PaymentAnswer
from eventlog.codec import domain_codec
from prorata.simulation.run import VirtualAccount, history_of
from prorata.simulation.scenario import read_scenario
from publishing.compatibility import breaks
from publishing.dialect import Schema
from scripts.sample_imports import imported_histories

TESTS = Path(__file__).resolve().parents[1] / "tests"
FOLDER = TESTS / "contract" / "eventlog" / "event_samples"
_SCENARIOS = TESTS / "scenarios"


class Sample(msgspec.Struct, frozen=True):
    """An event's bytes as in the log, and its decoded fields."""

    bytes: str
    event: dict[str, Any]


class SampleFile(msgspec.Struct, frozen=True):
    """The samples of an event type in one schema version; `shape` is the JSON Schema of its bytes."""

    type: str
    schema_version: int
    shape: Schema
    samples: dict[str, Sample]

    @property
    def name(self) -> str:
        return f"{self.type}.v{self.schema_version}.json"


class ShapeRefused(Exception):  # noqa: N818 - named for what happened
    """The shape of a type has changed in a way that asks for a higher schema version."""


def kept() -> list[SampleFile]:
    """The committed files, ordered by type and version."""
    paths = [path for path in FOLDER.glob("*.json") if not path.name.endswith(".lifted.json")]
    files = [msgspec.json.decode(path.read_bytes(), type=SampleFile) for path in paths]
    return sorted(files, key=lambda file: (file.type, file.schema_version))


def lifted(file: SampleFile) -> dict[str, dict[str, Any]]:
    """Sample's name → what an older version's sample is read as today. Raises FileNotFoundError."""
    found: dict[str, dict[str, Any]] = msgspec.json.decode(_lifted_path(file).read_bytes())
    return found


def shape_of(event_type: str) -> Schema:
    """The JSON Schema of the type as it is written today, without titles and descriptions."""
    shape: Schema = _without_words(msgspec.json.schema(e.EVENT_TYPES[event_type]))
    return shape


def updated(file: SampleFile | None, event_type: str, found: Iterable[tuple[str, e.Event]]) -> SampleFile:
    """The file of the type's present version, completed with the samples that it lacks.

    Raises ShapeRefused if the shape has changed in a way that needs a higher schema version.
    """
    version, shape = e.SCHEMA_VERSIONS[event_type], shape_of(event_type)
    file = file or SampleFile(event_type, version, shape, {})
    if broken := breaks(file.shape, shape):
        raise ShapeRefused(f"{file.name}: raise the schema version: " + "; ".join(broken))
    codec = domain_codec()
    samples = dict(file.samples)
    known = {
        one for s in samples.values() for one in shown(codec.decode(event_type, version, s.bytes.encode()))
    }
    for name, event in found:
        if not known.issuperset(shows := shown(event)):
            known |= shows
            state = codec.encode(event)[2]
            samples[name] = Sample(state.decode(), msgspec.json.decode(state))
    return SampleFile(event_type, version, shape, samples)


def recorded() -> dict[str, list[tuple[str, e.Event]]]:
    """Event type → events that the scenarios' accounts recorded, each with its story and version."""
    found: dict[str, list[tuple[str, e.Event]]] = {name: [] for name in e.EVENT_TYPES}
    for story, history in _histories():
        for version, event in enumerate(history, 1):
            found[e.type_name(event)].append((f"{story}, version {version}", event))
    return found


def render(document: object) -> str:
    """The text of a document's file."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def main() -> int:
    files = {(file.type, file.schema_version): file for file in kept()}
    FOLDER.mkdir(exist_ok=True)
    for event_type, found in recorded().items():
        version = e.SCHEMA_VERSIONS[event_type]
        try:
            file = updated(files.get((event_type, version)), event_type, found)
        except ShapeRefused as refused:
            print(refused, file=sys.stderr)
            return 1
        (FOLDER / file.name).write_text(render(file), encoding="utf-8")
    codec = domain_codec()
    for file in files.values():
        path = _lifted_path(file)
        if file.schema_version < e.SCHEMA_VERSIONS[file.type] and not path.exists():
            read = {
                name: msgspec.to_builtins(codec.decode(file.type, file.schema_version, sample.bytes.encode()))
                for name, sample in file.samples.items()
            }
            path.write_text(render(read), encoding="utf-8")
    return 0


def _lifted_path(file: SampleFile) -> Path:
    return FOLDER / file.name.replace(".json", ".lifted.json")


def shown(event: e.Event) -> set[tuple[str, bool]]:
    """(field, whether it is present), also for the fields of the command and of what a payment becomes."""
    found = {(name, getattr(event, name) not in (None, ())) for name in event.__struct_fields__}
    if event.command is not None:
        found.add(("command.id", event.command.id is not None))
    if (becomes := getattr(event, "if_paid", None)) is not None:
        found |= {(f"{e.type_name(becomes)}.{name}", there) for name, there in shown(becomes)}
    return found


def _without_words(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: _without_words(one)
            for name, one in node.items()
            if not (name == "description" and isinstance(one, str))
        }
    return [_without_words(one) for one in node] if isinstance(node, list | tuple) else node


def _histories() -> Iterator[tuple[str, list[e.Event]]]:
    catalogs: dict[Path, Any] = {}
    for path in sorted(_SCENARIOS.glob("*/*.json")):
        yield path.stem, history_of(read_scenario(path, catalogs))
    # No scenario has a cancelled payment (only recovery cancels one) or keys for its commands.
    now = datetime(2026, 4, 5, 8, 30, tzinfo=UTC)
    catalog = parse_catalog((_SCENARIOS / "catalog.json").read_bytes())
    account = VirtualAccount("EUR", "Europe/Paris", Catalogues.always(catalog), now)
    answers: tuple[PaymentAnswer, ...] = ("cancelled", "declined", "paid")
    for answer in answers:
        request = Request(PurchasePlan("standard"), now, "test", id=f"buy-{answer}", cvv=True, billing=True)
        account.give(request, own_payment=answer)
    yield "a payment cancelled, one declined, one paid", account.history
    yield from imported_histories(catalog, now)


if __name__ == "__main__":
    sys.exit(main())
