"""Mutate documents: change their structure and bytes at random.

The same random numbers and document always give the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any

Change = Callable[[Random, Any], None]
"""Changes a document in place."""

ODD_STRINGS = [
    *[
        "",
        " ",
        "\x00",
        "\n",
        "\x1b[2J",
        "ÄÖ\u202e",
        "\U0001f4b8",
        "\ud800",
        "null",
        "$",
        "/",
        "\\",
        "a" * 300,
    ],
    *["0", "-0", "-1", "1e3", "1.", ".5", "+1.00", "1,00", "1.00\n", "٣.٠٠", "0.001", "NaN", "Infinity"],
    *["9" * 14, "9" * 16, "9" * 400, "EUR", "eur", "XXX", "JPY", "KWD"],
    *["Europe/Paris", "Mars/Olympus", "UTC", "Pacific/Apia", "America/Sao_Paulo"],
    *["2026-02-30", "2026-13-01", "0001-01-01", "0002-01-02", "0000-00-00", "9989-12-31", "9999-12-31"],
    *["2026-2-3", "20260203", "2026-W01-1", "٢٠٢٦-01-01", "2026-01-01 00:00", "2026-01-01t00:00"],
    *["2026-03-29T02:30", "2026-10-25T02:30", "2026-01-01T24:00", "2026-01-01T00:00:60"],
    *["2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+99:99", "2026-01-01T00:00:00-00:00"],
    *["1890-01-01T00:00:00+00:09:21", "2026-01-01T00:00:00.5"],
    *["../catalog.json", "standard", "free", "custom_domain", "transactional", "marketing", "websites"],
    *["expect", "reprice", "open_account", "payment_method", "undo", "accepted", "unchanged", "past_due"],
    *["payment_in_progress", "unknown_account", "full_difference", "by_days", "19.50", "00.00"],
]
NUMBERS = [
    *[0, 1, -1, 2, 3, 27, 31, 10**6, 10**6 + 1, 2**31, 2**63, 2**64, 10**12 + 1, 10**30, -(10**30)],
    *[0.0, 1.0, 1.5, -0.0, 1e3, 1e308],
]
RAW = [
    "NaN",
    "-Infinity",
    "1e999",
    "1" * 5000,
    "0x10",
    "01",
    "+1",
    "1.",
    ".1",
    "'x'",
    "tru",
    "[",
    "{",
    "undefined",
]


def spoilt(random: Random, document: Any, changes: Sequence[Change]) -> bytes:
    """The document as JSON after one to three of the changes, at times with damaged text or bytes too."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        random.choice(changes)(random, document)
    text = json.dumps(document, ensure_ascii=random.random() < 0.5)
    if random.random() < 0.1:
        text = _raw(random, text)
    data = text.encode("utf-8", "surrogatepass")
    return _bytes(random, data) if random.random() < 0.2 else data


def changes(names: Sequence[str]) -> list[Change]:
    """The changes that fit any document; `names` are the field names of its format."""
    return [
        *[_another_type, _another_value, _another_value, _a_string_bent, _a_string_bent, _without_a_field],
        *[_one_field_more(names), _two_swapped, _from_elsewhere, _deeply_nested],
    ]


def field_names(documents: Iterable[Any]) -> list[str]:
    """The field names of all objects in the documents."""
    objects = [
        inside for document in documents for inside in _containers(document) if isinstance(inside, dict)
    ]
    return sorted({name for inside in objects for name in inside})


def _containers(value: Any) -> Iterator[Any]:
    """Every non-empty object and list in the value."""
    if isinstance(value, dict | list) and value:
        yield value
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _containers(entry)


def _somewhere(random: Random, document: Any) -> tuple[Any, Any]:
    """A random container and a key or index of it; often the document itself. None and None: it has no
    container any more."""
    containers = list(_containers(document))
    if not containers:
        return None, None
    inside = document if random.random() < 0.1 else random.choice(containers)
    keys = list(inside) if isinstance(inside, dict) else range(len(inside))
    return inside, random.choice(keys) if keys else None


def _odd_value(random: Random) -> Any:
    return random.choice(
        [None, True, False, [], {}, [[]], {"": None}, random.choice(NUMBERS), random.choice(ODD_STRINGS)]
    )


def _another_type(random: Random, document: Any) -> None:
    inside, key = _somewhere(random, document)
    if key is not None:
        inside[key] = _odd_value(random)


def _another_value(random: Random, document: Any) -> None:
    """Put in another value of the same type, so that more of the document stays valid."""
    inside, key = _somewhere(random, document)
    if key is None:
        return
    before = inside[key]
    if isinstance(before, str):
        inside[key] = random.choice(ODD_STRINGS)
    elif isinstance(before, bool):
        inside[key] = not before
    elif isinstance(before, int):
        inside[key] = random.choice(NUMBERS)


def _a_string_bent(random: Random, document: Any) -> None:
    inside, key = _somewhere(random, document)
    if key is None or not isinstance(inside[key], str) or not inside[key]:
        return
    text, at = inside[key], random.randrange(len(inside[key]))
    mark = random.choice("0123456789-:.TZ+ \n\x00aR")
    inside[key] = random.choice(
        [text[:at] + mark + text[at + 1 :], text[:at] + mark + text[at:], text + mark]
    )


def _without_a_field(random: Random, document: Any) -> None:
    inside, key = _somewhere(random, document)
    if key is not None:
        del inside[key]


def _one_field_more(names: Sequence[str]) -> Change:
    """Add a field, with one of the names or an odd one, to an object, or an entry to a list."""

    def change(random: Random, document: Any) -> None:
        inside, key = _somewhere(random, document)
        if isinstance(inside, dict):
            inside[random.choice([*names, "", "x", "Name", "at\n"])] = _odd_value(random)
        elif key is not None:
            inside.insert(key, deepcopy(random.choice([inside[key], _odd_value(random)])))

    return change


def _two_swapped(random: Random, document: Any) -> None:
    """Swap two entries of a list: steps out of order, another catalogue order."""
    lists = [inside for inside in _containers(document) if isinstance(inside, list) and len(inside) > 1]
    if lists:
        inside = random.choice(lists)
        i, k = random.sample(range(len(inside)), 2)
        inside[i], inside[k] = inside[k], inside[i]


def _from_elsewhere(random: Random, document: Any) -> None:
    """Copy a value of the document to another place in it."""
    inside, key = _somewhere(random, document)
    other, of = _somewhere(random, document)
    if key is not None and of is not None:
        inside[key] = deepcopy(other[of])


def _deeply_nested(random: Random, document: Any) -> None:
    inside, key = _somewhere(random, document)
    if key is not None:
        for _ in range(random.choice([5, 60, 200])):
            inside[key] = [inside[key]] if random.random() < 0.5 else {"a": inside[key]}


def _raw(random: Random, text: str) -> str:
    """Make text that no JSON library writes: odd numbers, a repeated field, a comment, more after the end."""
    value = re.compile(r'": ("[^"]*"|[0-9]+|true|false|null)')
    found = list(value.finditer(text))
    if not found:
        return text
    match = random.choice(found)
    quoted = text.rfind('"', 0, match.start())
    field, rest = text[quoted : match.end()], text[match.end() :]
    otherwise = field.replace(match[1], random.choice(['"x"', "1", "null"]))
    return random.choice(
        [
            text[: match.start(1)] + random.choice(RAW) + rest,
            f"{text[: match.end()]}, {field}{rest}",
            f"{text[: match.end()]}, {otherwise}{rest}",
            text[: match.end()] + " /* */" + rest,
            text + random.choice([text, "]", "}", "\x00", "//", " \n\t"]),
            "[" * random.choice([10, 2000, 100_000]) + text,
        ]
    )


def _bytes(random: Random, data: bytes) -> bytes:
    """Change, drop or double bytes, or use another encoding."""
    at = random.randrange(len(data) + 1)
    until = min(len(data), at + random.choice([1, 2, 10, 1000]))
    return random.choice(
        [
            data[:at] + bytes([random.randrange(256)]) + data[at + 1 :],
            data[:at] + data[until:],
            data[:at],
            data[:until] + data[at:],
            data[:at] + b"\x00" + data[at:],
            b"\xef\xbb\xbf" + data,
            data.decode("utf-8", "replace").encode("utf-16"),
            random.choice([b"", b" ", b"null", b"[]", b"{}", b'""', b"0", b"\xff\xfe", b"{" * 100_000]),
        ]
    )
