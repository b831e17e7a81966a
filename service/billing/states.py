"""Where a billing run gets the states of many accounts at once.

states.load(["main/a1", "main/a2"])     # one statement: a kept state and what follows it in the log
states.keep(…)                          # one statement: the states as the run left them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID

import msgspec
from psycopg.errors import UndefinedTable

from domain.calendar import Instant
from domain.evolve import evolve_all
from domain.state import Account
from eventlog.codec import KIND, domain_codec
from eventlog.postgres.connections import Connections
from eventlog.postgres.reading import readable
from eventlog.postgres.row_encoding import bigints, byte_strings, instants, texts
from eventlog.records import Head
from service.billing import kept

LONGEST_TAIL: Final = 2_000
"""Events after a kept state up to which an account is loaded with others; beyond that it is loaded alone."""


class BilledAccount(msgspec.Struct, frozen=True, gc=False):
    """An account after the event at `head`, whose id is `last_id`. `kept_at`: the version of the kept state
    that it was made of, 0: of none."""

    account_id: str
    state: Account
    head: Head
    last_id: UUID | None
    kept_at: int = 0


class KeptState(msgspec.Struct, frozen=True, gc=False):
    """A state to be kept, as `kept.encoded` makes it, and when something of it is due next."""

    account_id: str
    head: Head
    due_at: Instant | None
    encoded: bytes


Loaded: TypeAlias = BilledAccount | Exception | None
"""An account as it is in the log now; what cannot be read of it; None: it is to be loaded alone."""


class States(Protocol):
    """Where the states come from."""

    def load(self, account_ids: Sequence[str], *, whole: bool = False) -> list[Loaded]:
        """The accounts, in the order of their ids. `whole`: with all of their invoices."""
        ...

    def keep(self, states: Sequence[KeptState]) -> None:
        """Keep these states, so that they are loaded faster next time. Each may be of an account once."""
        ...


# Each account's kept state and last event, which is in most cases the one that the state was kept at.
_LOAD: Final = """
    select last.version, last.hash, last.recorded_at, last.event_id, kept.version, kept.hash, kept.state
    from unnest(%(account_ids)s::text[]) with ordinality as wanted (account_id, nth)
    left join service.kept_states kept
        on kept.account_id = wanted.account_id and kept.format = %(format)s and not %(whole)s
    left join lateral (
        select version, hash, recorded_at, event_id from public.events
        where account_id = wanted.account_id order by version desc limit 1
    ) last on true
    order by wanted.nth
"""

# The events of the accounts from one of them on, up to the one that is known to be the last.
_EVENTS: Final = f"""
    select min(version), array_agg(hash order by version), string_agg({KIND}, ',' order by version),
        array_agg(state order by version)
    from unnest(%(account_ids)s::text[], %(versions)s::bigint[], %(lasts)s::bigint[])
        with ordinality as wanted (account_id, first_version, last_version, nth)
    left join lateral (
        select version, hash, type, schema_version, state from public.events
        where account_id = wanted.account_id and version between wanted.first_version and wanted.last_version
        order by version
    ) of_account on true
    group by wanted.nth order by wanted.nth
"""  # noqa: S608 - a constant is joined in

_KEEP: Final = """
    insert into service.kept_states as kept (account_id, version, hash, recorded_at, due_at, format, state)
    select account_id, version, hash, recorded_at, due_at, %(format)s, state
    from unnest(%(account_ids)s::text[], %(versions)s::bigint[], %(hashes)s::bytea[],
        %(recorded_at)s::timestamptz[], %(due_at)s::timestamptz[], %(states)s::bytea[])
        as given (account_id, version, hash, recorded_at, due_at, state)
    order by account_id
    on conflict (account_id) do update set
        version = excluded.version, hash = excluded.hash, recorded_at = excluded.recorded_at,
        due_at = excluded.due_at, format = excluded.format, state = excluded.state
    where kept.version < excluded.version or kept.format <> excluded.format
"""


class _Beginning(msgspec.Struct, frozen=True, gc=False):
    """What an account's events are folded onto: a kept state, else nothing; and where they end."""

    account_id: str
    head: Head
    last_id: UUID
    kept_at: int
    kept_hash: bytes | None
    state: Account | None

    @property
    def is_whole(self) -> bool:
        """No event follows the kept state."""
        return self.state is not None and (self.kept_at, self.kept_hash) == (
            self.head.version,
            self.head.hash,
        )

    @property
    def first_version(self) -> int:
        """Of the events to be read: that of the kept state, which proves that the log still holds it."""
        return max(self.kept_at, 1)


class PostgresStates:
    """Kept states in the table service.kept_states, as long as there is one, and the log's events after
    them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._codec = domain_codec()

    def load(self, account_ids: Sequence[str], *, whole: bool = False) -> list[Loaded]:
        found: dict[str, Loaded] = {}
        to_fold: list[_Beginning] = []
        for account_id, row in zip(account_ids, self._read(account_ids, whole=whole), strict=True):
            begin = _beginning(account_id, *row)
            if begin is None:
                found[account_id] = LookupError(f"account {account_id!r} has no event")
            elif begin.is_whole:
                found[account_id] = _billed(begin, begin.state)
            elif begin.head.version - begin.kept_at > LONGEST_TAIL:
                found[account_id] = None
            else:
                to_fold.append(begin)
        if to_fold:
            found |= self._folded(to_fold)
        return [found[account_id] for account_id in account_ids]

    def keep(self, states: Sequence[KeptState]) -> None:
        if not states:
            return
        values = {
            "account_ids": texts([one.account_id for one in states]),
            "versions": bigints([one.head.version for one in states]),
            "hashes": byte_strings([one.head.hash for one in states]),
            "recorded_at": instants([one.head.recorded_at for one in states]),
            "due_at": instants([one.due_at for one in states]),
            "states": byte_strings([one.encoded for one in states]),
            "format": kept.FORMAT(),
        }
        with suppress(UndefinedTable):
            self._connections.run(lambda connection: connection.execute(_KEEP, values, prepare=True))

    def _read(self, account_ids: Sequence[str], *, whole: bool) -> list[tuple[Any, ...]]:
        values = {"account_ids": texts(account_ids), "format": kept.FORMAT(), "whole": whole}
        return self._rows(_LOAD, values)

    def _folded(self, begins: Sequence[_Beginning]) -> dict[str, Loaded]:
        """The accounts after the events that follow what is kept of them."""
        values = {
            "account_ids": texts([begin.account_id for begin in begins]),
            "versions": bigints([begin.first_version for begin in begins]),
            "lasts": bigints([begin.head.version for begin in begins]),
        }
        rows = self._rows(_EVENTS, values)
        return {begin.account_id: self._after(begin, *row) for begin, row in zip(begins, rows, strict=True)}

    def _after(
        self, begin: _Beginning, first: int | None, hashes: list[bytes], kinds: str, states: list[bytes]
    ) -> Loaded:
        """None, so that the account is loaded alone, where the log holds another history than the one that
        was kept, or events that cannot be read, which are told of then."""
        state = begin.state
        if first != begin.first_version or hashes[-1] != begin.head.hash:
            return None
        if state is not None:
            if hashes[0] != begin.kept_hash:
                return None
            kinds, states = kinds.partition(",")[2], states[1:]
        try:
            return _billed(begin, evolve_all(state, self._codec.decode_all(kinds, states)))
        except Exception:  # noqa: BLE001 - loaded alone it says what cannot be read, and where
            return None

    def _rows(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        with readable():
            return kept.rows_read(self._connections, statement, values, binary=True)


def _beginning(
    account_id: str,
    version: int | None,
    digest: bytes,
    recorded_at: datetime,
    last_id: UUID,
    kept_at: int | None,
    kept_hash: bytes | None,
    kept_state: bytes | None,
) -> _Beginning | None:
    """None: it has no event. A kept state that is damaged, or ahead of the log, is worth nothing."""
    if version is None:
        return None
    head = Head(version, digest, recorded_at)
    state = None if kept_state is None or (kept_at or 0) > version else kept.decoded(kept_state)
    if state is None:
        return _Beginning(account_id, head, last_id, 0, None, None)
    return _Beginning(account_id, head, last_id, kept_at or 0, kept_hash, state)


def _billed(begin: _Beginning, state: Account | None) -> BilledAccount:
    assert state is not None, "a history that is not empty makes an account"
    return BilledAccount(begin.account_id, state, begin.head, begin.last_id, begin.kept_at)
