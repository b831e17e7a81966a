"""What the routes work on: the service, the log and the read models, behind one seam.

    answer = await desk.command(call, "purchase_addon", fields)
    looked = await desk.run(looked_at, call, desk)

What blocks runs on a bounded number of threads of the desk's own (`run`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, TypeVarTuple

from eventlog.postgres.connect import Connection
from eventlog.postgres.connections import Connections
from projections import MIGRATIONS as PROJECTIONS
from prorata.http.traffic import Traffic
from prorata.settings import Settings
from prorata.wiring import PATIENCE, Running
from service.schema import connect

Ts = TypeVarTuple("Ts")
T = TypeVar("T")

THREADS: Final = 32
"""Commands and looks that are under way at once; the others wait for their turn."""

READING: Final = 8
"""Connections to the read models."""


class Desk:
    """The service, the log and the read models; of one event loop."""

    def __init__(self, settings: Settings, system: Running, traffic: Traffic) -> None:
        self.settings = settings
        self.system = system
        self.traffic = traffic
        self.read_models: Connections = connect(
            settings.database_url, "prorata serve", limit=READING, patience=PATIENCE, source=PROJECTIONS
        )
        self._threads = ThreadPoolExecutor(THREADS, "http")

    def close(self) -> None:
        """End the threads and close the connections."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.read_models.close()

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Do what blocks, on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def read(self, work: Callable[[Connection], T]) -> T:
        """What the work reads of the read models; for the threads."""
        return self.read_models.run(work)

    @property
    def threads(self) -> ThreadPoolExecutor:
        """The threads, for what else of the loop blocks."""
        return self._threads
