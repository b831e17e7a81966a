"""Stripe's idempotency keys: an answer is kept under its key for a day, and then forgotten."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from tests.support.fake_stripe.errors import StripeRefused, invalid

Reply = tuple[int, dict[str, Any]]
_RUNNING = object()


class IdempotencyKeys:
    """Answers by key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, tuple[object, object]] = {}

    def once(self, key: str | None, request: object, run: Callable[[], Reply]) -> Reply:
        """The answer kept under the key, or the one that running it gives, which is kept if it had begun to
        execute."""
        if key is None:
            return _run(run)[0]
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                self._kept[key] = (request, _RUNNING)
        if kept is not None:
            return self._replayed(kept, request)
        reply, started = None, False
        try:
            reply, started = _run(run)
            return reply
        finally:
            with self._lock:
                if started:
                    self._kept[key] = (request, reply)
                else:
                    self._kept.pop(key, None)

    def prune(self) -> None:
        """What happens a day later."""
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if kept[1] is _RUNNING}

    def _replayed(self, kept: tuple[object, object], request: object) -> Reply:
        of, reply = kept
        if of != request:
            message = "Keys for idempotent requests can only be used with the same parameters."
            error = invalid(message)
            error.body["error"]["type"] = "idempotency_error"
            return 400, error.body
        if reply is _RUNNING:
            message = "There is currently another in-progress request using this Idempotent Key."
            error = StripeRefused(409, "invalid_request_error", "idempotency_key_in_use", message)
            return error.status, error.body
        assert isinstance(reply, tuple)
        return reply


def _run(run: Callable[[], Reply]) -> tuple[Reply, bool]:
    try:
        return run(), True
    except StripeRefused as refused:
        return (refused.status, refused.body), refused.started
