"""A real Apache Kafka broker (KRaft, one node, 127.0.0.1) from jars in a Maven repository.

home = prepare_kafka()                      # makes jars, template and class archive once for this machine
with Run() as run, KafkaBroker(home, run.directory / "kafka") as broker:
    KafkaProducer(bootstrap_servers=broker.bootstrap)
    broker.restart(hard=True)               # SIGKILL; the same port, the same data
"""

from scripts.servers.kafka.broker import KafkaBroker
from scripts.servers.kafka.home import KafkaHome
from scripts.servers.kafka.prepare import prepare_kafka

__all__ = ["KafkaBroker", "KafkaHome", "prepare_kafka"]
