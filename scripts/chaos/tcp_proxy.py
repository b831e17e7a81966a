"""A network path to a server that can be cut: a small TCP proxy that stalls or drops connections.

with TcpProxy("line to the broker", server_port) as line:
    connect("127.0.0.1", line.port)
    line.suffer("stall")            # connections stay open and nothing arrives any more
    line.recover("stall")           # what was held back arrives
    line.suffer("drop")             # connections break, and none can be made
    line.recover("drop")
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self, TypeVar

from scripts.chaos.plan import Kind
from scripts.servers.processes import free_port

_CHUNK: Final = 64 * 1024
_PATIENCE: Final = 10.0

T = TypeVar("T")


class TcpProxy:
    """Forwards connections to 127.0.0.1:`server_port`, in its own thread."""

    is_server = True

    def __init__(self, name: str, server_port: int, port: int | None = None) -> None:
        self.name = name
        self.findings: list[str] = []
        self.port = port or free_port()
        self._server_port = server_port
        self._ready = Event()
        self._loop: asyncio.AbstractEventLoop
        self._flowing: asyncio.Event
        self._accepting: asyncio.Event
        self._closed: asyncio.Event
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), name=name, daemon=True)
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_PATIENCE):
            raise TimeoutError(f"{self.name} could not be opened")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_loop(self._closed.set)
        self._thread.join()

    @property
    def age(self) -> float:
        """Seconds since the path was whole; 0 while nobody is connected, as a cut would then hit nothing."""
        return time.monotonic() - self._began if self._open else 0.0

    @property
    def is_down(self) -> bool:
        return False

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def suffer(self, kind: Kind) -> bool:
        """Stall, or drop everything; False, without any change, if nobody is connected."""
        return self._in_loop(self._stall if kind == "stall" else self._drop)

    def recover(self, kind: Kind) -> None:
        """Let bytes and connections through again."""
        self._in_loop(self._flowing.set if kind == "stall" else self._accepting.set)
        self._began = time.monotonic()

    def _in_loop(self, act: Callable[[], T]) -> T:
        async def acted() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(acted(), self._loop).result(_PATIENCE)

    def _stall(self) -> bool:
        if self._open:
            self._flowing.clear()
        return bool(self._open)

    def _drop(self) -> bool:
        if self._open:
            self._accepting.clear()
        for writer in self._open:
            writer.transport.abort()
        return bool(self._open)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._flowing, self._accepting, self._closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._flowing.set()
        self._accepting.set()
        async with await asyncio.start_server(self._connected, "127.0.0.1", self.port):
            self._ready.set()
            await self._closed.wait()
            self._accepting.clear()
            self._drop()
            self._flowing.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._accepting.is_set():
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, back}
        self._open |= both
        if not self._accepting.is_set():  # dropped in the meantime
            self._drop()
        try:
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        finally:
            self._open -= both
            for end in both:
                end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward bytes up to the sender's end of file, and that too."""
        try:
            while chunk := await reader.read(_CHUNK):
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
            await self._flowing.wait()
            writer.write_eof()
        except OSError:
            writer.transport.abort()
