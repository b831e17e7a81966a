"""A test's own Kafka: what can be done to it, and what it keeps."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer

from scripts.servers.kafka import KafkaBroker, jars
from scripts.servers.kafka.jars import fetch_jars, locked_jars


@pytest.mark.parametrize("hard", [False, True])
def test_what_was_committed_is_there_after_a_restart_on_its_port(own_kafka: KafkaBroker, hard: bool) -> None:
    own_kafka.create_topics({"events": 1})
    _send(own_kafka, b"before")
    own_kafka.restart(hard=hard)
    _send(own_kafka, b"after")
    assert _read(own_kafka, 2) == [b"before", b"after"]


def test_a_paused_broker_answers_when_it_is_resumed(own_kafka: KafkaBroker) -> None:
    own_kafka.create_topics({"events": 1})
    with closing(KafkaProducer(bootstrap_servers=own_kafka.bootstrap)) as producer:
        producer.partitions_for("events")
        own_kafka.pause()
        sent = producer.send("events", b"paused")
        assert not sent.is_done
        own_kafka.resume()
        producer.flush(30)
        assert sent.succeeded()


def test_a_topic_must_be_created(own_kafka: KafkaBroker) -> None:
    own_kafka.create_topics({"events": 3})
    with closing(KafkaConsumer(bootstrap_servers=own_kafka.bootstrap)) as consumer:
        assert consumer.partitions_for_topic("events") == {0, 1, 2}
        assert not consumer.partitions_for_topic("evnets")


def test_a_jar_that_is_not_the_locked_one_ends_the_preparation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = _fetches(dict.fromkeys(locked_jars(), b"another jar"))
    monkeypatch.setattr(jars, "_fetch_with_maven", fetch)
    monkeypatch.setattr(jars, "_fetch_with_jgo", lambda _, target: fetch(target))
    with pytest.raises(
        RuntimeError, match=r"lz4-java-.*\.jar is not the jar whose sha256 stands in jars\.lock"
    ):
        fetch_jars(tmp_path / "jars", say=lambda _: None)


def _fetches(contents: dict[str, bytes]) -> Callable[..., bool]:
    def fetch(target: Path, *_: object) -> bool:
        for path, content in contents.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)
        return True

    return fetch


def _send(broker: KafkaBroker, value: bytes) -> None:
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id="test")) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        sent = producer.send("events", value)
        producer.commit_transaction()
        assert sent.succeeded()


def _read(broker: KafkaBroker, number: int) -> list[bytes]:
    """The first committed values, as many as asked for."""
    consumer = KafkaConsumer(
        "events",
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        consumer_timeout_ms=30_000,
    )
    with closing(consumer):
        values = [record.value for _, record in zip(range(number), consumer, strict=False)]
    return [value for value in values if value is not None]
