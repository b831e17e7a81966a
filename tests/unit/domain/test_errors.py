"""A value that cannot be used is said with its code, its place and a sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from domain.calendar import Instant, check_time_zone, local_instant, parse_date, parse_moment
from domain.errors import InvalidCatalog, InvalidInput
from domain.money import check_currency, parse_amount


def test_the_place_stands_behind_the_sentence_where_there_is_one() -> None:
    assert str(InvalidInput("invalid_moment", "$.at", "it is no moment")) == "it is no moment - at `$.at`"
    assert str(InvalidInput("usage", "", "give a file")) == "give a file"


@pytest.mark.parametrize("kind", [InvalidInput, InvalidCatalog])
def test_seen_from_the_document_around_it_the_place_is_the_whole_path(kind: type[InvalidInput]) -> None:
    error = kind("invalid_catalog", "$.plans[0].id", "it stands twice").under("$.steps[3]")
    assert type(error) is kind
    assert (error.code, error.place) == ("invalid_catalog", "$.steps[3].plans[0].id")
    assert error.message == "it stands twice"


SKIPPED = datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - a wall time


@pytest.mark.parametrize(
    ("given", "code", "place"),
    [
        (lambda: parse_amount("x", "EUR"), "invalid_amount", "$"),
        (lambda: check_currency("XXX"), "unknown_currency", "$.currency"),
        (lambda: check_time_zone("Paris"), "unknown_time_zone", "$.time_zone"),
        (lambda: parse_date("today"), "invalid_moment", "$"),
        (lambda: parse_moment("today", "Europe/Paris"), "invalid_moment", "$"),
        (lambda: local_instant(SKIPPED, "Europe/Paris"), "nonexistent_time", "$"),
    ],
)
def test_a_value_given_alone_stands_at_the_root(given: Callable[[], object], code: str, place: str) -> None:
    with pytest.raises(InvalidInput) as error:
        given()
    assert (error.value.code, error.value.place) == (code, place)


def test_an_instant_without_an_offset_is_none() -> None:
    assert msgspec.convert("2026-03-20T10:00:00Z", Instant) == datetime(2026, 3, 20, 10, tzinfo=UTC)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("2026-03-20T10:00:00", Instant)
