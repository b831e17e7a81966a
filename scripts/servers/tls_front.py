"""TLS in front of a PostgreSQL server that was built without it, as the wheel's is.

    python -m scripts.servers.tls_front PORT BACKEND_PORT CERTIFICATE

It answers SSLRequest, and passes on what comes through TLS. Whoever asks for no TLS is sent away; a request
to cancel a statement is passed on either way, as older clients send it in the open.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_SSL_REQUEST: Final = 80877103
_CANCEL_REQUEST: Final = 80877102
_GSS_REQUEST: Final = 80877104
_CHUNK: Final = 65536


class TlsFront:
    """Serves one backend on 127.0.0.1."""

    def __init__(self, backend: int, certificate: Path) -> None:
        self._backend = backend
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.load_cert_chain(certificate)

    async def serve(self, port: int) -> None:
        """Serve until it is cancelled; say so on stdout once it listens."""
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", port)
        print("ready", flush=True)
        async with server:
            await server.serve_forever()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            first = await reader.readexactly(8)
            if _code(first) == _GSS_REQUEST:
                writer.write(b"N")
                first = await reader.readexactly(8)
            if _code(first) == _SSL_REQUEST:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(self._context)
                await self._joined(reader, writer, b"")
            elif _code(first) == _CANCEL_REQUEST:
                await self._joined(reader, writer, first)
        writer.close()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._backend)
        to_server.write(first)
        ways = [
            asyncio.create_task(_copied(reader, to_server)),
            asyncio.create_task(_copied(from_server, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        to_server.close()


async def _copied(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()


def _code(first: bytes) -> int:
    return int.from_bytes(first[4:])


if __name__ == "__main__":
    port, backend, certificate = sys.argv[1:]
    with suppress(KeyboardInterrupt):
        asyncio.run(TlsFront(int(backend), Path(certificate)).serve(int(port)))
