"""A field that stands twice is found wherever it stands, and colons in texts are no fields."""

from __future__ import annotations

import pytest

from domain.repeated_names import repeated_name

TWICE = {
    '{"a": 1, "a": 2}': ("$", "a"),
    '{"a":1,"\\u0061":2}': ("$", "a"),
    '{"x": [{"b": {"c": ":", "c": 2}}]}': ("$.x[0].b", "c"),
    '[{"a": {"b": 1}, "a": {"c": 2}}]': ("$[0]", "a"),
    '{":": 1, ":": 2}': ("$", ":"),
}
ONCE = [
    "{}",
    '{"a": 1, "b": {"a": 1}}',
    '{"a": "b: c: d"}',
    '{"at": "2026-03-20T10:00:00"}',
    '{"a:b": [1, {"c": "::"}]}',
    '[1, "x:y"]',
    '"a:b"',
]


@pytest.mark.parametrize("text", TWICE)
def test_a_field_that_stands_twice_is_found(text: str) -> None:
    assert repeated_name(text) == repeated_name(text.encode()) == TWICE[text]


@pytest.mark.parametrize("text", ONCE)
def test_what_stands_once_is_nothing(text: str) -> None:
    assert repeated_name(text) is None
    assert repeated_name(text.encode()) is None
