"""Access windows (R45): the spans of use of each product, as events open, extend and close them."""

from __future__ import annotations

from domain.calendar import Instant
from domain.state import Window

Windows = dict[str, tuple[Window, ...]]
"""By product, in order. Never changed in place."""


def opened(windows: Windows, product: str, start: Instant, until: Instant | None) -> Windows:
    """The product can be used in `[start, until)` too; None: without end as things stand."""
    return {**windows, product: joined(windows.get(product, ()), start, until)}


def joined(spans: tuple[Window, ...], start: Instant, until: Instant | None) -> tuple[Window, ...]:
    """Spans with one more that begins no earlier than they: those that touch are one, an empty one is not
    kept."""
    if spans:
        last = spans[-1]
        if last.until is None or last.until >= start:
            longer = last.until is not None and (until is None or until > last.until)
            return (*spans[:-1], Window(last.start, until if longer else last.until))
    return spans if until is not None and until <= start else (*spans, Window(start, until))


def closed(windows: Windows, product: str, at: Instant) -> Windows:
    """Access ends at the instant, if it has not ended before."""
    spans = windows.get(product, ())
    if not spans or (spans[-1].until is not None and spans[-1].until <= at):
        return windows
    last = spans[-1]
    return {**windows, product: spans[:-1] if last.start >= at else (*spans[:-1], Window(last.start, at))}
