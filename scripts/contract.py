"""Write the contract's files in publishing/: schemas, an example of each message, the AsyncAPI document.

python -m scripts.contract               # writes what follows from the code
python -m scripts.contract --release     # and keeps today's schemas as the next release

Exit 1: today's schemas would break a subscriber; the places are said, and nothing is released.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec

from domain.catalog import Catalogues
from domain.commands import PurchasePlan, Request
from domain.events import Event
from eventlog import Head, NewEvent
from eventlog.codec import domain_codec
from eventlog.memory import MemoryEventLog
from prorata.simulation.run import VirtualAccount, history_of
from prorata.simulation.scenario import read_scenario
from publishing import asyncapi, contract
from publishing.compatibility import breaks, releases
from publishing.envelope import Heartbeat, Record, heartbeat_record
from publishing.streams import EventStream, StateStream
from publishing.topics import Topics
from scripts.sample_imports import imported_histories

STORIES = Path(__file__).resolve().parents[1] / "tests" / "scenarios"

LOG_ID = UUID("0b6f2f2e-6d0f-4b4c-9a57-3f1f0f6f4a10")
NOW = datetime(2026, 4, 5, 8, 30, tzinfo=UTC)


def schemas() -> dict[Path, str]:
    """File → text of each schema."""
    return {contract.SCHEMAS / name: contract.render(schema) for name, schema in contract.schemas().items()}


def examples() -> dict[Path, str]:
    """File → text of an example of each record type, from the scenarios' accounts."""
    found: dict[str, Record] = {}
    for record in _records():
        found.setdefault(dict(record.pairs)["ce_type"].decode(), record)
    return {
        asyncapi.EXAMPLES / f"{name}.json": contract.render(_shown(record)) for name, record in found.items()
    }


def document() -> dict[Path, str]:
    """File → text of the AsyncAPI document, which shows the examples as in their files."""
    return {asyncapi.FILE: contract.render(asyncapi.document())}


def _records() -> Iterator[Record]:
    """The records of each story, in its own log, so that a new story changes no example."""
    topics, codec = Topics(), domain_codec()
    for name, history in _histories():
        log, account_id = MemoryEventLog(log_id=LOG_ID, clock=lambda: NOW), f"main/{name}"
        events = [
            _new_event(codec.encode(event), event, account_id, nth) for nth, event in enumerate(history)
        ]
        page = log.append(account_id, Head.NONE, events)
        for stream in (EventStream(log, topics), StateStream(log, topics)):
            yield from stream.records(page, (0,) * topics.partitions)[0]
    yield heartbeat_record(topics.events, 0, Heartbeat(LOG_ID, 1, NOW))


def _histories() -> Iterator[tuple[str, list[Event]]]:
    catalogs: dict[Path, Any] = {}
    for path in sorted(STORIES.glob("*/*.json")):
        yield path.stem, history_of(read_scenario(path, catalogs))
    # No scenario has a cancelled payment: only recovery cancels one.
    catalog, *_ = catalogs.values()
    account = VirtualAccount("EUR", "Europe/Paris", Catalogues.always(catalog), NOW)
    account.give(
        Request(PurchasePlan("standard"), NOW, "test", cvv=True, billing=True), own_payment="cancelled"
    )
    yield "payment-cancelled", account.history
    yield from imported_histories(catalog, NOW)


def _new_event(encoded: tuple[str, int, bytes], event: Event, account_id: str, nth: int) -> NewEvent:
    event_type, version, state = encoded
    command = None if event.command is None else event.command.id
    return NewEvent(uuid5(LOG_ID, f"{account_id}/{nth}"), command, event_type, version, event.at, None, state)


def _shown(record: Record) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "key": record.key.decode(),
        "headers": {name: value.decode() for name, value in record.pairs},
        "value": msgspec.json.decode(record.value),
    }


def broken() -> list[str]:
    """Each place where the present schemas would break a subscriber built on a release."""
    today = contract.schemas()
    return [
        f"release {number}, {name}: {place}"
        for number, release in releases(contract.RELEASED).items()
        for name, schema in release.items()
        for place in breaks(schema, today[name])
    ]


def unreleased() -> bool:
    """Whether the present schemas differ from the last release's."""
    past = releases(contract.RELEASED)
    return not past or past[max(past)] != contract.schemas()


def release() -> Path:
    """Keep the present schemas as the next release."""
    folder = contract.RELEASED / str(max(releases(contract.RELEASED), default=0) + 1)
    folder.mkdir(parents=True)
    for path, text in schemas().items():
        (folder / path.name).write_text(text, encoding="utf-8")
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--release", action="store_true", help="keep today's schemas as the next release")
    options = parser.parse_args()
    breaking = broken()
    if options.release and unreleased() and not breaking:
        print(f"released: {release().name}")
    asyncapi.EXAMPLES.mkdir(exist_ok=True)
    for made in (schemas, examples, document):
        for path, text in made().items():
            path.write_text(text, encoding="utf-8")
    for place in breaking:
        print(f"{place}: raise the event's schema version, or add another field", file=sys.stderr)
    if not breaking and unreleased():
        print("the schemas are not those of the last release: keep them with `make contract ARGS=--release`")
    return 1 if breaking else 0


if __name__ == "__main__":
    sys.exit(main())
