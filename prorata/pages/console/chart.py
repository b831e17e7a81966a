"""The access windows of an account as a chart: where each bar, tick and line lies, in percent of its width.

    chart = chart_of(found, spans, events, now)
    [(row.product, bar.kind, bar.x, bar.width) for row in chart.rows for bar in row.bars]

Percent, so that the same drawing is read on a telephone and on a wide screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Final, Literal, TypeAlias

import msgspec

from domain.calendar import CivilDate, Instant, begins_at, boundary, date_of
from domain.held_spans import HeldSpan
from domain.state import Window
from eventlog.records import StoredEvent
from projections.history.past import Past

BarKind: TypeAlias = Literal["used", "ahead", "paused", "suspended", "disputed"]

BEFORE: Final = 9
"""Months shown before the moment."""
AFTER: Final = 3
"""Months shown after it."""
_MOST_MARKS: Final = 400


class Bar(msgspec.Struct, frozen=True):
    """A span of one row, and the part of it that lies within the chart: `x` and `width` in percent. `ahead`:
    it lies after the moment. `until` None: it goes on."""

    kind: BarKind
    x: float
    width: float
    start: Instant
    until: Instant | None


class Row(msgspec.Struct, frozen=True):
    """A product's bars, the earliest first, and where its cycles begin, in percent. `renews`: the last
    window's end will move (R45)."""

    product: str
    bars: tuple[Bar, ...]
    cycles: tuple[float, ...]
    renews: bool


class Mark(msgspec.Struct, frozen=True):
    """A place on the chart's axis, in percent: the first of a month."""

    x: float
    day: CivilDate


class EventMark(msgspec.Struct, frozen=True):
    """An event on the chart; `later`: it does not count at the moment."""

    x: float
    version: int
    later: bool


class Chart(msgspec.Struct, frozen=True):
    """The rows of a span of time `[start, until)`. `moment` and `today`: where these lie, in percent; None:
    outside."""

    start: Instant
    until: Instant
    rows: tuple[Row, ...]
    months: tuple[Mark, ...]
    events: tuple[EventMark, ...]
    moment: float | None
    today: float | None


class _Scale(msgspec.Struct, frozen=True):
    start: Instant
    until: Instant

    def x(self, at: Instant) -> float:
        return round(100 * ((at - self.start) / (self.until - self.start)), 2)

    def within(self, at: Instant) -> float | None:
        return self.x(at) if self.start <= at < self.until else None

    def bars(self, kind: BarKind, start: Instant, until: Instant | None) -> Iterator[Bar]:
        """The part of the span that is shown; none where it lies outside."""
        first = max(start, self.start)
        last = self.until if until is None else min(until, self.until)
        if first < last:
            x = self.x(first)
            yield Bar(kind, x, max(0.2, round(self.x(last) - x, 2)), start, until)


def chart_of(
    found: Past, spans: Iterable[HeldSpan], events: Sequence[StoredEvent], now: Instant | None
) -> Chart:
    """The account at the moment of that look. `events`: all that are known of it; `now`: None where its clock
    is a test's."""
    scale = _scale(found, events[0])
    known = [span for one in spans if (span := one.known_at(found.last.version)) is not None]
    rows = [
        _row(scale, found.at, windows.product, windows.windows, renews=windows.renews, spans=known)
        for windows in found.access_windows.products
    ]
    disputes = [bar for span in known if span.kind == "disputed" for bar in _held(scale, found.at, span)]
    if disputes:
        rows.append(Row("", tuple(disputes), (), renews=False))
    return Chart(
        scale.start,
        scale.until,
        tuple([row for row in rows if row.bars]),
        tuple(_months(scale, found.state.time_zone)),
        tuple(_marks(scale, found, events)),
        scale.within(found.at),
        None if now is None else scale.within(now),
    )


def _scale(found: Past, opened: StoredEvent) -> _Scale:
    """Months before the moment, and after it; of a young account from its opening on."""
    zone = found.state.time_zone
    today = date_of(found.at, zone).replace(day=1)
    start = max(begins_at(boundary(today, -BEFORE), zone), opened.effective_at)
    until = begins_at(boundary(today, AFTER + 1), zone)
    return _Scale(start, max(until, start + timedelta(days=60)))


def _row(
    scale: _Scale,
    at: Instant,
    product: str,
    windows: Iterable[Window],
    *,
    renews: bool,
    spans: Sequence[HeldSpan],
) -> Row:
    bars: list[Bar] = []
    for window in windows:
        cut = at if window.until is None else min(at, window.until)
        bars += scale.bars("used", window.start, max(cut, window.start))
        if window.until is None or window.until > at:
            bars += scale.bars("ahead", max(at, window.start), window.until)
    own = [span for span in spans if span.product == product]
    for span in own:
        bars += _held(scale, at, span)
    cycles = [x for span in own if span.kind == "cycle" and (x := scale.within(span.start)) is not None]
    return Row(product, tuple(sorted(bars, key=lambda bar: bar.x)), tuple(dict.fromkeys(cycles)), renews)


def _held(scale: _Scale, at: Instant, span: HeldSpan) -> Iterator[Bar]:
    if span.kind != "cycle" and span.start <= at:
        yield from scale.bars(span.kind, span.start, at if span.until is None else span.until)


def _months(scale: _Scale, zone: str) -> Iterator[Mark]:
    first = date_of(scale.start, zone).replace(day=1)
    for nth in range(BEFORE + AFTER + 3):
        day = boundary(first, nth)
        x = scale.within(begins_at(day, zone))
        if x is not None:
            yield Mark(x, day)


def _marks(scale: _Scale, found: Past, events: Sequence[StoredEvent]) -> Iterator[EventMark]:
    shown = [one for one in events if scale.start <= one.effective_at < scale.until][-_MOST_MARKS:]
    for one in shown:
        yield EventMark(scale.x(one.effective_at), one.version, one.version > found.last.version)
