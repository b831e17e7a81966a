"""Access windows (R45): the spans of use of each product, as events open, extend and close them."""

from __future__ import annotations

from domain.calendar import Instant
from domain.state import Window

Windows = dict[str, tuple[Window, ...]]
"""By product, in order."""


def open_window(windows: Windows, product: str, start: Instant, until: Instant | None) -> None:
    """The product can be used in `[start, until)` too, which begins no earlier than its other spans; None:
    without end as things stand. Spans that touch are one, an empty one is not kept."""
    spans = windows.get(product, ())
    if spans:
        last = spans[-1]
        if last.until is None or last.until >= start:
            longer = last.until is not None and (until is None or until > last.until)
            window = Window(last.start, until if longer else last.until)
            windows[product] = (window,) if len(spans) == 1 else (*spans[:-1], window)
            return
    kept = until is None or until > start
    windows[product] = (*spans, Window(start, until)) if kept else spans


def close_window(windows: Windows, product: str, at: Instant) -> None:
    """Access ends at the instant, if it has not ended before."""
    spans = windows.get(product, ())
    if not spans or (spans[-1].until is not None and spans[-1].until <= at):
        return
    last = spans[-1]
    windows[product] = spans[:-1] if last.start >= at else (*spans[:-1], Window(last.start, at))
