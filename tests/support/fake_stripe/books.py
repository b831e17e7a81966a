"""What the fake knows: its objects by name, its events, and what holds one of them for a moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import count
from secrets import token_hex
from threading import Lock, RLock
from typing import Any

from tests.support.fake_stripe.errors import invalid, locked, missing
from tests.support.fake_stripe.forms import Form

Thing = dict[str, Any]

_LOCK_WAIT = 0.25
"""Seconds that a request waits for another one that holds the same object."""


class Books:
    """Objects of every kind, oldest first."""

    def __init__(self, api_version: str) -> None:
        self.now = time.time
        self._api_version = api_version
        self._things: dict[str, Thing] = {}
        self._held: dict[str, RLock] = {}
        self._lock = Lock()
        self._nth = count(1)

    def add(self, prefix: str, kind: str, **fields: Any) -> Thing:
        """A new object."""
        name = f"{prefix}_{next(self._nth):06}{token_hex(6)}"
        thing = {"id": name, "object": kind, "created": int(self.now()), "livemode": False, **fields}
        with self._lock:
            self._things[name] = thing
            self._held[name] = RLock()
        return thing

    def get(self, name: str, kind: str, param: str = "id") -> Thing:
        """Raises that there is none of that name."""
        thing = self._things.get(name)
        if thing is None or thing["object"] != kind:
            raise missing(kind, name, param)
        return thing

    @contextmanager
    def held(self, name: str, kind: str) -> Iterator[Thing]:
        """The object, which no other request changes meanwhile. Raises `lock_timeout`."""
        thing = self.get(name, kind)
        if not self._held[name].acquire(timeout=_LOCK_WAIT):
            raise locked()
        try:
            yield thing
        finally:
            self._held[name].release()

    def all(self, kind: str) -> list[Thing]:
        """Newest first, as Stripe lists."""
        with self._lock:
            return [thing for thing in reversed(self._things.values()) if thing["object"] == kind]

    def listed(self, kind: str, form: Form, *by: str) -> Thing:
        """A page of the list, filtered by the fields of `by` and by `created`."""
        found = [
            thing
            for thing in self.all(kind)
            if all(thing.get(name) == form[name] for name in by if name in form)
            and _created_as_asked(thing, form.get("created", {}))
        ]
        if after := form.get("starting_after"):
            names = [thing["id"] for thing in found]
            if after not in names:
                raise missing(kind, after, "starting_after")
            found = found[names.index(after) + 1 :]
        limit = int(form.get("limit", 10))
        if not 1 <= limit <= 100:
            raise invalid("This value must be between 1 and 100", "parameter_invalid_integer", "limit")
        return {
            "object": "list",
            "url": "/v1/list",
            "has_more": len(found) > limit,
            "data": [self.expanded(thing, form, "data.") for thing in found[:limit]],
        }

    def expanded(self, thing: Thing, form: Form, under: str = "") -> Thing:
        """A copy with the objects that are asked for in the place of their names."""
        shown = deepcopy(thing)
        for path in form.get("expand", []):
            field = path.removeprefix(under)
            if not path.startswith(under) or field not in shown:
                raise invalid(f"This property cannot be expanded ({path}).", None, "expand")
            if shown[field] is not None:
                shown[field] = deepcopy(self._things[shown[field]])
        return shown

    def happened(self, kind: str, thing: Thing) -> Thing:
        """The event of it, with the object as it is now."""
        return self.add(
            "evt",
            "event",
            type=kind,
            api_version=self._api_version,
            data={"object": deepcopy(thing)},
            pending_webhooks=1,
            request={"id": None, "idempotency_key": None},
        )


def _created_as_asked(thing: Thing, asked: Form) -> bool:
    created = thing["created"]
    return bool(int(asked.get("gte", 0)) <= created < int(asked.get("lt", created + 1)))
