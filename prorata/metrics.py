"""The figures of `prorata.status` as Prometheus has them: asked for when it asks.

registry.register(StatusCollector(settings, log))
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from eventlog import EventLog
from prorata.settings import Settings
from prorata.status import Status, status_of


class StatusCollector(Collector):
    """Gauges with the prefix `prorata_`."""

    def __init__(self, settings: Settings, log: EventLog) -> None:
        self._settings = settings
        self._log = log

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What holds now. What is unknown has no sample."""
        return families(status_of(self._settings, self._log))


def families(status: Status) -> Iterator[GaugeMetricFamily]:
    """The gauges."""
    yield _gauge("log_position", "The highest position in the log.", status.log_position)
    yield _gauge("broker_up", "Whether the broker answers.", int(status.broker))
    yield _gauge("troubles", "Things that a person has to look at.", len(status.troubles))
    held = status.fence_seconds or 0.0
    yield _gauge("fence_seconds", "How long a transaction has held back settled reads.", held)
    lag = GaugeMetricFamily(
        "prorata_lag_seconds",
        "How long ago the first event that it lacks was recorded.",
        labels=["kind", "name"],
    )
    position = GaugeMetricFamily(
        "prorata_position", "The position of the last event that it has.", labels=["kind", "name"]
    )
    kinds = (("projection", status.projections), ("relay", status.relays), ("consumer", status.consumers))
    for kind, lags in kinds:
        for one in lags:
            if one.seconds is not None:
                lag.add_metric([kind, one.name], one.seconds)
            if one.position is not None:
                position.add_metric([kind, one.name], one.position)
    yield lag
    yield position
    parked = GaugeMetricFamily(
        "prorata_parked_keys", "Accounts or keys that wait for a person.", labels=["name"]
    )
    for stopped in status.parked:
        parked.add_metric([stopped.name], stopped.keys)
    yield parked
    halted = GaugeMetricFamily("prorata_halted", "1 for what stopped for good.", labels=["name", "code"])
    for halt in status.halts:
        halted.add_metric([halt.name, halt.code], 1)
    yield halted


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"prorata_{name}", about, value=value)
