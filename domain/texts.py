"""Texts from outside: which are taken in, and how one that was stored before is shown.

A control character, a line break or a direction override in an id or a name would forge what a terminal, an
export or a log shows: it is refused where it enters, and shown as its escape where it is there already.

    is_plain("Zoë's café")                          # True
    is_plain("a1" + LINE_BREAK + "account_closed")  # False; `escaped` shows the break as backslash and n
"""

from __future__ import annotations

import re
from typing import Any, Final

from domain.errors import InvalidInput

NO_PLAIN_TEXT: Final = "a text has no control characters, line breaks, direction overrides or half characters"

_HARMFUL: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # controls
    "\u2028\u2029"  # line breaks
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction
    "\ud800-\udfff"  # half characters
    "\ufeff\ufff9-\ufffb"  # byte order mark, interlinear marks
    "]"
)

_SPACES: Final = frozenset("\u00a0\u1680\u202f\u205f\u3000\u200c\u200d") | {
    chr(c) for c in range(0x2000, 0x200B)
}
"""Spaces and joiners: not printable to Python, and harmless."""

_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_PROSE: Final = frozenset(["about"])
"""Fields that are read in their file only, and may have several lines."""


def is_plain(text: str) -> bool:
    """Whether the text can be taken in as an id or a name."""
    return text.isprintable() or _HARMFUL.search(text) is None


def check_plain(text: str, place: str) -> str:
    """The text itself. Raises InvalidInput `invalid_text` with the place."""
    if not is_plain(text):
        raise InvalidInput("invalid_text", place, NO_PLAIN_TEXT)
    return text


def check_document(document: Any, place: str = "$") -> None:
    """Check every text and field name in decoded JSON. Raises InvalidInput `invalid_text` with its place."""
    stack: list[tuple[str, Any]] = [(place, document)]
    while stack:
        at, value = stack.pop()
        if isinstance(value, str):
            check_plain(value, at)
        elif isinstance(value, dict):
            for name, entry in value.items():
                check_plain(name, at)
                if not (name in _PROSE and isinstance(entry, str) and is_plain("".join(entry.split()))):
                    stack.append((f"{at}.{name}", entry))
        elif isinstance(value, list):
            stack += [(f"{at}[{i}]", entry) for i, entry in enumerate(value)]


def escaped(text: str) -> str:
    """The text as one line that moves no cursor and turns no direction: what is not printable is shown as
    its JSON escape, so JSON stays the same JSON."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _SPACES else _escape(c) for c in text)


def _escape(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
