"""Civil dates: boundaries counted from the anchor, and when a date begins in zones of every oddity."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.calendar import (
    LATEST,
    begins_at,
    boundary,
    check_time_zone,
    cycle_from,
    date_of,
    full_cycle,
    local_text,
    parse_date,
    parse_moment,
    twelve_months_after,
)
from domain.errors import InvalidInput


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# ---- boundaries (R1, R2) -------------------------------------------------


def test_boundaries_are_clamped_to_short_months_and_come_back() -> None:
    assert [boundary(date(2026, 1, 31), k) for k in range(5)] == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
    ]


def test_an_anchor_on_29_february_is_the_28th_in_other_years_and_the_29th_again_in_the_next_leap_year() -> (
    None
):
    anchor = date(2024, 2, 29)
    assert [boundary(anchor, months) for months in (1, 12, 48)] == [
        date(2024, 3, 29),
        date(2025, 2, 28),
        date(2028, 2, 29),
    ]


def test_boundaries_go_over_the_end_of_the_year() -> None:
    assert boundary(date(2025, 12, 31), 2) == date(2026, 2, 28)
    assert twelve_months_after(date(2025, 12, 31)) == date(2026, 12, 31)


def test_twelve_months_after_29_february_is_the_28th() -> None:
    assert twelve_months_after(date(2024, 2, 29)) == date(2025, 2, 28)


@pytest.mark.parametrize(
    ("day", "cycle"),
    [
        (date(2026, 1, 31), (date(2026, 1, 31), date(2026, 2, 28))),
        (date(2026, 2, 27), (date(2026, 1, 31), date(2026, 2, 28))),
        (date(2026, 2, 28), (date(2026, 2, 28), date(2026, 3, 31))),
        (date(2026, 3, 30), (date(2026, 2, 28), date(2026, 3, 31))),
        (date(2026, 3, 31), (date(2026, 3, 31), date(2026, 4, 30))),
    ],
)
def test_a_boundary_belongs_to_the_cycle_that_it_begins(day: date, cycle: tuple[date, date]) -> None:
    assert full_cycle(date(2026, 1, 31), day) == cycle


def test_a_cycle_begun_between_boundaries_is_a_stub_that_knows_the_length_of_the_full_one() -> None:
    stub = cycle_from(date(2026, 3, 20), date(2026, 4, 5), "Europe/Paris")
    assert (stub.start, stub.end, stub.days, stub.of_days) == (date(2026, 4, 5), date(2026, 4, 20), 15, 31)
    assert (stub.starts_at, stub.ends_at) == (_utc("2026-04-04T22:00"), _utc("2026-04-19T22:00"))


# ---- the beginning of a date (section 1) ---------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("UTC", date(2026, 3, 1), "2026-03-01T00:00"),
        ("Europe/Paris", date(2026, 7, 1), "2026-06-30T22:00"),
        ("Asia/Kathmandu", date(2026, 4, 5), "2026-04-04T18:15"),
        ("Pacific/Kiritimati", date(2026, 1, 1), "2025-12-31T10:00"),
    ],
)
def test_a_date_begins_at_midnight_of_its_zone(zone: str, day: date, instant: str) -> None:
    assert begins_at(day, zone) == _utc(instant)


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00"),
        ("Africa/Cairo", date(2023, 4, 28), "2023-04-27T22:00"),
        ("America/Havana", date(2024, 3, 10), "2024-03-10T05:00"),
    ],
)
def test_where_midnight_is_skipped_the_date_begins_at_the_first_instant_after(
    zone: str, day: date, instant: str
) -> None:
    assert begins_at(day, zone) == _utc(instant)
    assert date_of(_utc(instant) - timedelta(seconds=1), zone) == day - timedelta(days=1)
    assert date_of(_utc(instant), zone) == day


@pytest.mark.parametrize(
    ("zone", "day", "first", "second"),
    [
        ("America/St_Johns", date(2010, 11, 7), "2010-11-07T02:30", "2010-11-07T03:30"),
        ("America/Havana", date(2024, 11, 3), "2024-11-03T04:00", "2024-11-03T05:00"),
        ("Atlantic/Azores", date(2025, 10, 26), "2025-10-26T00:00", "2025-10-26T01:00"),
    ],
)
def test_where_midnight_comes_twice_the_date_begins_with_the_first(
    zone: str, day: date, first: str, second: str
) -> None:
    assert begins_at(day, zone) == _utc(first)
    for moment in (first, second):
        assert date_of(_utc(moment), zone) == day


def test_a_date_that_has_begun_stays_begun_when_the_clock_goes_back_over_midnight() -> None:
    back = _utc("2010-11-07T02:45")
    assert local_text(back, "America/St_Johns") == "2010-11-06T23:15:00-03:30"
    assert date_of(back, "America/St_Johns") == date(2010, 11, 7)


@pytest.mark.parametrize(
    ("zone", "missing"),
    [
        ("Pacific/Apia", date(2011, 12, 30)),
        ("Pacific/Fakaofo", date(2011, 12, 30)),
        ("Pacific/Kwajalein", date(1993, 8, 21)),
        ("Pacific/Kiritimati", date(1994, 12, 31)),
    ],
)
def test_a_date_that_the_zone_skipped_begins_with_the_next_and_no_instant_is_of_it(
    zone: str, missing: date
) -> None:
    next_day = missing + timedelta(days=1)
    at = begins_at(missing, zone)
    assert at == begins_at(next_day, zone)
    assert date_of(at, zone) == next_day
    assert date_of(at - timedelta(seconds=1), zone) == missing - timedelta(days=1)
    assert local_text(at, zone) == next_day.isoformat()


# ---- moments as they are written -----------------------------------------


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-04-05", "2026-04-04T22:00"),
        ("2026-04-05T18:30", "2026-04-05T16:30"),
        ("2026-04-05T18:30:15", "2026-04-05T16:30:15"),
        ("2026-04-05T18:30:00Z", "2026-04-05T18:30"),
        ("2026-04-05T18:30:00+05:45", "2026-04-05T12:45"),
        ("2026-10-25T02:30", "2026-10-25T00:30"),
    ],
)
def test_a_moment_is_a_date_a_local_time_the_first_of_two_or_an_instant(text: str, instant: str) -> None:
    assert parse_moment(text, "Europe/Paris") == _utc(instant)


@pytest.mark.parametrize(
    "text",
    [
        "", "today", "2026-4-5", "2026-02-29", "2026-13-01", "20260405", "2026-W14-7", "2026-04-05 18:30",
        "2026-04-05T", "2026-04-05T24:00", "2026-04-05T18", "2026-04-05T18:30+25:00", "2026-04-05T18:30:00z",
        "0001-01-01", "9990-01-01", "٢٠٢٦-04-05", "2026-04-05T18:30:60",
        "0002-12-31T23:59", "9990-01-01T00:00",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse_moment(text, "Europe/Paris", "$.steps[3].at")
    assert (error.value.code, error.value.place) == ("invalid_moment", "$.steps[3].at")


def test_an_instant_is_written_to_the_second() -> None:
    assert local_text(_utc("2026-04-05T16:30:15.999999"), "Europe/Paris") == "2026-04-05T18:30:15+02:00"


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2026-03-29T02:30", "Europe/Paris"),
        ("2018-11-04T00:30", "America/Sao_Paulo"),
        ("2011-12-30T12:00", "Pacific/Apia"),
    ],
)
def test_a_local_time_that_the_clock_skipped_is_refused(text: str, zone: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse_moment(text, zone, "$.at")
    assert (error.value.code, error.value.place) == ("nonexistent_time", "$.at")


@pytest.mark.parametrize("text", ["2026-02-30", "2026-4-5", "2026-04-05T00:00", "9990-01-01", "0001-12-31"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse_date(text, "$.resume_on")
    assert error.value.place == "$.resume_on"


def test_every_boundary_of_a_cycle_of_the_last_accepted_date_can_still_be_written() -> None:
    last = LATEST.date() - timedelta(days=1)
    assert full_cycle(last, last)[1].year == 9990
    assert twelve_months_after(last).year == 9990


@pytest.mark.parametrize("zone", ["", "Paris", "europe/paris", "../etc/passwd", "UTC+1", "Europe/Paris\0"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidInput) as error:
        check_time_zone(zone, "$.account.time_zone")
    assert (error.value.code, error.value.place) == ("unknown_time_zone", "$.account.time_zone")
