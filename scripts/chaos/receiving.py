"""An endpoint of webhooks, until SIGTERM:

    python -m scripts.chaos.receiving PORT JOURNAL

What it takes in is in its journal before it answers. Now and then it answers 500 or nothing, whether it took
the message in or not.
"""

from __future__ import annotations

import json
import socket
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any, Final

from scripts.chaos.journal import Journal, Told

_FAILS: Final = 0.01


class Endpoint(ThreadingHTTPServer):
    """The server."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, journal: Path) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.chance = Random()  # noqa: S311 - when it fails is not part of the plan
        self._journal, self._lock = Journal(journal), Lock()

    def take_in(self, path: str, message_id: str, event: dict[str, Any]) -> None:
        """Note the message; return once that is on disk."""
        previous = event["previousversion"]
        told = Told(
            path,
            message_id,
            event["subject"],
            int(event["version"]),
            None if previous is None else int(previous),
            int(event["pos"]),
        )
        with self._lock:
            self._journal.write(told)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections break, as senders are killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, Endpoint)
        body = self.rfile.read(int(self.headers["content-length"]))
        fails = self.server.chance.random() < _FAILS
        if not fails or self.server.chance.random() < 0.5:
            self.server.take_in(self.path, self.headers["webhook-id"], json.loads(body))
        if fails and self.server.chance.random() < 0.5:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(500 if fails else 204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


if __name__ == "__main__":
    Endpoint(int(sys.argv[1]), Path(sys.argv[2])).serve_forever()
