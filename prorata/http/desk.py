"""What the routes work on: the service, the log and the read models, behind one seam.

looked = await looked_at(desk, call)                       # the account, by the service
found = await desk.run(partial(explained, looked, "2"))    # what blocks or takes long, on a thread
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from domain.catalog import Catalog, Catalogues
from domain.state import Account
from eventlog.postgres.connect import Connection
from eventlog.postgres.connections import Connections
from projections import MIGRATIONS as PROJECTIONS
from projections.history.kept import KeptHistories
from prorata.cli.account.present import names_of
from prorata.http.call import Answered
from prorata.http.feed import Feed
from prorata.http.recent import Recent
from prorata.http.settled import SettledLog
from prorata.http.shared import Shared
from prorata.http.traffic import Traffic
from prorata.portal.sessions import PortalSessions
from prorata.settings import Settings
from prorata.status.sampling import LagHistory
from prorata.wiring import PATIENCE, AsyncSystem
from prorata.wiring_of_persons import vault_of
from prorata.wording import Language, Wording
from service.account_log import BlockingLog
from service.clock import checked_now
from service.persons.desk import DetailsDesk
from service.persons.erasing import Eraser
from service.persons.store import PostgresDetails
from service.schema import connect

T = TypeVar("T")

_logger = logging.getLogger(__name__)

THREADS: Final = 16
"""Looks that block and are under way at once; the others wait for their turn."""

SEEN: Final = 0.25
"""Seconds for which it is not asked again whether another process has changed an account."""

_REMEMBERED: Final = 10_000
_WORDED: Final = 200

READING: Final = 8
"""Connections to the read models."""


class Memo(msgspec.Struct, frozen=True):
    """What was answered of that state in that second."""

    state: Account
    second: int
    answered: Answered


class Desk:
    """The service, the log and the read models; of one event loop."""

    def __init__(self, settings: Settings, system: AsyncSystem, traffic: Traffic) -> None:
        self.settings = settings
        self.system = system
        self.service = system.service
        self.traffic = traffic
        self._read_models: Connections = connect(
            settings.database_url, "prorata serve", limit=READING, patience=PATIENCE, source=PROJECTIONS
        )
        self.settled = SettledLog(system.log)
        self.feed = Feed(self.settled, traffic, self.run)
        self.histories = KeptHistories(system.log)
        self.lags = LagHistory()
        self._seen: Recent[str, float] = Recent(_REMEMBERED)
        self._looks: Shared[str, Account | None] = Shared()
        self._words: Recent[tuple[Language, int], tuple[Catalog, Wording]] = Recent(_WORDED)
        self.answered: Recent[tuple[str, str], Memo] = Recent(_REMEMBERED)
        self.portal = PortalSessions(settings.database_url, patience=PATIENCE)
        self._details_store = PostgresDetails(settings.database_url, patience=PATIENCE)
        self._details: DetailsDesk | None = None
        self._later: set[asyncio.Task[None]] = set()
        self.threads = ThreadPoolExecutor(THREADS, "http")

    def close(self) -> None:
        """End the threads and close the connections."""
        self.threads.shutdown(wait=True, cancel_futures=True)
        self._read_models.close()
        self._details_store.close()
        self.portal.close()

    @property
    def details(self) -> DetailsDesk:
        """Where billing details are given and shown. Raises InvalidInput `persons_key_missing`,
        `invalid_setting`."""
        if self._details is None:
            log, clock = BlockingLog(self.system.log, self.system.off_loop), self.system.clock
            vault = vault_of(self.settings)
            self._details = DetailsDesk(
                self.service, log, self._details_store, vault, clock, self.system.off_loop
            )
        return self._details

    @property
    def eraser(self) -> Eraser:
        """Who erases them; it needs no key."""
        return Eraser(
            BlockingLog(self.system.log, self.system.off_loop),
            self._details_store,
            self.system.clock,
            retention_years=self.settings.retention_years,
            off_loop=self.system.off_loop,
        )

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what nobody waits for; a failure of it is logged. What is under way as the server ends is given
        up."""
        task = asyncio.get_running_loop().create_task(work)
        self._later.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._later.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("what was to be done later failed", exc_info=error)

    async def run(self, work: Callable[[], T]) -> T:
        """Do what blocks, or takes long, on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What the work reads of the read models."""
        return await self.run(partial(self._read_models.run, work))

    async def seen(self, account_id: str) -> Account | None:
        """The account as it was in the log at most SEEN seconds ago, and as this process left it since."""
        at = self._seen.get(account_id)
        now = asyncio.get_running_loop().time()
        if at is not None and now - at < SEEN:
            return await self.service.last_seen(account_id)
        if await self._looks(account_id, partial(self._look, account_id)) is None:
            return None
        return await self.service.last_seen(account_id)

    async def _look(self, account_id: str) -> Account | None:
        began = asyncio.get_running_loop().time()
        state = await self.service.account(account_id)
        if state is not None:
            self._seen.keep(account_id, began)
        return state

    async def series_for(self, state: Account | None) -> Catalogues:
        """The versions of the catalogue that the account's prices are read from."""
        catalogues = self.system.catalogues
        if not catalogues.knows(state):
            await self.system.off_loop(partial(catalogues.look, state))
        return catalogues.series_for(state)

    def words(self, language: Language, catalog: Catalog) -> Wording:
        """The language with the names of the catalogue's products."""
        name = language, id(catalog)
        kept = self._words.get(name)
        if kept is not None and kept[0] is catalog:
            return kept[1]
        made = Wording(language).naming(names_of(catalog))
        self._words.keep(name, (catalog, made))
        return made

    async def now(self) -> datetime:
        """The present instant."""
        return await checked_now(self.system.clock, self.system.off_loop)
