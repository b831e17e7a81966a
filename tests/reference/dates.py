"""Civil dates and instants (RULES.md 1 and 2), found by looking at the clock on the wall.

An instant is a whole number of seconds since 1970 in UTC.
"""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

DAY = 86_400
_STEP = 3 * 3600  # no zone changes its clock twice within three hours
_EPOCH = date(1970, 1, 1)


@functools.cache
def zone_named(name: str) -> ZoneInfo:
    """The zone as the wheel tzdata has it, whatever the machine has."""
    folder = resources.files("tzdata") / "zoneinfo"
    for part in name.split("/"):
        folder /= part
    with folder.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def offset(at: int, zone: str) -> int:
    """Seconds that the wall clock is ahead of UTC at the instant."""
    gap = datetime.fromtimestamp(at, zone_named(zone)).utcoffset()
    assert gap is not None
    return round(gap / timedelta(seconds=1))


def wall(at: int, zone: str) -> int:
    """What the clock on the wall shows, as seconds since its own 1 January 1970."""
    return at + offset(at, zone)


@functools.cache
def pieces(year: int, zone: str) -> list[tuple[int, int, int]]:
    """The year and a week on both sides in pieces (from, until, offset) of one offset each, found by looking
    at the clock every few hours and then closer."""
    first, last = ((date(year + after, 1, 1) - _EPOCH).days * DAY for after in (0, 1))
    pieces = []
    start = at = first - 7 * DAY
    while at < last + 7 * DAY:
        later = at + _STEP
        if offset(at, zone) != offset(later, zone):
            change = _change_between(at, later, zone)
            pieces.append((start, change, offset(at, zone)))
            start = change
        at = later
    return [*pieces, (start, at, offset(at, zone))]


def _change_between(low: int, high: int, zone: str) -> int:
    """The first instant after `low` with the offset of `high`."""
    before = offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


@functools.lru_cache(maxsize=200_000)
def beginning(day: date, zone: str) -> int:
    """The first instant at which the wall clock shows 00:00 of the date or later."""
    midnight = (day - _EPOCH).days * DAY
    for start, until, ahead in pieces(day.year, zone):
        if midnight - ahead < until:
            return max(start, midnight - ahead)
    raise AssertionError(f"{day} never begins in {zone}")


def date_at(at: int, zone: str) -> date:
    """The last date that has begun."""
    day = _EPOCH + timedelta(days=at // DAY - 3)
    while beginning(day + timedelta(days=1), zone) <= at:
        day += timedelta(days=1)
    return day


def parse(text: str, zone: str) -> int:
    """A moment as scenario files write it: a date, a local date-time, or an instant with its offset."""
    if "T" not in text:
        return beginning(date.fromisoformat(text), zone)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        return round(moment.timestamp())
    shown = round(moment.replace(tzinfo=UTC).timestamp())
    offsets = {ahead for _, _, ahead in pieces(moment.year, zone)}
    instants = [shown - ahead for ahead in offsets if wall(shown - ahead, zone) == shown]
    if not instants:
        raise ValueError(f"{text} does not exist in {zone}")
    return min(instants)


def months_after(day: date, months: int) -> date:
    """The same day so many months later; where that month is too short, its last day."""
    year, month = day.year, day.month
    for _ in range(months):
        month += 1
        if month > 12:
            year, month = year + 1, 1
    last = day.day
    while True:
        try:
            return date(year, month, last)
        except ValueError:
            last -= 1


def cycle_around(anchor: date, day: date) -> tuple[date, date]:
    """R2: the cycle that contains the date, found by walking from the anchor."""
    assert anchor <= day
    count = 0
    while months_after(anchor, count + 1) <= day:
        count += 1
    return months_after(anchor, count), months_after(anchor, count + 1)
