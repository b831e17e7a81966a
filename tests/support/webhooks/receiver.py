"""A receiver of webhooks: a real HTTP server that answers, fails, hangs, or closes half-way, as a test says.

with receiver() as hook:
    hook.behave = lambda message: 500
    hook.url, hook.received
"""

from __future__ import annotations

import base64
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeAlias

import msgspec

Behaviour: TypeAlias = int | Literal["hang", "half", "close", "endless", "redirect"]


class Received(msgspec.Struct, frozen=True):
    """A message that came in; `answered`: how it was treated."""

    path: str
    headers: dict[str, str]
    body: bytes
    answered: Behaviour

    @property
    def event(self) -> dict[str, Any]:
        """The event."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed_by(self, secret: str) -> bool:
        """Whether the message has a signature by that secret, as https://www.standardwebhooks.com says."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = "v1," + base64.b64encode(hmac.new(key, content, "sha256").digest()).decode()
        return wanted in self.headers["webhook-signature"].split(" ")


class Receiver(ThreadingHTTPServer):
    """The server. `behave` says what a message is answered: a status, or something worse."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/hooks"
        self.behave: Callable[[dict[str, Any]], Behaviour] = lambda _: 204
        self.received: list[Received] = []
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()
        self.ended = threading.Event()

    @property
    def taken_in(self) -> list[Received]:
        """What was answered with 204."""
        return [one for one in self.received if one.answered == 204]

    def positions(self) -> list[int]:
        """Of what was taken in."""
        return [int(one.event["pos"]) for one in self.taken_in]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are meant here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _receiver(self) -> Receiver:
        assert isinstance(self.server, Receiver)
        return self.server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        with self._receiver.lock:
            self._receiver.at_once += 1
            self._receiver.most_at_once = max(self._receiver.most_at_once, self._receiver.at_once)
        try:
            behaviour = self._receiver.behave(json.loads(body))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with self._receiver.lock:
                self._receiver.received.append(Received(self.path, headers, body, behaviour))
            self._answer(behaviour)
        finally:
            with self._receiver.lock:
                self._receiver.at_once -= 1

    def _answer(self, behaviour: Behaviour) -> None:
        if behaviour == "hang":
            self._receiver.ended.wait(60)
            self.close_connection = True
        elif behaviour == "close":
            self._cut()
        elif behaviour == "half":
            self.wfile.write(b"HTTP/1.1 204 No Con")
            self.wfile.flush()
            self._cut()
        elif behaviour == "endless":
            self._endless()
        elif behaviour == "redirect":
            self.send_response(302)
            self.send_header("location", self._receiver.url)
            self.send_header("content-length", "0")
            self.end_headers()
        else:
            said = f"said {behaviour}".encode() if behaviour != 204 else b""
            self.send_response(behaviour)
            if behaviour != 204:
                self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while not self._receiver.ended.is_set():
                self.wfile.write(b"x" * 65_536)
        self.close_connection = True

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that runs."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until the condition holds. Raises AssertionError if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
