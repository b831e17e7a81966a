"""Text from a file, shown on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """One line that moves no cursor: whatever cannot be printed is shown as its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
