"""One event: its sentence, the row as it is stored, and whether its hash chain holds there.

shown = await event(desk, call, say)
shown.entry.sentence, shown.link, shown.raw
"""

from __future__ import annotations

from functools import partial
from typing import Literal, TypeAlias

import msgspec

from domain import events as e
from eventlog.chain import hash_of
from eventlog.records import NO_HASH, StoredEvent
from prorata.cli.audit.history import audited
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.looking import unknown_account
from prorata.http.problems import refuse
from prorata.pages.console.story import Entry, movements, told, unread
from prorata.wording import Wording

Link: TypeAlias = Literal["whole", "altered", "unlinked"]
"""Whether an event's fields give its hash, and it names the hash of the event before it."""


class EventShown(msgspec.Struct, frozen=True):
    """An event. `raw`: the row as `prorata history --json` prints it, indented; `before`, `after`: the
    versions next to it."""

    account: str
    currency: str
    zone: str
    entry: Entry
    raw: str
    hash: str
    previous_hash: str
    link: Link
    following: Link | None
    before: int | None
    after: int | None


async def event(desk: Desk, call: Call, version: int, say: Wording) -> EventShown:
    """The event of that version. Raises ProblemFound `unknown_account`, `unknown_version`."""
    return await desk.run(partial(_event, desk, call, version, say))


def _event(desk: Desk, call: Call, version: int, say: Wording) -> EventShown:
    log, history = desk.system.log, desk.histories.of(call.account_id)
    if not history.stored:
        raise unknown_account()
    rows = log.read_account(call.account_id, max(0, version - 2), 3)
    by_version = {row.version: row for row in rows}
    stored = by_version.get(version)
    if stored is None:
        raise refuse("unknown_version", f"the account has no event {version}", place="version")
    opened = history.events[0] if history.events else None
    currency, zone = (opened.currency, opened.time_zone) if isinstance(opened, e.Opening) else ("XXX", "UTC")
    if version <= len(history.events):
        money = movements(history).get(version, ())
        entry = told(history.events[version - 1], stored, currency, money, say)
    else:
        entry = unread(stored, currency, say)
    before, after = by_version.get(version - 1), by_version.get(version + 1)
    return EventShown(
        account=call.account,
        currency=currency,
        zone=zone,
        entry=entry,
        raw=msgspec.json.format(msgspec.json.encode(audited(stored)), indent=2).decode(),
        hash=stored.hash.hex(),
        previous_hash=stored.previous_hash.hex(),
        link=_link(desk, before, stored),
        following=None if after is None else _link(desk, stored, after),
        before=None if before is None else before.version,
        after=None if after is None else after.version,
    )


def _link(desk: Desk, before: StoredEvent | None, stored: StoredEvent) -> Link:
    if hash_of(desk.system.log.log_id, stored) != stored.hash:
        return "altered"
    expected = NO_HASH if before is None else before.hash
    return "whole" if stored.previous_hash == expected else "unlinked"
