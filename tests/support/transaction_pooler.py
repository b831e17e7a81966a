"""A pooler like PgBouncer in transaction mode: clients take turns on a few sessions, a transaction at a time.

    with TransactionPooler(server_url, on_options="ignored") as pooler:
        psycopg.connect(pooler.url)

It speaks as much of PostgreSQL's protocol as that takes: a session is a client's from its first message until
the server is ready for the next query outside a transaction.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from threading import Lock, Thread
from types import TracebackType
from typing import Final, Literal, Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_SSL, _GSS, _PROTOCOL = 80877103, 80877104, 196608
_TERMINATE: Final = b"X"

OnOptions = Literal["ignored", "refused", "passed on"]
"""What becomes of the settings that a session begins with. PgBouncer refuses them unless told to ignore them;
"passed on": the first client's are those of the session, whoever comes next."""


@dataclass
class _Session:
    """A connection to the server, and what the server said as it began."""

    socket: socket.socket
    reported: list[bytes] = field(default_factory=list)
    unanswered: int = 0
    """Queries and Syncs sent that the server has not called itself ready after."""


class TransactionPooler:
    """Listens until its `with` ends. `reported`: parameters that the server is made to report otherwise."""

    def __init__(
        self, server_url: str, *, on_options: OnOptions = "ignored", reported: Mapping[str, str] = {}
    ) -> None:
        self._server = {key: str(value) for key, value in conninfo_to_dict(server_url).items()}
        self._on_options = on_options
        self._reported = dict(reported)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._idle: list[_Session] = []
        self._open: list[socket.socket] = []
        self._lock = Lock()
        self._threads: list[Thread] = []
        self.url = make_conninfo(server_url, port=self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        self._start(self._listen)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._open:
            each.close()

    def _start(self, work: object, *arguments: object) -> None:
        assert callable(work)
        thread = Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._open.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), closing(client):
            startup = _startup(client)
            if "options" in startup and self._on_options == "refused":
                client.sendall(_message(b"E", b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"))
                return
            session = self._take(startup)
            greeting = [*session.reported, _message(b"K", os.urandom(8)), _message(b"Z", b"I")]
            self._give_back(session)
            client.sendall(_message(b"R", struct.pack("!i", 0)) + b"".join(greeting))
            while True:
                self._transaction(client, startup)

    def _transaction(self, client: socket.socket, startup: Mapping[str, str]) -> None:
        """Wait for the client's next message, and give it a session until its transaction has ended."""
        first = _read(client)
        if first[:1] == _TERMINATE:
            raise EOFError
        session = self._take(startup)
        self._forward(first, session)
        with DefaultSelector() as selector:
            selector.register(client, EVENT_READ)
            selector.register(session.socket, EVENT_READ)
            while True:
                for key, _ in selector.select():
                    message = _read(key.fileobj)  # type: ignore[arg-type]
                    if key.fileobj is client:
                        self._forward(message, session)
                        continue
                    client.sendall(message)
                    if message[:1] == b"Z":
                        session.unanswered -= 1
                    if message[:1] == b"Z" and message[-1:] == b"I" and not session.unanswered:
                        self._give_back(session)
                        return

    def _forward(self, message: bytes, session: _Session) -> None:
        session.unanswered += message[:1] in b"QS"
        session.socket.sendall(message)

    def _take(self, startup: Mapping[str, str]) -> _Session:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        server = socket.create_connection((self._server["host"], int(self._server["port"])))
        self._open.append(server)
        given = {"user": startup["user"], "database": startup["database"]}
        if self._on_options == "passed on":
            given |= {"options": startup.get("options", "")}
        text = b"".join(f"{key}\0{value}\0".encode() for key, value in given.items()) + b"\0"
        server.sendall(struct.pack("!ii", len(text) + 8, _PROTOCOL) + text)
        session = _Session(server)
        for message in _until_ready(server):
            if message[:1] == b"S":
                session.reported.append(self._report(message))
        return session

    def _report(self, message: bytes) -> bytes:
        name, value, _ = message[5:].decode().split("\0")
        return _message(b"S", f"{name}\0{self._reported.get(name, value)}\0".encode())

    def _give_back(self, session: _Session) -> None:
        with self._lock:
            self._idle.append(session)


def _startup(client: socket.socket) -> dict[str, str]:
    """What the client begins with, after encryption was declined."""
    while True:
        length, code = struct.unpack("!ii", _exactly(client, 8))
        body = _exactly(client, length - 8)
        if code not in (_SSL, _GSS):
            fields = body.decode().split("\0")
            return dict(zip(fields[0::2], fields[1::2], strict=False))
        client.sendall(b"N")


def _until_ready(server: socket.socket) -> Iterator[bytes]:
    while (message := _read(server))[:1] != b"Z":
        yield message


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


_HEAD: Final = 5


def _read(source: socket.socket) -> bytes:
    head = _exactly(source, _HEAD)
    return head + _exactly(source, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(source: socket.socket, number: int) -> bytes:
    read = b""
    while len(read) < number:
        more = source.recv(number - len(read))
        if not more:
            raise EOFError
        read += more
    return read
