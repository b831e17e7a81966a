"""Health of one process over HTTP, for whatever starts and restarts processes.

    with served(Health("relay", stop, ready), "127.0.0.1", 8080):
        ...

GET /healthz: 200 while the process's loop turns, else 503: restart it. GET /readyz: 200 while its servers
answer, the migrations are applied and nothing has halted, else 503 and why.
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
"""Returns a sentence for each thing that keeps a process from its work; none if it is ready."""

_KEPT: Final = 1.0
"""Seconds for which an answer is reused, so that frequent probes do not burden the servers."""

_REQUEST_SECONDS: Final = 5


class Health:
    """The health of a process. `limit`: seconds without a turn of its loop after which it counts as dead."""

    def __init__(self, name: str, stop: StopSignal, ready: Ready, *, limit: float = STANDS_STILL) -> None:
        self._name = name
        self._stop = stop
        self._ready = ready
        self._limit = limit
        self._lock = Lock()
        self._problems: Sequence[str] = ()
        self._asked_at = -_KEPT

    def alive(self) -> Sequence[str]:
        """Why the process is not alive; empty if it is."""
        idle = self._stop.idle_seconds()
        return [f"the loop of {self._name} has not turned for {idle:.0f} s"] if idle > self._limit else []

    def ready(self) -> Sequence[str]:
        """Why the process is not ready; empty if it is."""
        with self._lock:
            if time.monotonic() - self._asked_at >= _KEPT:
                self._problems = self._ready()
                self._asked_at = time.monotonic()
            return self._problems


@contextmanager
def served(health: Health, address: str, port: int) -> Iterator[None]:
    """Serve the health at the address, in a thread. Raises InvalidInput `port_unusable`."""

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
            """Log nothing: probes come every few seconds."""

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
    """Raise InvalidInput `port_unusable` if the block cannot listen on the port."""
    try:
        yield
    except (OSError, OverflowError) as error:
        reason = (
            "is in use" if getattr(error, "errno", None) == errno.EADDRINUSE else f"cannot be used: {error}"
        )
        raise InvalidInput("port_unusable", option, f"port {port} of {address} {reason}") from None
