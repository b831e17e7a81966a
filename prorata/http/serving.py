"""`prorata serve`: the API on granian, in this process, until it is stopped.

SIGTERM ends it in order: nothing new is let in, event streams end (their readers resume elsewhere), what is
under way is answered, then the process ends with 0.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

from granian.http import HTTP1Settings
from granian.server.embed import Server

from prorata.http.app import application
from prorata.http.desk import Desk
from prorata.http.keyring import Keyring
from prorata.http.traffic import Traffic
from prorata.keys.store import KeyStore
from prorata.pages.site import Site, pages_application
from prorata.processes.health import usable_port
from prorata.processes.running import AnnouncedProcess
from prorata.settings import Settings
from prorata.wiring import open_async_system

DRAIN: Final = 20.0
"""Seconds for which an ending server answers what is under way."""

HEADERS_WITHIN: Final = 10_000
"""Milliseconds in which a request's head has to arrive."""

THREADS: Final = 16
"""Of the loop: asyncio's own number is the machine's, so few that what waits would hold up all."""

_BACKLOG: Final = 1_024
_TURN: Final = 1.0

_logger = logging.getLogger(__name__)


def serve(
    settings: Settings, host: str, port: int, process: AnnouncedProcess, ready: Callable[[], None]
) -> None:
    """Serve the API at the address until the process is to stop. Raises InvalidInput `port_unusable`."""
    with usable_port(host, port, "--port"):
        _check_port(host, port)
    with (
        closing(KeyStore(settings.database_url, settings.api_secret)) as keys,
    ):
        asyncio.run(_serve(settings, host, port, keys, process, ready))


def _check_port(host: str, port: int) -> None:
    """Raise OSError where another program listens there; another server of ours shares the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        tried.bind((host, port))


async def _serve(
    settings: Settings,
    host: str,
    port: int,
    keys: KeyStore,
    process: AnnouncedProcess,
    ready: Callable[[], None],
) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "default"))
    async with open_async_system(settings) as system:
        desk = await asyncio.to_thread(Desk, settings, system, Traffic())
        with closing(desk):
            await _serve_at(host, port, desk, keys, process, ready)


async def _serve_at(
    host: str,
    port: int,
    desk: Desk,
    keys: KeyStore,
    process: AnnouncedProcess,
    ready: Callable[[], None],
) -> None:
    loop, settings = asyncio.get_running_loop(), desk.settings
    traffic, keyring = desk.traffic, Keyring(keys, settings.api_rate)
    app = Site(application(desk, keyring), pages_application(desk, keyring))
    server = Server(
        app,
        address=host,
        port=port,
        interface="asginl",  # type: ignore[arg-type]
        backlog=_BACKLOG,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN),
        log_enabled=False,
        websockets=False,
    )
    gc.freeze()  # exclude imports from garbage collection: a full one holds up every request
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signum == signal.SIGHUP and signal.getsignal(signum) is signal.SIG_IGN:
            continue
        loop.add_signal_handler(signum, stop.set)
    if process.stop.is_set():  # the signal came before
        stop.set()
    tasks = [asyncio.create_task(keyring.note_used()), asyncio.create_task(_turn(process))]
    serving = asyncio.create_task(server.serve())
    await asyncio.wait([serving, stopped := asyncio.create_task(stop.wait())], timeout=0.1)
    if not serving.done():
        ready()
        await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
    traffic.end()
    if not serving.done() and not await traffic.drained(DRAIN):
        _logger.warning("requests were still under way after %.0f seconds", DRAIN)
    server.interrupt_signal = True
    server.main_loop_interrupt.set()
    for task in (*tasks, stopped):
        task.cancel()
    await serving
    await keyring.flush()


async def _turn(process: AnnouncedProcess) -> None:
    """Say that the loop turns."""
    while True:
        process.stop.turn()
        await asyncio.sleep(_TURN)
