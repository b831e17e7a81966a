"""The element on granian, in this process, until it is stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import closing

from granian.server.embed import Server

from prorata.card_element.app import CardElement
from service.gateways.postgres import PostgresTestGateway


def serve(database_url: str, pages: str, host: str, port: int, ready: Callable[[], None]) -> None:
    """Serve the element for the pages of that origin. `database_url`: of the test gateway's books."""
    with closing(PostgresTestGateway(database_url, connections=1)) as gateway:
        asyncio.run(_serve(CardElement(pages, gateway.answer_waiting), host, port, ready))


async def _serve(element: CardElement, host: str, port: int, ready: Callable[[], None]) -> None:
    server = Server(
        element,
        address=host,
        port=port,
        interface="asginl",  # type: ignore[arg-type]
        log_enabled=False,
        websockets=False,
    )
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    serving = asyncio.create_task(server.serve())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopped], timeout=0.1)
    if not serving.done():
        ready()
        await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
    server.interrupt_signal = True
    server.main_loop_interrupt.set()
    stopped.cancel()
    await serving
