"""A line to a server that can be cut: a small TCP proxy that stalls or drops.

with Line("line to the broker", server_port) as line:
    connect("127.0.0.1", line.port)
    line.suffer("stall")            # connections stay open and nothing arrives any more
    line.suffer("drop")             # connections break, and none can be made
    line.recover("drop")
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from scripts.chaos.plan import Kind
from scripts.servers.processes import free_port

_CHUNK: Final = 64 * 1024
_START_SECONDS: Final = 10.0


class Line:
    """Carries bytes to 127.0.0.1:`server_port`, in a thread of its own."""

    is_server = True

    def __init__(self, name: str, server_port: int, port: int | None = None) -> None:
        self.name = name
        self.findings: list[str] = []
        self.port = port or free_port()
        self._server_port = server_port
        self._loop = asyncio.new_event_loop()
        self._ready = Event()
        self._flowing: asyncio.Event
        self._refuses = False
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError(f"{self.name} could not be opened")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def age(self) -> float:
        """Seconds since it was whole."""
        return time.monotonic() - self._began

    @property
    def is_down(self) -> bool:
        return False

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def suffer(self, kind: Kind) -> None:
        """Stall, or drop everything."""
        self._loop.call_soon_threadsafe(self._flowing.clear if kind == "stall" else self._drop)

    def recover(self, kind: Kind) -> None:
        """Let bytes, or connections, through again."""
        self._began = time.monotonic()
        self._loop.call_soon_threadsafe(self._flowing.set if kind == "stall" else self._accept)

    def _drop(self) -> None:
        self._refuses = True
        for writer in self._open:
            writer.transport.abort()

    def _accept(self) -> None:
        self._refuses = False

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", self.port))
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        try:
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        finally:
            self._open -= {writer, back}

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()
