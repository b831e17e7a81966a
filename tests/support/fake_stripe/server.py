"""The fake as an HTTP server on 127.0.0.1."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from secrets import token_hex
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from tests.support.fake_stripe.books import Books, Thing
from tests.support.fake_stripe.errors import StripeRefused, invalid
from tests.support.fake_stripe.faults import Fault, Faults
from tests.support.fake_stripe.forms import Form, parsed
from tests.support.fake_stripe.idempotency import IdempotencyKeys, Reply
from tests.support.fake_stripe.intents import PaymentIntents
from tests.support.fake_stripe.methods import Behaviour, Methods
from tests.support.fake_stripe.others import Customers, Disputes, Refunds
from tests.support.fake_stripe.webhooks import signed

API_VERSION: Final = "2026-10-28.endive"

Run = Callable[..., Thing]


class FakeStripe:
    """A Stripe account in test mode: `url` and `key` are what a client needs; the rest is what happens there
    without it."""

    def __init__(self) -> None:
        self.key = f"sk_test_{token_hex(12)}"
        self.webhook_secret = f"whsec_{token_hex(16)}"
        self.books = Books(API_VERSION)
        self.methods = Methods(self.books)
        self.intents = PaymentIntents(self.books, self.methods)
        self.refunds = Refunds(self.books)
        self.disputes = Disputes(self.books)
        self.keys = IdempotencyKeys()
        self.faults = Faults()
        self.asked: list[tuple[str, str, str]] = []
        """What was asked, in order: method, path, and the form as text."""
        self._routes = self._made_routes()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_all()

    def confirmation_token(
        self, method: str | Behaviour = "visa", *, saved: str | None = None, cvc: bool = True
    ) -> str:
        """What the customer's browser makes of a method that was entered there, or of a saved one."""
        return self.methods.token(method, saved=saved, cvc=cvc)

    def intents_of(self, key: object) -> list[Thing]:
        """The payment intents that carry this key of ours."""
        intents = reversed(self.books.all("payment_intent"))
        return [intent for intent in intents if intent["metadata"].get("prorata_key") == str(key)]

    def events(self, kind: str | None = None) -> list[Thing]:
        """Oldest first."""
        events = reversed(self.books.all("event"))
        return [event for event in events if kind in (None, event["type"])]

    def webhook(self, event: Thing, *, at: float | None = None) -> tuple[bytes, str]:
        """The message of the event, as Stripe sends it: its body, and the header that signs it."""
        body = json.dumps(event, indent=2).encode()
        return body, signed(body, self.webhook_secret, time.time() if at is None else at)

    def answer(self, method: str, path: str, form: Form, headers: Any) -> Reply:
        """The answer to a request."""
        try:
            self._check(headers)
            key = headers.get("Idempotency-Key") if method == "POST" else None
            for pattern, run in self._routes[method]:
                if match := pattern.fullmatch(path):
                    return self.keys.once(key, (path, form), partial(_done, run, *match.groups(), form))
            message = f"Unrecognized request URL ({method}: {path})."
            raise StripeRefused(404, "invalid_request_error", None, message)
        except StripeRefused as refused:
            return refused.status, refused.body

    def _check(self, headers: Any) -> None:
        if headers.get("Authorization") != f"Bearer {self.key}":
            raise StripeRefused(401, "invalid_request_error", None, "Invalid API Key provided: sk_test_****")
        if headers.get("Stripe-Version") != API_VERSION:
            raise invalid(f"Invalid Stripe API version: {headers.get('Stripe-Version')}")

    def _made_routes(self) -> dict[str, list[tuple[re.Pattern[str], Run]]]:
        customers = Customers(self.books, self.methods)
        name = r"([a-z]+_\w+)"
        routes: dict[str, list[tuple[str, Run]]] = {
            "POST": [
                ("customers", customers.create),
                ("setup_intents", customers.setup),
                ("test_helpers/confirmation_tokens", customers.make_token),
                ("payment_intents", self.intents.create),
                (f"payment_intents/{name}/confirm", self.intents.confirm),
                (f"payment_intents/{name}/cancel", self.intents.cancel),
                ("refunds", self.refunds.create),
            ],
            "GET": [
                (f"payment_methods/{name}", customers.retrieve_method),
                ("setup_intents", customers.list_setups),
                ("payment_intents", self.intents.list),
                (f"payment_intents/{name}", self.intents.retrieve),
                ("refunds", self.refunds.list),
                (f"refunds/{name}", self.refunds.retrieve),
                ("disputes", self.disputes.list),
                (f"disputes/{name}", self.disputes.retrieve),
            ],
        }
        return {
            method: [(re.compile(f"/v1/{path}"), run) for path, run in found]
            for method, found in routes.items()
        }


def _done(run: Run, *arguments: object) -> Reply:
    return 200, run(*arguments)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, fake: FakeStripe) -> None:
        self.fake = fake
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        """Cut the connections that clients still hold."""
        with self._lock:
            left = list(self._open)
        for connection in left:
            self.shutdown_request(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the server's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _nth = count(1)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing is written."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self._answer("GET", url.path, url.query)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._answer("POST", self.path, body)

    def _answer(self, method: str, path: str, text: str) -> None:
        assert isinstance(self.server, _Server)
        fake = self.server.fake
        request = f"{method} {path}"
        fake.asked.append((method, path, text))
        fault = fake.faults.take(request)
        reply = self._reply(fault, lambda: fake.answer(method, path, parsed(text), self.headers))
        if reply is None:
            self.close_connection = True
            return
        self._send(*reply)

    def _reply(self, fault: Fault | None, answer: Callable[[], Reply]) -> Reply | None:
        """None: the connection is cut."""
        if fault is None:
            return answer()
        if fault.kind == "cut":
            return None
        if fault.kind == "error":
            return 500, _ERROR
        if fault.kind == "limited":
            return 429, _LIMITED | {"_retry_after": fault.seconds}
        self._meanwhile(fault, "before", "late")
        reply = answer()
        self._meanwhile(fault, "after", "slow")
        if fault.kind == "error_after":
            return 500, _ERROR
        return None if fault.kind == "lost" else reply

    def _meanwhile(self, fault: Fault, called: str, slow: str) -> None:
        if fault.kind == slow:
            time.sleep(fault.seconds)
        if fault.kind == called:
            assert fault.call is not None
            fault.call()

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        answer = dict(answer)
        retry_after = answer.pop("_retry_after", None)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", f"req_{next(self._nth):08}")
        if retry_after is not None:
            self.send_header("Retry-After", f"{retry_after:g}")
        self.end_headers()
        self.wfile.write(body)


_ERROR: Final = {"error": {"type": "api_error", "message": "An unknown error occurred"}}
_LIMITED: Final = {
    "error": {
        "type": "invalid_request_error",
        "code": "rate_limit",
        "message": "Request rate limit exceeded.",
    }
}
