"""What is under way: requests and subscribers, how they were answered, and whether the server is to end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Traffic:
    """Counts requests, for `/metrics` and for an orderly end."""

    def __init__(self) -> None:
        self.draining = False
        self.ended = asyncio.Event()
        """Set once the server is to end: event streams end then."""
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "prorata_http_requests",
            "Requests that were answered.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "prorata_http_seconds",
            "How long answers took.",
            ["route"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        Gauge("prorata_http_under_way", "Requests under way.", registry=self.registry).set_function(
            lambda: self._under_way
        )
        self.subscribers = Gauge(
            "prorata_http_subscribers", "Subscribers of the event stream.", registry=self.registry
        )
        self.cut_off = Counter(
            "prorata_http_cut_off",
            "Subscribers that read too slowly and were cut off.",
            registry=self.registry,
        )

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request is under way."""
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def end(self) -> None:
        """Let no request in any more, and let streams end."""
        self.draining = True
        self.ended.set()

    async def drained(self, seconds: float) -> bool:
        """Wait until nothing is under way; False where that takes longer."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def metrics(self) -> bytes:
        """The figures in Prometheus's text format."""
        return generate_latest(self.registry)
