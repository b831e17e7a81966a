"""Which key asks, and whether it may: known, neither expired nor revoked, from a network of its own, and not
too often."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from math import ceil
from typing import Final

import msgspec

from eventlog.errors import LogUnavailable
from prorata.http.problems import refuse
from prorata.http.shared import Shared
from prorata.keys.key import PREFIX, ApiKey
from prorata.keys.store import KeyStore

KEPT: Final = 5.0
"""Seconds for which a key is remembered: so late does a server learn that one was revoked."""

_MOST: Final = 10_000
"""Keys that are remembered."""

_NOTED_EVERY: Final = 10.0
_LONGEST: Final = 200

_logger = logging.getLogger(__name__)


class _Remembered(msgspec.Struct):
    key: ApiKey | None
    until: float


class _Bucket(msgspec.Struct):
    """Tokens of a key: one a request, so many come each second, up to some seconds' worth."""

    tokens: float
    at: float


class Keyring:
    """Admits keys; of one event loop. `rate`: requests a second of a key, in bursts of two seconds' worth."""

    def __init__(
        self, store: KeyStore, rate: int, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._rate = rate
        self._monotonic = monotonic
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._looks: Shared[bytes, ApiKey | None] = Shared()
        self._buckets: dict[str, _Bucket] = {}
        self._used: dict[str, datetime] = {}

    async def admit(self, authorization: str | None, address: str) -> ApiKey:
        """The key that `Authorization` names. Raises ProblemFound: `key_missing`, `key_unknown`,
        `key_expired`, `network_refused`, `rate_exceeded`."""
        kind, _, given = (authorization or "").partition(" ")
        given = given.strip()
        if kind.lower() != "bearer" or not given:
            raise refuse("key_missing", "give an API key: Authorization: Bearer prk_…", place="Authorization")
        return self._let_in(await self._found(given), address)

    async def admit_again(self, id_: str, address: str) -> ApiKey:
        """The key of that id, which somebody has shown before and signed in with. Raises as `admit` does."""
        name, find = f"id {id_}".encode(), partial(self._store.by_id, id_)
        return self._let_in(await self._remembering(name, find), address)

    def _let_in(self, key: ApiKey | None, address: str) -> ApiKey:
        if key is None:
            raise refuse("key_unknown", "this API key is not known", place="Authorization")
        now = datetime.now(UTC)
        if not key.counts(now):
            raise refuse("key_expired", "this API key has expired or was revoked", place="Authorization")
        if not key.may_come_from(address):
            raise refuse("network_refused", "this API key may not be used from here", place="Authorization")
        self._take(key)
        self._used[key.id] = now
        return key

    async def note_used(self) -> None:
        """Record now and then when keys were last used, until it is cancelled."""
        while True:
            await asyncio.sleep(_NOTED_EVERY)
            await self.flush()

    async def flush(self) -> None:
        """Record when keys were last used."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await asyncio.to_thread(self._store.note_used, used)
        except LogUnavailable as error:
            _logger.warning("when keys were last used is not noted: %s", error)

    async def _found(self, given: str) -> ApiKey | None:
        if not given.startswith(PREFIX) or len(given) > _LONGEST or not given.isascii():
            return None
        return await self._remembering(sha256(given.encode()).digest(), partial(self._store.find, given))

    async def _remembering(self, name: bytes, find: Callable[[], ApiKey | None]) -> ApiKey | None:
        now = self._monotonic()
        known = self._remembered.get(name)
        if known is not None and now < known.until:
            return known.key
        return await self._looks(name, partial(self._look_up, name, find))

    async def _look_up(self, name: bytes, find: Callable[[], ApiKey | None]) -> ApiKey | None:
        began = self._monotonic()
        key = await asyncio.to_thread(find)
        self._remembered[name] = _Remembered(key, began + KEPT)
        self._remembered.move_to_end(name)
        if len(self._remembered) > _MOST:
            self._remembered.popitem(last=False)
        return key

    def _take(self, key: ApiKey) -> None:
        now, most = self._monotonic(), 2.0 * self._rate
        bucket = self._buckets.get(key.id)
        if bucket is None:
            bucket = self._buckets[key.id] = _Bucket(most, now)
        bucket.tokens = min(most, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1.0:
            wait = ceil((1.0 - bucket.tokens) / self._rate)
            message = f"this API key makes more than {self._rate} requests a second"
            raise refuse("rate_exceeded", message, headers={"Retry-After": str(max(1, wait))})
        bucket.tokens -= 1.0
