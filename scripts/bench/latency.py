"""The time from a command's acknowledgement to its event at a read_committed consumer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from msgspec.structs import asdict, replace

from domain import commands as c
from prorata.settings import Settings
from publishing.clients import READER, Broker, to
from publishing.topics import Topic, ensure_topics
from scripts.bench import scratch as places
from scripts.bench.measured import Measured, p50_and_p99

_PATIENCE = 30.0


def latency(seconds: float, rate: float) -> Iterator[Measured]:
    """Yield p50, p99 and maximum, in ms, for commands at a steady rate, each of which opens an account.
    Meanwhile `prorata relay` publishes both streams in another process."""
    settings = Settings.of()
    with places.database(settings.database_url) as url, places.topic_prefix(settings.broker) as prefix:
        own = replace(settings, database_url=url, kafka_prefix=prefix)
        topics = ensure_topics(settings.broker, prefix)
        seen: dict[str, float] = {}
        stop = Event()
        reader = Thread(target=_read, args=[settings.broker, topics.events, seen, stop])
        reader.start()
        try:
            with _relay(own):
                acknowledged = _commands(own, rate, seconds)
                _wait(lambda: acknowledged.keys() <= seen.keys())
        finally:
            stop.set()
            reader.join()
    took = [(seen[account] - at) * 1000 for account, at in acknowledged.items()]
    p50, p99 = p50_and_p99(took)
    yield Measured(
        name="latency",
        unit="ms, p99",
        ours=round(p99, 1),
        peer=None,
        ratio=None,
        lower_is_better=True,
        about={"p50": round(p50, 1), "worst": round(max(took), 1), "commands": len(took), "a second": rate},
    )


@contextmanager
def _relay(settings: Settings) -> Iterator[None]:
    variables = {
        f"PRORATA_{name.upper()}": str(value)
        for name, value in asdict(settings).items()
        if value is not None  # what is not set has no variable
    }
    command = [sys.executable, "-m", "prorata", "relay"]
    relay = subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        relay.terminate()
        relay.wait()


def _commands(settings: Settings, rate: float, seconds: float) -> dict[str, float]:
    """Give the commands; return account → when its command was acknowledged."""
    from prorata.wiring import running

    acknowledged: dict[str, float] = {}
    with running(settings) as system:
        now = system.clock.now()
        warm_up, begin = int(3 * rate), time.perf_counter()
        for nth in range(warm_up + int(rate * seconds)):
            time.sleep(max(0.0, begin + nth / rate - time.perf_counter()))
            account = f"bench/{nth:09}"
            request = c.Request(c.OpenAccount("EUR", "Europe/Paris", "test"), now, "test")
            system.service.handle(account, request)
            if nth >= warm_up:
                acknowledged[account] = time.perf_counter()
    return acknowledged


def _read(kafka: Broker, topic: Topic, seen: dict[str, float], stop: Event) -> None:
    partitions = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
    with closing(KafkaConsumer(**to(kafka), **READER)) as consumer:
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        while not stop.is_set():
            for records in consumer.poll(200).values():
                at = time.perf_counter()
                seen.update((record.key.decode(errors="replace"), at) for record in records)


def _wait(holds: Any) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("an acknowledged command was not seen by the consumer")
        time.sleep(0.01)
