"""The story of an account: each event as a sentence with its actor, rule and money, the latest first.

page = await story(desk, call)             # ?kind=payments&actor=support&q=standard&before=120
[entry.sentence for entry in page.entries]
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Final

import msgspec

from domain import events as e
from domain.calendar import Instant
from domain.explain import rule_of_event
from domain.statement import Owed, StatementLine
from eventlog.codec import domain_codec
from eventlog.errors import EventUnreadable
from eventlog.records import StoredEvent
from projections.history.past import ReadHistory
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.looking import unknown_account
from prorata.http.problems import refuse
from prorata.pages.console.kinds import KINDS, MONEY
from prorata.wording import Wording, event_said_in_full

PAGE: Final = 50
"""Entries of a page."""


class Entry(msgspec.Struct, frozen=True):
    """One event. `who`: the actor, else the role that gave the command, None: it fell due by itself. `money`:
    by how much more is owed, for each thing that it did (R95). `unread`: why this code cannot read it."""

    version: int
    position: int
    type: str
    effective_at: Instant
    recorded_at: Instant
    rule: str | None
    who: str | None
    role: str | None
    sentence: str | None
    money: tuple[StatementLine, ...]
    command_id: str | None
    unread: str | None = None


class StoryPage(msgspec.Struct, frozen=True):
    """A page of the story. `before`: the version before which the following page goes on, None: there is
    none. `actors`: who acted, as far as this code can read."""

    account: str
    currency: str
    zone: str
    total: int
    entries: tuple[Entry, ...]
    before: int | None
    actors: tuple[str, ...]
    asked: dict[str, str]


class Filter(msgspec.Struct, frozen=True):
    """What is looked for; empty: everything."""

    kind: str = ""
    actor: str = ""
    rule: str = ""
    text: str = ""

    @classmethod
    def of(cls, query: dict[str, str]) -> Filter:
        """As the query has it. Raises ProblemFound `invalid_parameter`."""
        kind = query.get("kind", "")
        if kind not in ("", MONEY, *KINDS):
            raise refuse("invalid_parameter", f"`kind` is one of {', '.join([*KINDS, MONEY])}", place="kind")
        rule = query.get("rule", "").strip().upper()
        return cls(kind, query.get("actor", ""), rule, query.get("q", "").strip().casefold())

    def may_take(self, event: e.Event, stored: StoredEvent, money: tuple[StatementLine, ...]) -> bool:
        """Whether the event is of the kind, actor and rule."""
        if self.kind == MONEY and not money:
            return False
        if self.kind not in ("", MONEY) and type(event) not in KINDS[self.kind]:
            return False
        if self.actor and self.actor != _who(event, stored):
            return False
        return not self.rule or self.rule in rule_of_event(event).replace(",", " ").split()

    def takes_words(self, sentence: str, stored: StoredEvent) -> bool:
        """Whether the text stands in the sentence, the type or the command's id."""
        if not self.text:
            return True
        return any(self.text in text.casefold() for text in (sentence, stored.type, stored.command_id or ""))


async def story(desk: Desk, call: Call, say: Wording) -> StoryPage:
    """A page of the account's story. Raises ProblemFound `unknown_account`."""
    before = call.whole_number("before", least=1)
    return await desk.run(partial(_story, desk, call, say, before))


def _story(desk: Desk, call: Call, say: Wording, before: int | None) -> StoryPage:
    history = desk.histories.of(call.account_id)
    if not history.stored:
        raise unknown_account()
    currency, zone = _of_account(history)
    wanted = Filter.of(call.query)
    found: list[Entry] = []
    for entry in _told(history, wanted, currency, say, before):
        found.append(entry)
        if len(found) > PAGE:
            break
    return StoryPage(
        account=call.account,
        currency=currency,
        zone=zone,
        total=len(history.stored),
        entries=tuple(found[:PAGE]),
        before=found[PAGE - 1].version if len(found) > PAGE else None,
        actors=_actors(history),
        asked={name: call.query[name] for name in ("kind", "actor", "rule", "q") if call.query.get(name)},
    )


def _of_account(history: ReadHistory) -> tuple[str, str]:
    opened = history.events[0] if history.events else None
    return (opened.currency, opened.time_zone) if isinstance(opened, e.Opening) else ("XXX", "UTC")


def _told(
    history: ReadHistory, wanted: Filter, currency: str, say: Wording, before: int | None
) -> Iterator[Entry]:
    """The entries that are looked for, the latest first."""
    read, moved = len(history.events), movements(history)
    upto = len(history.stored) if before is None else min(before - 1, len(history.stored))
    for place in range(upto - 1, -1, -1):
        stored = history.stored[place]
        if place >= read:
            if wanted == Filter():
                yield unread(stored, currency, say)
            continue
        event, money = history.events[place], moved.get(place + 1, ())
        if wanted.may_take(event, stored, money):
            entry = told(event, stored, currency, money, say)
            if wanted.takes_words(entry.sentence or "", stored):
                yield entry


def told(
    event: e.Event, stored: StoredEvent, currency: str, money: tuple[StatementLine, ...], say: Wording
) -> Entry:
    """The event as an entry of the story."""
    return Entry(
        version=stored.version,
        position=stored.position,
        type=stored.type,
        effective_at=stored.effective_at,
        recorded_at=stored.recorded_at,
        rule=rule_of_event(event),
        who=_who(event, stored),
        role=None if event.command is None else event.command.role,
        sentence=event_said_in_full(event, currency, say),
        money=money,
        command_id=stored.command_id,
    )


def unread(stored: StoredEvent, currency: str, say: Wording) -> Entry:
    """The entry of an event that this code cannot read, or that comes after one."""
    try:
        return told(domain_codec().read(stored), stored, currency, (), say)
    except EventUnreadable as error:
        return Entry(
            stored.version,
            stored.position,
            stored.type,
            stored.effective_at,
            stored.recorded_at,
            None,
            stored.actor,
            None,
            None,
            (),
            stored.command_id,
            error.reason,
        )


def movements(history: ReadHistory) -> dict[int, tuple[StatementLine, ...]]:
    """By version, what each event changed of what is owed; of most events nothing."""
    first, *rest = history.events
    assert isinstance(first, e.Opening)
    owed = Owed(first)
    found: dict[int, tuple[StatementLine, ...]] = {}
    for version, event in enumerate(rest, 2):
        if lines := tuple(owed.take(event)):
            found[version] = lines
    return found


def amount_of(lines: tuple[StatementLine, ...]) -> Decimal:
    """By how much more, or less, is owed after them."""
    return sum([line.amount for line in lines], Decimal(0))


def _actors(history: ReadHistory) -> tuple[str, ...]:
    pairs = zip(history.events, history.stored, strict=False)
    return tuple(sorted({who for event, stored in pairs if (who := _who(event, stored)) is not None}))


def _who(event: e.Event, stored: StoredEvent) -> str | None:
    if stored.actor is not None:
        return stored.actor
    return None if event.command is None else event.command.role
