"""Ids for new events: random UUIDs (version 4), of which 256 are made at once, since a question to the
operating system for 16 bytes takes longer than all else that makes an event."""

from __future__ import annotations

import os
from typing import Final
from uuid import UUID

_AT_ONCE: Final = 256

_pool: list[UUID] = []
os.register_at_fork(after_in_child=_pool.clear)


def new_event_id() -> UUID:
    """An id that no other event has."""
    while True:
        try:
            return _pool.pop()  # atomic, so threads share the pool
        except IndexError:
            made = os.urandom(16 * _AT_ONCE)
            _pool.extend([UUID(bytes=made[at : at + 16], version=4) for at in range(0, len(made), 16)])
