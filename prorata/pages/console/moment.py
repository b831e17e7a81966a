"""An account at one moment: as it was at an instant, and as it was known at another. Entitlements, access
windows, invoices and the open balance are those of the same look, so they move together.

    shown = await moment(desk, call)           # ?at=2026-05-14&known_at=2026-06-01, or ?version=9
    shown.found.entitlements, shown.chart, shown.effective, shown.recorded
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Final
from urllib.parse import urlencode

import msgspec

from domain.calendar import CivilDate, Instant, begins_at, date_of, days_after, days_between, local_text
from domain.held_spans import HeldSpan
from domain.money import zero
from eventlog.records import StoredEvent
from projections.history.as_of import At, AtInstant, AtVersion
from projections.history.past import Past
from projections.models.invoices import InvoiceDocument
from prorata.cli.audit.moments import History
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.http.stories import history_of
from prorata.pages.console.chart import Chart, chart_of

INVOICES: Final = 20
"""Invoices on the page of a moment, the latest first."""

_SECOND: Final = timedelta(seconds=1)
_BEYOND: Final = 31
"""Days after the last thing known to which one can look ahead."""

_LOOKED_AT: Final = 100

_NAMES: Final = ("at", "version", "position")


class Slider(msgspec.Struct, frozen=True):
    """A slider from 0 to `last`, and where it stands."""

    value: int
    last: int


class Moment(msgspec.Struct, frozen=True):
    """An account at one moment.

    `effective`: the day since its opening, of `at`; `days`: the first and the last that can be chosen;
    `recorded`: up to which of its events it is known. `first`, `last`: the first event of all, the last of
    all. `before`, `after`: the versions next to the last that counts.
    `asked`: the parameters that name the look. `total`: events that are in the log now. `owed`: what is due
    less account credit (R95).
    """

    account: str
    found: Past
    asked: dict[str, str]
    total: int
    first: StoredEvent
    last: StoredEvent
    before: int | None
    after: int | None
    effective: Slider
    recorded: Slider
    days: tuple[CivilDate, CivilDate]
    invoices: tuple[InvoiceDocument, ...]
    due: Decimal
    credit: Decimal
    owed: Decimal
    chart: Chart
    spans: tuple[HeldSpan, ...]
    is_now: bool

    @property
    def query(self) -> str:
        """The look as the query of a link."""
        return urlencode(self.asked)

    @property
    def zone(self) -> str:
        """The account's time zone."""
        return self.found.state.time_zone

    @property
    def currency(self) -> str:
        """The account's currency."""
        return self.found.state.currency


async def moment(desk: Desk, call: Call) -> Moment:
    """The account at the moment that the query names: `at`, `version` or `position`, and `known_at`; default:
    now. Raises ProblemFound, InvalidInput."""
    return await desk.run(partial(_moment, desk, call, await desk.now()))


async def moved(desk: Desk, call: Call) -> dict[str, str]:
    """The parameters of the moment at which both sliders stand: `day` since the opening, and `known`, up to
    which event."""
    return await desk.run(partial(_moved, desk, call, await desk.now()))


def look_of(history: History, query: dict[str, str]) -> Past:
    """The look that the query names. Raises InvalidInput, ProblemFound `one_moment_only`."""
    given = [name for name in _NAMES if query.get(name)]
    if len(given) > 1:
        raise refuse("one_moment_only", "give one of `at`, `position` and `version`", place=given[1])
    upto: At | AtVersion | AtInstant | None = None
    if given:
        name = given[0]
        text = query[name] if name == "at" else f"{name}:{query[name]}"
        upto = history.written(text, name)
    return history.look(upto, query.get("known_at") or None, given[0] if given else "known_at", "known_at")


def _moment(desk: Desk, call: Call, now: Instant) -> Moment:
    history = history_of(desk, call, now)
    found = look_of(history, call.query)
    state, nothing = found.state, zero(found.state.currency)
    due = sum([record.due for record in state.open_invoices], nothing)
    credit = state.standing.credit + nothing
    spans = history.read.spans
    last, total = found.last.version, len(history.events)
    wall = state.clock == "wall"
    opened, last_day = date_of(history.events[0].effective_at, history.zone), _ends(history, now)
    days = days_between(opened, last_day)
    asked = {name: call.query[name] for name in (*_NAMES, "known_at") if call.query.get(name)}
    return Moment(
        account=call.account,
        found=found,
        asked=asked,
        total=total,
        first=history.events[0],
        last=history.events[-1],
        before=last - 1 if last > 1 else None,
        after=last + 1 if last < total else None,
        effective=Slider(min(days, max(0, days_between(opened, date_of(found.at, history.zone)))), days),
        days=(opened, last_day),
        recorded=Slider(_known(history.events, found.known_at), total),
        invoices=tuple(sorted(found.invoices, key=lambda one: one.number, reverse=True)[:INVOICES]),
        due=due,
        credit=credit,
        owed=due - credit,
        chart=chart_of(found, spans, history.events, now if wall else None),
        spans=tuple([span for one in spans if (span := one.known_at(last)) is not None]),
        is_now=not asked,
    )


def _ends(history: History, now: Instant) -> CivilDate:
    """The last day of the slider: some days after all that is known; on the wall clock not before today."""
    latest = max(one.effective_at for one in history.events[-_LOOKED_AT:])
    if history.opened.clock == "wall":
        latest = max(latest, now)
    return days_after(date_of(latest, history.zone), _BEYOND)


def _known(events: Sequence[StoredEvent], known_at: Instant | None) -> int:
    if known_at is None:
        return len(events)
    return sum(1 for one in events if one.recorded_at <= known_at)


def _moved(desk: Desk, call: Call, now: Instant) -> dict[str, str]:
    history = history_of(desk, call, now)
    zone, events = history.zone, history.events
    asked: dict[str, str] = {}
    if (day := call.whole_number("day")) is not None:
        opened = date_of(events[0].effective_at, zone)
        chosen = days_after(opened, min(day, (_ends(history, now) - opened).days))
        at = begins_at(days_after(chosen, 1), zone) - _SECOND
        if not (history.opened.clock == "wall" and chosen == date_of(now, zone)):
            asked["at"] = local_text(at, zone)
    known = call.whole_number("known", least=1)
    if known is not None and known < len(events):
        asked["known_at"] = events[known - 1].recorded_at.isoformat()
    return asked
