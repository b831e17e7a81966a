"""The names of topics, and where an account's records are."""

from __future__ import annotations

import pytest

from publishing.topics import Topics, partition_of

# From Kafka's own tests of murmur2 (UtilsTest), as signed 32-bit numbers.
MURMUR2 = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
}


@pytest.mark.parametrize("key", MURMUR2)
def test_the_partition_is_that_of_kafkas_default_partitioner(key: str) -> None:
    for partitions in (1, 6, 12, 1000):
        assert partition_of(key, partitions) == (MURMUR2[key] & 0x7FFFFFFF) % partitions


def test_a_prefix_keeps_environments_apart() -> None:
    assert Topics().events.name == "billing.events.v1"
    assert Topics("staging.").positions.name == "staging.billing.relay-positions.v1"
    assert Topics("staging.").find("billing.invoices.v1").name == "staging.billing.invoices.v1"


def test_readers_find_public_topics_only() -> None:
    with pytest.raises(KeyError):
        Topics().find("billing.relay-positions.v1")
