"""Billing details are erased (R93): at once what no document names, the rest once the law lets its documents
go. The log holds nothing of a person, so it is not touched and its chains still verify."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

import msgspec

from domain.calendar import date_of
from eventlog.codec import domain_codec
from service.account_log import AccountLog
from service.clock import Clock, checked_now
from service.completing import OffLoop, blocking_call
from service.persons.documents import kept_until, last_documents
from service.persons.store import PostgresDetails


class Erased(msgspec.Struct, frozen=True):
    """What an erasure did to an account's versions: those destroyed now, and those that documents name, each
    with the day on which it is destroyed."""

    account_id: str
    destroyed: tuple[int, ...]
    locked: dict[int, date]


class Eraser:
    """Needs no key: what is destroyed is not read. `retention_years`: for how many years after that of its
    issue a document is kept, by the law of the seller's country."""

    def __init__(
        self,
        log: AccountLog,
        store: PostgresDetails,
        clock: Clock,
        *,
        retention_years: int = 10,
        off_loop: OffLoop = blocking_call,
    ) -> None:
        self._log = log
        self._store = store
        self._clock = clock
        self._years = retention_years
        self._off_loop = off_loop
        self._codec = domain_codec()

    async def erase_account(self, account_id: str) -> Erased:
        """Destroy the versions that no document names; lock the others until their documents may go. Done
        anew, it changes nothing but for what was named or given since."""
        rows = await self._log.read_account(account_id)
        last = last_documents(self._codec.read(row) for row in rows)
        until = {version: kept_until(day, self._years) for version, day in last.items()}
        versions = await self._off_loop(partial(self._store.versions, account_id))
        there = [kept.version for kept in versions if kept.sealed is not None]
        locked = {version: until[version] for version in there if version in until}
        unnamed = [version for version in there if version not in until]
        await self._off_loop(partial(self._store.lock, account_id, locked))
        now = await checked_now(self._clock, self._off_loop)
        destroyed = await self._off_loop(partial(self._store.destroy, account_id, unnamed, now))
        return Erased(account_id, tuple(destroyed), locked)

    async def erase_person(self, person: str) -> list[Erased]:
        """Erase all versions of each account that names this person."""
        accounts = await self._off_loop(partial(self._store.accounts_of_person, person))
        return [await self.erase_account(account) for account in accounts]

    def destroy_past(self) -> Sequence[tuple[str, int]]:
        """Destroy what was kept for documents whose time is over; return account and version of each."""
        now = self._clock.now()
        past = self._store.locked_past(date_of(now, "UTC"))
        for kept in past:
            self._store.destroy(kept.account_id, [kept.version], now)
        return [(kept.account_id, kept.version) for kept in past]
