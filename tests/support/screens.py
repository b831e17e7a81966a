"""What a terminal of 80 columns shows."""

from collections.abc import Callable
from io import StringIO

from rich.console import Console

WIDTH = 80


def drawn(draw: Callable[[Console], None]) -> str:
    """What is drawn, which fits the width and is free of control sequences."""
    out = StringIO()
    draw(Console(file=out, width=WIDTH, highlight=False, markup=False, emoji=False))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\x1b" not in text
    return text


def flat(text: str) -> str:
    """Without line breaks, to find sentences that wrap."""
    return " ".join(text.split())
