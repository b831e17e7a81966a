"""The states of accounts: folded from the log, kept in a bounded cache, helped by snapshots.

    loaded = await accounts.load("main/a1")   # as the log stands now
    loaded = accounts.recall("main/a1")       # as last seen: may be stale

A recalled state may decide an append, which fails if it was stale. It is never the ground of an answer that
appends nothing.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import msgspec

from domain.evolve import evolve
from domain.state import Account
from eventlog.codec import domain_codec
from eventlog.errors import LogUnavailable
from eventlog.records import Head, StoredEvent
from service.account_log import AccountLog
from service.snapshots import Snapshot, Snapshots

PAGE = 1_000
"""Events read at once."""

_logger = logging.getLogger(__name__)


class LoadedAccount(msgspec.Struct, frozen=True):
    """An account after the event at `head`; the state is None for one that was never opened."""

    state: Account | None
    head: Head


NEVER_OPENED = LoadedAccount(None, Head.NONE)


def is_at(known: Head, head: Head) -> bool:
    """Whether what is known ends where the log does."""
    return (known.version, known.hash) == (head.version, head.hash)


class Accounts:
    """Loads accounts; tasks and threads share it.

    `capacity`, `parts`: how many accounts' states are kept, and of how many command ids and invoices in all
    (a part has up to half a KB); the least recently used leave first. `snapshot_every`: events between two
    snapshots of an account.
    """

    def __init__(
        self,
        log: AccountLog,
        snapshots: Snapshots | None = None,
        *,
        capacity: int = 16_384,
        parts: int = 250_000,
        snapshot_every: int = 500,
    ) -> None:
        self._log = log
        self._codec = domain_codec()
        self._snapshots = snapshots
        self._capacity = capacity
        self._most_parts = parts
        self._parts = 0
        self._snapshot_every = snapshot_every
        self._kept: OrderedDict[str, LoadedAccount] = OrderedDict()
        self._lock = Lock()

    def recall(self, account_id: str) -> LoadedAccount | None:
        """The account as last seen, which others may have changed since."""
        with self._lock:
            loaded = self._kept.get(account_id)
            if loaded is not None:
                self._kept.move_to_end(account_id)
            return loaded

    async def load(self, account_id: str) -> LoadedAccount:
        """The account as it is in the log now. One that nobody has changed since it was last seen costs no
        more than the question where its history ends."""
        recalled = self.recall(account_id)
        if recalled is not None and is_at(recalled.head, await self._log.head(account_id)):
            return recalled
        if recalled is None and (short := await self._if_short(account_id)) is not None:
            await self.keep(account_id, short, since=NEVER_OPENED)
            return short
        base = recalled or await self._from_snapshot(account_id) or NEVER_OPENED
        loaded = await self._continue(account_id, base)
        if loaded is None:
            self.forget(account_id)
            base, loaded = NEVER_OPENED, await self._continue(account_id, NEVER_OPENED)
        assert loaded is not None, "every history continues the empty one"
        await self.keep(account_id, loaded, since=base)
        return loaded

    async def as_of(self, account_id: str, version: int) -> Account:
        """The account as its event of that version left it."""
        base = await self._base_until(account_id, version)
        loaded = await self._continue(account_id, base, version) or await self._continue(
            account_id, NEVER_OPENED, version
        )
        assert loaded is not None, "every history continues the empty one"
        assert loaded.state is not None
        return loaded.state

    async def keep(self, account_id: str, loaded: LoadedAccount, *, since: LoadedAccount) -> None:
        """Remember the state that followed on `since`, now and then by a snapshot too."""
        if loaded.state is None:
            return
        with self._lock:
            before = self._kept.get(account_id)
            if before is None or before.head.version < loaded.head.version:
                self._parts += _parts(loaded) - _parts(before)
                self._kept[account_id] = loaded
                self._kept.move_to_end(account_id)
                while len(self._kept) > self._capacity or self._parts > self._most_parts:
                    self._parts -= _parts(self._kept.popitem(last=False)[1])
        every = self._snapshot_every
        if loaded.head.version // every > since.head.version // every:
            await self._write_snapshot(account_id, Snapshot(loaded.head, loaded.state))

    def forget(self, account_id: str) -> None:
        """Drop a state that proved stale."""
        with self._lock:
            self._parts -= _parts(self._kept.pop(account_id, None))

    async def _if_short(self, account_id: str) -> LoadedAccount | None:
        """The account, if its history is too short for a snapshot: then it is read at once."""
        if self._snapshots is None:
            return None
        most = min(PAGE, self._snapshot_every)
        page = await self._log.read_account(account_id, 0, most)
        return self._folded(NEVER_OPENED, page) if len(page) < most else None

    async def _base_until(self, account_id: str, version: int) -> LoadedAccount:
        """A state that is at hand, and no later than that version."""
        recalled = self.recall(account_id)
        if recalled is not None and recalled.head.version <= version:
            return recalled
        kept = await self._from_snapshot(account_id)
        return kept if kept is not None and kept.head.version <= version else NEVER_OPENED

    async def _continue(
        self, account_id: str, base: LoadedAccount, until: int | None = None
    ) -> LoadedAccount | None:
        """The account from the base on, whose own last event is read again; up to the version `until`, else
        to its head. None: that event is another, so the log holds another history (as after a restored
        backup) and the base is worth nothing."""
        version, loaded = base.head.version, base
        page = await self._log.read_account(account_id, max(version - 1, 0), PAGE)
        if version > 0 and (not page or page[0].hash != base.head.hash):
            return None
        while page:
            more = len(page) == PAGE
            if until is not None and page[-1].version >= until:
                page, more = [stored for stored in page if stored.version <= until], False
            loaded = self._folded(loaded, page)
            page = await self._log.read_account(account_id, loaded.head.version, PAGE) if more else []
        return loaded

    def _folded(self, base: LoadedAccount, page: Sequence[StoredEvent]) -> LoadedAccount:
        """The account after those of the events that follow on the base."""
        state, head = base.state, base.head
        for stored in page:
            if stored.version > head.version:
                state = evolve(state, self._codec.read(stored))
        return LoadedAccount(state, page[-1].head) if page else base

    async def _from_snapshot(self, account_id: str) -> LoadedAccount | None:
        found = None if self._snapshots is None else await self._snapshots.read(account_id)
        return None if found is None else LoadedAccount(found.state, found.head)

    async def _write_snapshot(self, account_id: str, snapshot: Snapshot) -> None:
        """A snapshot only saves time: that it could not be written fails nothing."""
        if self._snapshots is None:
            return
        try:
            await self._snapshots.write(account_id, snapshot)
        except LogUnavailable as error:
            _logger.warning("snapshot of %s not written: %s", account_id, error)


def _parts(loaded: LoadedAccount | None) -> int:
    """What makes a state large."""
    state = None if loaded is None else loaded.state
    return 0 if state is None else len(state.commands) + len(state.invoices)
