"""The description with its examples: what is the same whenever the story is played."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from prorata.http.openapi import described
from scripts.api.story import Ask, Done, Request, played
from tests.support.http_api import Api

FIRST: Final = "demo"

_STEADY: Final[dict[str, Any]] = {
    "event_id": "0192f3a4-7c1e-7d2b-9c55-6f0e8a1b2c3d",
    "eventid": "0192f3a4-7c1e-7d2b-9c55-6f0e8a1b2c3d",
    "recorded_at": "2026-11-30T12:00:00Z",
    "time": "2026-11-30T12:00:00Z",
    "loaded_at": "2026-11-30T12:00:00Z",
    "effective_from": "2026-11-30T12:00:00Z",
    "hash": "5f" * 32,
    "previous_hash": "4e" * 32,
    "previoushash": "4e" * 32,
    "catalog": "6c" * 32,
    "fingerprint": "3d" * 16,
    "reference": "consent-1",
    "id": None,
    "source": "urn:uuid:0192f3a4-0000-7000-8000-000000000000",
    "given_at": "2026-11-30T12:00:00Z",
    "expires_at": "2026-11-30T12:15:00Z",
    "token": "c2luZ2xlLXVzZS10b2tlbi1vZi0zMi1ieXRlcw",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "created_at": "2026-11-30T12:00:00Z",
    "paused_at": "2026-11-30T12:00:00Z",
    "milliseconds": 21,
    "error": "ConnectError: shop.example is not known",
}
"""What differs from one time to the next, by field, and what stands in an example for it."""

_BEHIND: Final = "calendar_seconds_behind"
_ENDPOINT: Final = "we_3v9k1q7m2x8c5b0n"
_EVENT_ID: Final = "0192f3a4-0000-7000-8000-000000000000/1"


def asker(api: Api, tenant: str = "acme") -> Ask:
    """Asks the API with keys of the tenant."""
    clients = {role: api.client(tenant, role) for role in ("owner", "operator")}

    def ask(request: Request) -> tuple[int, Any]:
        answer = clients[request.key].request(
            request.method, request.path, json=request.body, params=request.query
        )
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.status_code, answer.json() if is_json else answer.text

    return ask


def examples(api: Api) -> dict[str, dict[str, Any]]:
    """Of each route the first request of the story that was done, and its answer."""
    found: dict[str, dict[str, Any]] = {}
    for done in played(asker(api), FIRST):
        assert done.status < 400, (done.route.name, done.step.body, done.answer)
        found.setdefault(done.route.name, _example(done))
    return found


def _example(done: Done) -> dict[str, Any]:
    example: dict[str, Any] = {"path": steady(done.parameters)}
    if done.step.body is not None:
        example["body"] = done.step.body
    if isinstance(done.answer, dict):
        example["answer"] = steady(done.answer)
    return example


def steady(value: Any, name: str = "") -> Any:
    """The value with what differs each time replaced."""
    if isinstance(value, dict):
        return {key: steady(entry, key) for key, entry in value.items()}
    if isinstance(value, list):
        return [steady(entry, name) for entry in value]
    if name == _BEHIND:
        return 0.2
    if name == "id" and isinstance(value, str) and "/" in value:
        return _EVENT_ID
    if name == "url" and isinstance(value, str) and "/portal/" in value:
        return f"https://billing.example/portal/{_STEADY['token']}"
    if name in ("id", "endpoint") and isinstance(value, str) and value.startswith("we_"):
        return _ENDPOINT
    if name in _STEADY and value is not None and name != "id":
        return _STEADY[name]
    return value


def description(api: Api) -> bytes:
    """The file's bytes."""
    encoded = msgspec.json.encode(described(examples(api)), order="sorted")
    return msgspec.json.format(encoded, indent=1) + b"\n"
