"""Screens as a terminal of 80 columns shows them."""

from collections.abc import Callable
from io import StringIO

from rich.console import Console

WIDTH = 80


def drawn(draw: Callable[[Console], None]) -> str:
    """The text drawn; asserts that it fits the width and has no control sequences."""
    out = StringIO()
    draw(Console(file=out, width=WIDTH, highlight=False, markup=False, emoji=False))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\x1b" not in text
    return text


def flat(text: str) -> str:
    """The text without line breaks, to find sentences that wrap."""
    return " ".join(text.split())
