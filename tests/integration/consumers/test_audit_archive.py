"""The audit archive: a file a day, the same from the same topic, and whatever is changed in it is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from kafka import KafkaProducer
from msgspec import structs

from consumers.audit_archive import archiver, files
from consumers.audit_archive.archiver import Archiver
from consumers.audit_archive.files import MANIFEST, archived_days, read_day
from consumers.audit_archive.verifying import verify
from consumers.errors import ArchiveBroken
from eventlog import StoredEvent
from eventlog.memory import MemoryEventLog
from prorata.roles import CONSUMER
from publishing.clients import Broker, to
from publishing.envelope import Heartbeat, Record, heartbeat_record
from publishing.streams import EventStream
from publishing.topics import Topics
from tests.support.publishing.histories import append_all, history_of
from tests.support.roles import kafka_as

Publish = Callable[[int, str], None]


@pytest.fixture
def log() -> MemoryEventLog:
    """Several accounts' events, mixed."""
    log = MemoryEventLog()
    append_all(log, {f"acme/a-{nth}": history_of(f"acme/a-{nth}", 3) for nth in range(12)}, 3)
    return log


@pytest.fixture
def publish(log: MemoryEventLog, topics: Topics, kafka_bootstrap: Broker) -> Iterator[Publish]:
    """Publishes the log up to a position, and then the heartbeats of that moment."""
    stream, last, published = EventStream(log, topics), (0,) * topics.partitions, 0
    with closing(KafkaProducer(**to(kafka_bootstrap))) as producer:

        def send(record: Record) -> None:
            _ = producer.send(record.topic, record.value, record.key, record.pairs, record.partition)

        def publish(until: int, moment: str) -> None:
            nonlocal last, published
            page = [stored for stored in log.read_settled(published, 10_000) if stored.position <= until]
            records, last = stream.records(page, last)
            published = max(published, until)
            heartbeat = Heartbeat(log.log_id, published, datetime.fromisoformat(moment).replace(tzinfo=UTC))
            for record in records:
                send(record)
            for partition in range(topics.partitions):
                send(heartbeat_record(topics.events, partition, heartbeat))
            producer.flush()

        yield publish


@pytest.fixture
def archived(
    publish: Publish, kafka_bootstrap: Broker, topics: Topics, tmp_path: Path
) -> Callable[[str], Path]:
    """The folder after three days, of which the third is not over."""

    def archived(name: str = "archive") -> Path:
        Archiver(tmp_path / name, kafka_as(kafka_bootstrap, CONSUMER), prefix=topics.prefix).run_once()
        return tmp_path / name

    publish(20, "2026-04-05T10:00")
    publish(31, "2026-04-05T23:59:59")
    publish(40, "2026-04-06T00:00")
    publish(70, "2026-04-07T08:00")
    publish(90, "2026-04-07T09:00")
    return archived


def archived_events(folder: Path) -> list[StoredEvent]:
    return [event for day in archived_days(folder) for event in read_day(folder, day.file)]


def test_each_day_is_a_file_up_to_its_first_heartbeat_after_midnight(
    archived: Callable[[str], Path], log: MemoryEventLog
) -> None:
    folder = archived("archive")
    assert [(entry.day, entry.cut) for entry in archived_days(folder)] == [
        (date(2026, 4, 5), 40),
        (date(2026, 4, 6), 70),
    ]
    assert archived_events(folder) == [
        stored for stored in log.read_settled(0, 1_000) if stored.position <= 70
    ]
    assert sorted(path.name for path in folder.iterdir()) == [
        "events-2026-04-05.parquet",
        "events-2026-04-06.parquet",
        MANIFEST,
    ]
    verified = verify(folder)
    assert (verified.files, verified.events, verified.cut) == (2, len(archived_events(folder)), 70)
    assert (
        verified.heads["acme/a-1"] == [e for e in archived_events(folder) if e.account_id == "acme/a-1"][-1]
    )


def test_the_state_is_the_stored_bytes(archived: Callable[[str], Path], log: MemoryEventLog) -> None:
    folder = archived("archive")
    rows = pq.read_table(folder / "events-2026-04-05.parquet").to_pylist()
    assert [row["state"] for row in rows] == [
        stored.state for stored in log.read_settled(0, 1_000) if stored.position <= 40
    ]


def test_it_goes_on_where_it_ended_and_a_second_one_makes_the_same_files(
    archived: Callable[[str], Path],
    publish: Publish,
    log: MemoryEventLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archived("archive")
    publish(log.last_position(), "2026-04-08T00:00:01")
    folder = archived("archive")
    assert archived_events(folder) == log.read_settled(0, 1_000)
    monkeypatch.setattr(archiver, "ROWS", 4)
    other = archived("other")
    assert (other / MANIFEST).read_bytes() == (folder / MANIFEST).read_bytes()
    assert archived("archive") == folder
    assert len(archived_days(folder)) == 3


def test_a_crash_before_the_manifests_line_writes_the_file_again(
    archived: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(archiver, "add_day", crash)
        with pytest.raises(SystemExit):
            archived("archive")
    folder = archived("archive")
    assert verify(folder).files == 2
    whole = (folder / MANIFEST).read_bytes()
    first, _ = whole.split(b"\n", 1)
    (folder / MANIFEST).write_bytes(first + b"\n" + whole[len(first) + 1 : -9])  # the second line is cut off
    assert archived("archive") == folder
    assert (folder / MANIFEST).read_bytes() == whole


def first_file(folder: Path) -> Path:
    return folder / archived_days(folder)[0].file


def without_its_first_line(folder: Path) -> None:
    _, others = (folder / MANIFEST).read_bytes().split(b"\n", 1)
    (folder / MANIFEST).write_bytes(others)


def without_an_event(folder: Path) -> None:
    table = pq.read_table(first_file(folder))
    pq.write_table(table.slice(1), first_file(folder))
    with_the_right_hash(folder)


def with_other_bytes(folder: Path) -> None:
    table = pq.read_table(first_file(folder))
    states = [b"{}", *table.column("state").to_pylist()[1:]]
    changed = table.set_column(table.schema.get_field_index("state"), files.SCHEMA.field("state"), [states])
    pq.write_table(changed, first_file(folder))
    with_the_right_hash(folder)


def with_the_right_hash(folder: Path) -> None:
    """As somebody would who knows how an archive is made: the manifest says the new file's hash."""
    all_of_them = archived_days(folder)
    (folder / MANIFEST).unlink()
    for entry in all_of_them:
        changed = {"sha256": files.sha256_of(folder / entry.file), "previous": files.last_line_hash(folder)}
        files.add_day(folder, structs.replace(entry, **changed))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda folder: first_file(folder).unlink(), "file_missing"),
        (lambda folder: first_file(folder).write_bytes(b"no parquet"), "file_altered"),
        (
            lambda folder: shutil.copy(folder / archived_days(folder)[1].file, first_file(folder)),
            "file_altered",
        ),
        (lambda folder: (folder / MANIFEST).write_text("{}\n"), "manifest_altered"),
        (without_its_first_line, "manifest_altered"),
        (without_an_event, "events_altered"),
        (with_other_bytes, "events_altered"),
    ],
)
def test_whatever_is_changed_is_found(
    archived: Callable[[str], Path], change: Callable[[Path], object], code: str
) -> None:
    folder = archived("archive")
    change(folder)
    with pytest.raises(ArchiveBroken) as broken:
        verify(folder)
    assert broken.value.code == code


def test_an_empty_folder_is_an_empty_archive(tmp_path: Path) -> None:
    assert (verify(tmp_path).files, verify(tmp_path).events) == (0, 0)
