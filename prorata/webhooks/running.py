"""The sender as a process: queues and replays, until it is stopped."""

from __future__ import annotations

import asyncio
from contextlib import closing
from threading import Event
from typing import Final

from consumers.webhooks.addresses import Addresses, networks_in
from consumers.webhooks.delivering import Delivering
from consumers.webhooks.sending import Sender
from eventlog.postgres.connect import connect
from prorata.settings import Settings
from prorata.webhooks.replaying import Replaying
from prorata.wiring import opened_log

_REPLAYING: Final = 0.5


def addresses_of(settings: Settings) -> Addresses:
    """Where webhooks may be sent to. Raises InvalidInput `invalid_setting`."""
    return Addresses(networks_in(settings.webhook_networks, "PRORATA_WEBHOOK_NETWORKS"))


def send_until(settings: Settings, stop: Event, *, once: bool = False) -> int:
    """Send until `stop` is set, or what there is now; how many messages endpoints took in."""
    return asyncio.run(_send(settings, stop, once=once))


async def _send(settings: Settings, stop: Event, *, once: bool) -> int:
    with (
        opened_log(settings) as log,
        closing(connect(settings.database_url, "prorata webhooks")) as queues,
        closing(connect(settings.database_url, "prorata webhook replays")) as replays,
    ):
        replaying = Replaying(replays, log)
        async with Sender(addresses_of(settings)) as sender:
            delivering = Delivering(queues, sender)
            if once:
                while await asyncio.to_thread(replaying.some):
                    pass
                return await delivering.run_once()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_replay(replaying, stop))
                tasks.create_task(delivering.run(stop))
            return delivering.delivered


async def _replay(replaying: Replaying, stop: Event) -> None:
    while not stop.is_set():
        if not await asyncio.to_thread(replaying.some):
            await asyncio.sleep(_REPLAYING)
