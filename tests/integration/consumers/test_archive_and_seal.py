"""An archive is held against a seal of the log, and a lost end or another history is found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka import KafkaProducer
from msgspec.structs import replace

from consumers.audit_archive.archiver import Archiver
from consumers.audit_archive.sealed import verify_against
from consumers.errors import ArchiveBroken
from eventlog.audit.seal import Seal
from eventlog.audit.sealing import make_seal
from eventlog.postgres.log import PostgresEventLog
from prorata.roles import CONSUMER
from publishing.clients import Broker, to
from publishing.envelope import Heartbeat, heartbeat_record
from publishing.topics import Topics
from tests.support.publishing.histories import append_all, history_of
from tests.support.roles import kafka_as


@pytest.fixture
def sealed(
    log: PostgresEventLog,
    publish: Callable[[], None],
    topics: Topics,
    kafka_bootstrap: Broker,
    consumer_url: str,
    tmp_path: Path,
) -> tuple[Path, Seal]:
    """The archive of a day that is over, and a seal of the log before its last events."""
    append_all(log, {f"acme/a-{nth}": history_of(f"a-{nth}", 2) for nth in range(9)}, 2)
    report, seal = make_seal(consumer_url)
    assert report.whole
    assert seal is not None
    append_all(log, {"acme/later": history_of("later", 2)}, 2)
    publish()
    over = Heartbeat(log.log_id, log.last_position(), datetime(9000, 1, 1, tzinfo=UTC))
    with closing(KafkaProducer(**to(kafka_bootstrap))) as producer:
        for partition in range(topics.partitions):
            record = heartbeat_record(topics.events, partition, over)
            _ = producer.send(record.topic, record.value, record.key, record.pairs, partition)
        producer.flush()
    Archiver(tmp_path, kafka_as(kafka_bootstrap, CONSUMER), prefix=topics.prefix).run_once()
    return tmp_path, seal


def test_an_archive_of_the_sealed_log_holds_and_any_other_does_not(sealed: tuple[Path, Seal]) -> None:
    folder, seal = sealed
    assert verify_against(folder, seal).files == 1
    for changed, code in (
        (replace(seal, root="00" * 32), "seal_differs"),
        (replace(seal, position=seal.position - 1), "seal_differs"),
        (replace(seal, position=10**6), "archive_behind"),
        (replace(seal, log_id="0" * 32), "foreign_seal"),
    ):
        with pytest.raises(ArchiveBroken) as broken:
            verify_against(folder, changed)
        assert broken.value.code == code
