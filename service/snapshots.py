"""Snapshots of accounts' states: a table that may be emptied at any time, so that an account with many
events need not fold them all."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, Protocol

import msgspec
from psycopg.errors import UndefinedTable

import domain
from domain.state import Account
from eventlog.records import Head
from service.completing import OffLoop, blocking_call
from service.schema import ConnectionsLater


class Snapshot(msgspec.Struct, frozen=True):
    """The state of an account at a head of its history."""

    head: Head
    state: Account


class Snapshots(Protocol):
    """Where snapshots are kept, the latest of each account."""

    async def read(self, account_id: str) -> Snapshot | None:
        """The latest snapshot that this code can read."""
        ...

    async def write(self, account_id: str, snapshot: Snapshot) -> None:
        """Keep it, unless a later one of the same format is there."""
        ...


@lru_cache(maxsize=1)
def state_format() -> str:
    """A digest of the domain's source, which decides what the bytes of a state mean: a change of the domain
    passes over older snapshots without anyone having to say so."""
    sources = [path.read_bytes() for path in sorted(Path(str(domain.__file__)).parent.glob("*.py"))]
    return hashlib.sha256(b"\0".join(sources)).hexdigest()[:16]


class MemorySnapshots:
    """Snapshots of one process."""

    def __init__(self) -> None:
        self.kept: dict[str, Snapshot] = {}

    async def read(self, account_id: str) -> Snapshot | None:
        return self.kept.get(account_id)

    async def write(self, account_id: str, snapshot: Snapshot) -> None:
        before = self.kept.get(account_id)
        if before is None or before.head.version < snapshot.head.version:
            self.kept[account_id] = snapshot


# Made here, since msgspec crashes where threads need a type for the first time at once.
_decoder: Final = msgspec.msgpack.Decoder(Account)

_READ: Final = """
    select version, hash, recorded_at, state from service.snapshots
    where account_id = %(account_id)s and format = %(format)s
"""
_WRITE: Final = """
    insert into service.snapshots as kept (account_id, version, hash, recorded_at, format, state)
    values (%(account_id)s, %(version)s, %(hash)s, %(recorded_at)s, %(format)s, %(state)s)
    on conflict (account_id) do update set
        version = excluded.version, hash = excluded.hash, recorded_at = excluded.recorded_at,
        format = excluded.format, state = excluded.state
    where kept.version < excluded.version or kept.format <> excluded.format
"""


class PostgresSnapshots:
    """Snapshots in the table service.snapshots, as long as there is one; most accounts are too short for one,
    so it connects when the first is asked for. `off_loop` does what blocks."""

    def __init__(
        self,
        database_url: str,
        *,
        connections: int = 2,
        patience: float = 10.0,
        off_loop: OffLoop = blocking_call,
    ) -> None:
        self._connections = ConnectionsLater(
            database_url, "prorata snapshots", limit=connections, patience=patience
        )
        self._off_loop = off_loop

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    async def read(self, account_id: str) -> Snapshot | None:
        return await self._off_loop(partial(self._read, account_id))

    async def write(self, account_id: str, snapshot: Snapshot) -> None:
        await self._off_loop(partial(self._write, account_id, snapshot))

    def _read(self, account_id: str) -> Snapshot | None:
        values = {"account_id": account_id, "format": state_format()}
        try:
            rows = self._connections.run(
                lambda connection: connection.execute(_READ, values, binary=True).fetchall()
            )
        except UndefinedTable:
            return None
        if not rows:
            return None
        version, digest, recorded_at, state_bytes = rows[0]
        try:
            folded = _decoder.decode(state_bytes)
        except msgspec.MsgspecError:  # damaged: the events tell
            return None
        return Snapshot(Head(version, digest, recorded_at), folded)

    def _write(self, account_id: str, snapshot: Snapshot) -> None:
        values = {
            "account_id": account_id,
            "version": snapshot.head.version,
            "hash": snapshot.head.hash,
            "recorded_at": snapshot.head.recorded_at,
            "format": state_format(),
            "state": msgspec.msgpack.encode(snapshot.state),
        }
        with suppress(UndefinedTable):
            self._connections.run(lambda connection: connection.execute(_WRITE, values))
