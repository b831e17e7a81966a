"""Health over HTTP, of one process: for whatever starts and restarts processes.

    with served(Health("relay", stop, ready), "127.0.0.1", 8080):
        ...

GET /healthz: 200 while the process lives and its loop turns, else 503: start it anew.
GET /readyz: 200 while its servers answer, the migrations are there and nothing has halted, else 503 with why.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Final, TypeAlias

from domain.errors import InvalidInput
from prorata.processes.stopping import StopSignal
from prorata.processes.table import STANDS_STILL

Ready: TypeAlias = Callable[[], Sequence[str]]
"""What keeps a process from its work, a sentence each; none: it is ready."""

_KEPT: Final = 1.0
"""Seconds for which an answer is given again: asking often costs the servers nothing."""

_REQUEST_SECONDS: Final = 5


class Health:
    """What a process says of its health. `limit`: seconds without a turn of its loop that are too many."""

    def __init__(self, name: str, stop: StopSignal, ready: Ready, *, limit: float = STANDS_STILL) -> None:
        self._name = name
        self._stop = stop
        self._ready = ready
        self._limit = limit
        self._lock = Lock()
        self._problems: Sequence[str] = ()
        self._asked_at = -_KEPT

    def alive(self) -> Sequence[str]:
        """What keeps it from being called alive."""
        idle = self._stop.idle_seconds()
        return [f"the loop of {self._name} has not turned for {idle:.0f} s"] if idle > self._limit else []

    def ready(self) -> Sequence[str]:
        """What keeps it from being called ready."""
        with self._lock:
            if time.monotonic() - self._asked_at >= _KEPT:
                self._problems = self._ready()
                self._asked_at = time.monotonic()
            return self._problems


@contextmanager
def served(health: Health, address: str, port: int) -> Iterator[None]:
    """Answer there in a thread. Raises InvalidInput `port_unusable`."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "prorata"
        sys_version = ""

        def setup(self) -> None:
            super().setup()
            self.connection.settimeout(_REQUEST_SECONDS)

        def do_GET(self) -> None:
            ask = {"/healthz": health.alive, "/readyz": health.ready}.get(self.path.partition("?")[0])
            if ask is None:
                self._answer(HTTPStatus.NOT_FOUND, ["/healthz and /readyz are answered here"])
            elif problems := ask():
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, problems)
            else:
                self._answer(HTTPStatus.OK, ["ok"])

        def _answer(self, status: HTTPStatus, lines: Sequence[str]) -> None:
            body = "".join(f"{line}\n" for line in lines).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Probes come every few seconds: none is worth a line."""

    with usable_port(address, port, "--health"):
        server = ThreadingHTTPServer((address, port), Handler)
    thread = Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def usable_port(address: str, port: int, option: str) -> Iterator[None]:
    """What the block listens on. Raises InvalidInput `port_unusable` where it cannot."""
    try:
        yield
    except (OSError, OverflowError) as error:
        reason = (
            "is in use" if getattr(error, "errno", None) == errno.EADDRINUSE else f"cannot be used: {error}"
        )
        raise InvalidInput("port_unusable", option, f"port {port} of {address} {reason}") from None
