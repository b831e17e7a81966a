"""Civil dates, their beginnings in a time zone, and the boundaries and cycles counted from an anchor (R1,
R2).

    >>> boundary(date(2026, 1, 31), 1), boundary(date(2026, 1, 31), 2)
    (datetime.date(2026, 2, 28), datetime.date(2026, 3, 31))

All date arithmetic of the project is here. Dates are civil dates of an account's zone, instants are UTC
datetimes; spans are half open. Zone data comes from the pinned `tzdata` package alone, so that every
machine agrees.
"""

from __future__ import annotations

import importlib.resources
import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from domain.errors import InvalidInput

CivilDate = date
Instant = Annotated[datetime, msgspec.Meta(tz=True)]

EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
LATEST = datetime(9990, 1, 1, tzinfo=UTC)
"""Instants from outside lie in [EARLIEST, LATEST): every boundary of a cycle that contains one can still
be written."""

_DAY = timedelta(days=1)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME = re.compile(
    r"[0-9-]{10}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?"
)


class Cycle(msgspec.Struct, frozen=True, gc=False):
    """A billing cycle `[start, end)` counted from `anchor`; `of_days` is the length of the full cycle that
    contains it (R2, R6).

    The instants at which its dates begin are kept with it, so later time-zone data rewrites no history.
    """

    anchor: CivilDate
    start: CivilDate
    end: CivilDate
    of_days: int
    starts_at: Instant
    ends_at: Instant

    @property
    def days(self) -> int:
        """Charged days: the start counts, the renewal date does not."""
        return (self.end - self.start).days


def boundary(anchor: CivilDate, months: int) -> CivilDate:
    """`b(months)`: the anchor's day that many months later, clamped to the month's last day (R1)."""
    index = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(index, 12)
    month += 1
    day = anchor.day
    if day > 28:
        day = min(day, monthrange(year, month)[1])
    return date(year, month, day)


@lru_cache(maxsize=65536)
def full_cycle(anchor: CivilDate, day: CivilDate) -> tuple[CivilDate, CivilDate]:
    """The `[b(k), b(k+1))` of the anchor that contains the day (R2)."""
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    start = boundary(anchor, months)
    if start > day:
        return boundary(anchor, months - 1), start
    return start, boundary(anchor, months + 1)


@lru_cache(maxsize=65536)  # the items of a date share it, and so do accounts
def cycle_from(anchor: CivilDate, day: CivilDate, zone: str) -> Cycle:
    """The cycle from the day to the anchor's next boundary after it: full on a boundary, else a stub
    (R10-R13, R23)."""
    start, end = full_cycle(anchor, day)
    return Cycle(anchor, day, end, (end - start).days, begins_at(day, zone), begins_at(end, zone))


def days_after(day: CivilDate, days: int) -> CivilDate:
    """The date so many days later; before it, of a negative number."""
    return day + days * _DAY


NEVER = date.max
"""Later than every date that an account reaches."""


def days_between(start: CivilDate, end: CivilDate) -> int:
    """Days of `[start, end)`."""
    return (end - start).days


def twelve_months_after(day: CivilDate) -> CivilDate:
    """The same day a year later, clamped as R1 (R21, R33)."""
    return boundary(day, 12)


def twelve_months_before(day: CivilDate) -> CivilDate:
    """The same day a year earlier, clamped as R1: when what expires on the day was bought (R21)."""
    return boundary(day, -12)


@lru_cache(maxsize=512)
def zone_info(zone: str) -> ZoneInfo:
    """The zone's rules from the `tzdata` package. The name must be a known one (`check_time_zone`)."""
    source = importlib.resources.files("tzdata").joinpath("zoneinfo", *zone.split("/"))
    with source.open("rb") as data:
        return ZoneInfo.from_file(data, key=zone)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """All IANA names that the pinned `tzdata` package knows."""
    text = importlib.resources.files("tzdata").joinpath("zones").read_text("ascii")
    return frozenset(text.split())


def check_time_zone(zone: str, place: str = "$.time_zone") -> str:
    """The name itself, if it is an IANA time zone.

    Raises InvalidInput `unknown_time_zone`.
    """
    if zone not in zone_names():
        raise InvalidInput(
            "unknown_time_zone", place, f"{zone[:60]!r} is not an IANA time zone (such as Europe/Paris)"
        )
    return zone


@lru_cache(maxsize=262144)
def begins_at(day: CivilDate, zone: str) -> Instant:
    """The instant at which the date begins: 00:00 local, the first of two; where it is skipped, the first
    instant after."""
    tz = zone_info(zone)
    naive = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall time, to be placed
    instant = naive.replace(tzinfo=tz, fold=0).astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == naive:
        return instant
    # Midnight falls into a gap: its end lies between the readings with the offsets after and before it.
    after, upto = naive.replace(tzinfo=tz, fold=1).astimezone(UTC), instant
    while upto - after > timedelta(seconds=1):
        middle = after + timedelta(seconds=(upto - after) // timedelta(seconds=2))
        if middle.astimezone(tz).replace(tzinfo=None) < naive:
            after = middle
        else:
            upto = middle
    return upto


def date_of(at: Instant, zone: str) -> CivilDate:
    """The last date that has begun at the instant: never earlier than a date that began before it."""
    day = at.astimezone(zone_info(zone)).date()
    while begins_at(day + _DAY, zone) <= at:  # the clock was set back over midnight: the new date stays begun
        day += _DAY
    return day


def local_instant(wall: datetime, zone: str, place: str = "$") -> Instant:
    """The instant of a local time without offset: the first of two.

    Raises InvalidInput `nonexistent_time` where the clock skipped it.
    """
    tz = zone_info(zone)
    instant = wall.replace(tzinfo=tz, fold=0).astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) != wall:
        raise InvalidInput(
            "nonexistent_time", place, f"the local time {wall.isoformat()} does not exist in {zone}"
        )
    return instant


def local_text(at: Instant, zone: str) -> str:
    """How an instant is written: the date where it is the beginning of one, else ISO to the second with
    the zone's offset."""
    day = date_of(at, zone)
    if begins_at(day, zone) == at:
        return day.isoformat()
    return at.astimezone(zone_info(zone)).isoformat(timespec="seconds")


def parse_date(text: str, place: str = "$") -> CivilDate:
    """A date written `2026-04-05`.

    Raises InvalidInput `invalid_moment`.
    """
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            pass
        else:
            if EARLIEST.date() <= day < LATEST.date():
                return day
    raise InvalidInput("invalid_moment", place, f"{text[:40]!r} is not a date (such as 2026-04-05)")


def parse_moment(text: str, zone: str, place: str = "$") -> Instant:
    """An instant written as a date (its beginning in the zone), a local date-time, or a date-time with an
    offset or Z.

    Raises InvalidInput `invalid_moment`, or `nonexistent_time` for a local time that the clock skipped.
    """
    if _DATE.fullmatch(text):
        return begins_at(parse_date(text, place), zone)
    if _DATE_TIME.fullmatch(text):
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            if EARLIEST.year < parsed.year < LATEST.year:
                return local_instant(parsed, zone, place) if parsed.tzinfo is None else parsed.astimezone(UTC)
    raise InvalidInput(
        "invalid_moment",
        place,
        f"{text[:40]!r} is not a moment (such as 2026-04-05, 2026-04-05T18:30 or 2026-04-05T16:30:00Z)",
    )
