"""The sender as a process: queues and replays, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from threading import Event
from typing import Final

import psycopg

from consumers.webhooks.addresses import Addresses, networks_in
from consumers.webhooks.delivering import Delivering
from consumers.webhooks.sending import Sender
from eventlog.postgres.connect import connect
from prorata.settings import Settings
from prorata.webhooks.replaying import Replaying
from prorata.wiring import opened_log

logger = logging.getLogger(__name__)

_REPLAYING: Final = 0.5
_SHORTEST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 5.0
_PASSING: Final = (psycopg.OperationalError, psycopg.InterfaceError)


def addresses_of(settings: Settings) -> Addresses:
    """Where webhooks may be sent to. Raises InvalidInput `invalid_setting`."""
    return Addresses(networks_in(settings.webhook_networks, "PRORATA_WEBHOOK_NETWORKS"))


def send_until(settings: Settings, stop: Event) -> None:
    """Send until `stop` is set. Where the database is away it begins anew, a little later each time: what an
    endpoint took in meanwhile it may be sent again."""
    backoff = _SHORTEST_BACKOFF
    while not stop.is_set():
        try:
            asyncio.run(_send_until(settings, stop))
        except _PASSING as error:
            logger.warning("webhooks: starting over after %s: %s", type(error).__name__, error)
            stop.wait(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)


def send_once(settings: Settings) -> int:
    """Send what there is now; how many messages endpoints took in."""
    return asyncio.run(_send_once(settings))


async def _send_once(settings: Settings) -> int:
    async with _at_work(settings) as (delivering, replaying):
        while await asyncio.to_thread(replaying.some):
            pass
        return await delivering.run_once()


async def _send_until(settings: Settings, stop: Event) -> None:
    """Raises what the database raises, to the one or to the other."""
    async with _at_work(settings) as (delivering, replaying):
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_replay(replaying, stop))
                tasks.create_task(delivering.run(stop))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed


@asynccontextmanager
async def _at_work(settings: Settings) -> AsyncIterator[tuple[Delivering, Replaying]]:
    with (
        opened_log(settings) as log,
        closing(connect(settings.database_url, "prorata webhooks")) as queues,
        closing(connect(settings.database_url, "prorata webhook replays")) as replays,
    ):
        async with Sender(addresses_of(settings)) as sender:
            yield Delivering(queues, sender), Replaying(replays, log)


async def _replay(replaying: Replaying, stop: Event) -> None:
    while not stop.is_set():
        if not await asyncio.to_thread(replaying.some):
            await asyncio.sleep(_REPLAYING)
