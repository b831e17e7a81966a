"""Where a billing run gets the states of many accounts at once.

states.load(["main/a1", "main/a2"])     # one statement: a kept state and what follows it in the log
states.keep(…)                          # one statement: the states as the run left them
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from eventlog.postgres.connect import Connection
from eventlog.postgres.connections import Connections
from eventlog.postgres.reading import readable
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
    """A state to be kept, and when something of it is due next."""

    account_id: str
    head: Head
    due_at: Instant | None
    state: Account


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


# An account's kept state, and its events from that one's own event on, which proves that the log still holds
# it. Without a kept state: from the first one on.
_LOAD: Final = f"""
    select wanted.account_id, kept.version, kept.hash, kept.state,
        read.versions, read.hashes, read.recorded_at, read.kinds, read.states, read.event_id
    from unnest(%(account_ids)s::text[]) with ordinality as wanted (account_id, nth)
    left join service.kept_states kept
        on kept.account_id = wanted.account_id and kept.format = %(format)s and not %(whole)s
    cross join lateral (
        select array_agg(version order by version) as versions, array_agg(hash order by version) as hashes,
            max(recorded_at) as recorded_at, array_agg({KIND} order by version) as kinds,
            array_agg(state order by version) as states,
            (array_agg(event_id order by version desc))[1] as event_id
        from (
            select version, hash, recorded_at, type, schema_version,
                case when version > coalesce(kept.version, 0) then state end as state, event_id
            from public.events
            where account_id = wanted.account_id and version >= coalesce(kept.version, 1)
            order by version limit %(limit)s
        ) of_account
    ) read
    order by wanted.nth
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


class PostgresStates:
    """Kept states in the table service.kept_states, as long as there is one, and the log's events after
    them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._codec = domain_codec()

    def load(self, account_ids: Sequence[str], *, whole: bool = False) -> list[Loaded]:
        values = {
            "account_ids": list(account_ids),
            "format": kept.FORMAT(),
            "whole": whole,
            "limit": LONGEST_TAIL + 1,
        }
        with readable():
            rows = self._connections.run(lambda connection: _rows(connection, values))
        loaded = [self._loaded(*row) for row in rows]
        if whole:
            return loaded
        forged = [nth for nth, found in enumerate(loaded) if found is _FORGED]
        if forged:
            again = self.load([account_ids[nth] for nth in forged], whole=True)
            for nth, found in zip(forged, again, strict=True):
                loaded[nth] = found
        return loaded

    def keep(self, states: Sequence[KeptState]) -> None:
        if not states:
            return
        values = {
            "account_ids": [one.account_id for one in states],
            "versions": [one.head.version for one in states],
            "hashes": [one.head.hash for one in states],
            "recorded_at": [one.head.recorded_at for one in states],
            "due_at": [one.due_at for one in states],
            "states": [kept.encoded(one.state) for one in states],
            "format": kept.FORMAT(),
        }
        with suppress(UndefinedTable):
            self._connections.run(lambda connection: connection.execute(_KEEP, values, prepare=True))

    def _loaded(
        self,
        account_id: str,
        kept_version: int | None,
        kept_hash: bytes | None,
        kept_state: bytes | None,
        versions: list[int] | None,
        hashes: list[bytes],
        recorded_at: datetime,
        kinds: list[str],
        states: list[bytes],
        event_id: UUID,
    ) -> Loaded:
        if versions is None:
            return LookupError(f"account {account_id!r} has no event") if kept_version is None else _FORGED
        if len(versions) > LONGEST_TAIL:
            return None
        base: Account | None = None
        begin = 0
        if kept_version is not None:
            if (versions[0], hashes[0]) != (kept_version, kept_hash):
                return _FORGED
            assert kept_state is not None
            base = kept.decoded(kept_state)
            if base is None:
                return _FORGED
            begin = 1
        head = Head(versions[-1], hashes[-1], recorded_at)
        try:
            state = self._folded(base, kinds[begin:], states[begin:]) if begin < len(versions) else base
        except Exception:  # noqa: BLE001 - loaded alone it says what cannot be read, and where
            return None
        assert state is not None
        return BilledAccount(account_id, state, head, event_id, kept_version or 0)

    def _folded(self, base: Account | None, kinds: Iterable[str], states: Sequence[bytes]) -> Account | None:
        return evolve_all(base, self._codec.decode_all(",".join(kinds), states))


_FORGED: Final[Loaded] = ValueError("the log holds another history than the one that was kept")
"""The kept state is worth nothing: it is of another log, or damaged."""


def _rows(connection: Connection, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    return connection.execute(_LOAD, values, prepare=True, binary=True).fetchall()
