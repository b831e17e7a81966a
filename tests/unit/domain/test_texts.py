"""What a text from outside may hold, and how one is shown that holds more."""

from __future__ import annotations

import json
import unicodedata

import pytest

from domain.errors import InvalidInput
from domain.texts import check_document, check_plain, escaped, is_plain

ORDINARY = [
    "a1",
    "main/a-1",
    "Zoë's café – 20 %",
    "20,00\u00a0€",
    "1\u202f125 €",
    "می\u200cخواهم",
    "👩\u200d💻",
    "עברית",
    "\U000e0067",
]
FORGING = [
    "a\nb", "a\r", "\ta", "a\0", "\x1b[2J", "\x7f", "\x85", "\x9b31m", "a\u2028b", "a\u2029", "\u202egpj.exe",
    "\u2066a\u2069", "\u200f", "\u061c", "\ufeffa1", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_what_people_write_is_taken_in(text: str) -> None:
    assert is_plain(text)
    assert check_plain(text, "$.account") == text


@pytest.mark.parametrize("text", FORGING)
def test_what_would_forge_a_line_is_refused_with_its_place(text: str) -> None:
    assert not is_plain(text)
    with pytest.raises(InvalidInput) as refused:
        check_plain(text, "$.account")
    assert (refused.value.code, refused.value.place) == ("invalid_text", "$.account")


def test_every_control_line_break_and_half_character_is_refused() -> None:
    for code in range(0x11_0000):
        if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp", "Cs"):
            assert not is_plain(chr(code)), hex(code)
            assert not is_plain(f"a{chr(code)}b"), hex(code)


@pytest.mark.parametrize("text", FORGING)
def test_it_is_shown_as_one_line_of_printable_ascii(text: str) -> None:
    assert escaped(text).isprintable()
    assert escaped(text) != text


@pytest.mark.parametrize("text", [text for text in FORGING if text != "\ud800"])
def test_json_stays_the_same_json_when_it_is_shown_so(text: str) -> None:
    raw = json.dumps([text], ensure_ascii=False)
    assert json.loads(escaped(raw)) == [text]


@pytest.mark.parametrize("text", [*ORDINARY[:-1], "20,00\u00a0€ – 🎉"])
def test_what_is_printable_is_shown_as_it_is(text: str) -> None:
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"a": "x\n"}, "$.a"),
        ({"a": [{"b": "\x1b"}]}, "$.a[0].b"),
        ({"a\n": 1}, "$"),
        ({"about": "x\u202e"}, "$.about"),
        ({"about": {"a": "x\n"}}, "$.about.a"),
    ],
)
def test_a_document_is_checked_in_every_place(document: object, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_document(document)
    assert refused.value.place == place


def test_a_remark_in_a_file_may_have_lines() -> None:
    check_document({"about": "one\n\ttwo", "plans": [{"id": "a", "numbers": [1, None, True]}]})
