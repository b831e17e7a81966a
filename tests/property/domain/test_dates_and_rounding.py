"""Dates, instants and rounding of the domain, held against the reference model's own ways to find them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import (
    begins_at,
    boundary,
    cycle_from,
    date_of,
    full_cycle,
    local_text,
    parse_moment,
    zone_names,
)
from domain.money import prorate
from tests.reference.amounts import half_up
from tests.reference.dates import beginning, cycle_around, date_at, months_after, parse
from tests.reference.stories import ZONES

ODD = [zone for zone, _ in ZONES]
zones = st.sampled_from(ODD) | st.sampled_from(sorted(zone_names()))
years = st.dates(date(1905, 1, 1), date(2037, 12, 31))
many = settings(max_examples=200, deadline=None, derandomize=True)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


@many
@given(years, zones)
def test_a_date_begins_when_the_wall_clock_first_shows_its_midnight_or_later(day: date, zone: str) -> None:
    assert _seconds(begins_at(day, zone)) == beginning(day, zone)


@many
@given(years, zones)
def test_dates_begin_in_order(day: date, zone: str) -> None:
    assert begins_at(day, zone) <= begins_at(day + timedelta(days=1), zone)


@many
@given(years, zones, st.integers(-90_000, 90_000))
def test_the_date_of_an_instant_is_the_last_that_has_begun(day: date, zone: str, seconds: int) -> None:
    at = begins_at(day, zone) + timedelta(seconds=seconds)
    assert date_of(at, zone) == date_at(_seconds(at), zone)


@many
@given(years, zones, st.integers(-90_000, 90_000))
def test_a_written_instant_is_read_back(day: date, zone: str, seconds: int) -> None:
    at = begins_at(day, zone) + timedelta(seconds=seconds)
    assert parse_moment(local_text(at, zone), zone) == at
    assert parse(local_text(at, zone), zone) == _seconds(at)


@many
@given(years, st.integers(0, 400))
def test_boundaries_are_those_of_counting_months_from_the_anchor(anchor: date, months: int) -> None:
    assert boundary(anchor, months) == months_after(anchor, months)


@many
@given(years, st.integers(0, 1500))
def test_every_date_lies_in_exactly_one_cycle_of_its_anchor(anchor: date, days: int) -> None:
    day = anchor + timedelta(days=days)
    start, end = full_cycle(anchor, day)
    assert (start, end) == cycle_around(anchor, day)
    assert start <= day < end
    cycle = cycle_from(anchor, day, "UTC")
    assert (cycle.days, cycle.of_days) == ((end - day).days, (end - start).days)
    assert cycle.starts_at == datetime(day.year, day.month, day.day, tzinfo=UTC)


@many
@given(st.integers(0, 10**15 - 1), st.sampled_from([0, 2, 3]), st.integers(28, 31), st.integers(1, 31))
def test_a_part_of_a_price_is_rounded_half_up_once(units: int, digits: int, of_days: int, days: int) -> None:
    days = min(days, of_days)
    part = prorate(Decimal(units).scaleb(-digits), days, of_days)
    assert part == Decimal(half_up(Fraction(units) * days / of_days)).scaleb(-digits)
    assert part.as_tuple().exponent == -digits
