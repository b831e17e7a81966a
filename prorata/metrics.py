"""The figures of `prorata.status` as Prometheus gauges, fetched at each scrape.

registry.register(StatusCollector(settings))
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from prorata.settings import Settings
from prorata.status.asking import status_of
from prorata.status.report import Status

PATIENCE = 5.0
"""Seconds to wait for the broker; longer than `prorata status` waits, as nobody watches a screen."""


class StatusCollector(Collector):
    """Collects the gauges, whose names begin with `prorata_`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges. What is unknown has no sample; without the database there is only the gauge that
        says so."""
        try:
            status = status_of(self._settings, patience=PATIENCE)
        except psycopg.OperationalError:
            yield _gauge("database_up", "Whether the database answers.", 0)
            return
        yield from families(status)


def families(status: Status) -> Iterator[GaugeMetricFamily]:
    """Yield the gauges of a status."""
    yield _gauge("database_up", "Whether the database answers.", 1)
    yield _gauge("log_position", "The highest position in the log.", status.log_position)
    yield _gauge("broker_up", "Whether the broker answers.", int(status.broker))
    yield _gauge("troubles", "Things that a person has to look at.", len(status.troubles))
    held = status.fence_seconds or 0.0
    yield _gauge("fence_seconds", "How long a transaction has held back settled reads.", held)
    yield _gauge("overdue_accounts", "Accounts that fell due and are not billed.", status.overdue.accounts)
    yield _gauge("overdue_seconds", "For how long the first of them is.", status.overdue.seconds)
    yield _gauge("unrecognised_days", "Days whose revenue is not recognised.", status.unrecognised_days)
    yield from _of_readers(status)
    yield from _of_processes(status)
    parked = _by("parked_keys", "Accounts or keys that wait for a person.", "name")
    for stopped in status.parked:
        parked.add_metric([stopped.name], stopped.keys)
    yield parked
    halted = _by("halted", "1 for what stopped for good.", "name", "code")
    for halt in status.halts:
        halted.add_metric([halt.name, halt.code], 1)
    yield halted
    left = _by("leftovers", "1 for tables that a rebuild or a replay left unfinished.", "name")
    for leftover in status.leftovers:
        if leftover.unfinished and not leftover.running:
            left.add_metric([leftover.name], 1)
    yield left


def _of_readers(status: Status) -> Iterator[GaugeMetricFamily]:
    lag = _by("lag_seconds", "How long ago the first event that it lacks was recorded.", "kind", "name")
    position = _by("position", "The position of the last event that it has.", "kind", "name")
    skipped = _by("skipped_records", "Records of types that the consumer's code does not know.", "name")
    kinds = (("projection", status.projections), ("relay", status.relays), ("consumer", status.consumers))
    for kind, lags in kinds:
        for one in lags:
            if one.seconds is not None:
                lag.add_metric([kind, one.name], one.seconds)
            if one.position is not None:
                position.add_metric([kind, one.name], one.position)
    for one in status.consumers:
        skipped.add_metric([one.name], one.skipped)
    yield lag
    yield position
    yield skipped


def _of_processes(status: Status) -> Iterator[GaugeMetricFamily]:
    """Yield how many processes of each name work, which code they run, and up to when archives are
    complete."""
    running = _by("processes", "How many processes of that name do their work.", "name")
    for name in sorted({*status.expected, *(process.name for process in status.processes)}):
        running.add_metric([name], sum(p.alive for p in status.processes if p.name == name))
    yield running
    versions = _by("versions", "Processes that run each version of the code.", "version")
    for version in sorted({process.version for process in status.processes if process.alive}):
        versions.add_metric([version], sum(p.alive for p in status.processes if p.version == version))
    yield versions
    archived = _by("archived_until_seconds", "Up to when an archive holds every event, in Unix time.", "name")
    for process in status.processes:
        if process.done_until is not None:
            archived.add_metric([process.name], process.done_until.timestamp())
    yield archived


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"prorata_{name}", about, value=value)


def _by(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"prorata_{name}", about, labels=labels)
