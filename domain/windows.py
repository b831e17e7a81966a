"""Access windows (R45): the spans of use of each product, as events open, extend and close them."""

from __future__ import annotations

from domain.calendar import Instant
from domain.state import AccountFields, Window

Windows = dict[str, tuple[Window, ...]]
"""By product, in order."""


def open_window(windows: Windows, product: str, start: Instant, until: Instant | None) -> None:
    """The product can be used in `[start, until)` too, which begins no earlier than its other spans; None:
    without end as things stand. Spans that touch are one, an empty one is not kept."""
    spans = windows.get(product, ())
    if spans:
        last = spans[-1]
        ended = last.until
        if ended is None or (until is not None and until <= ended):
            return
        if ended >= start:
            longer = Window(last.start, until)
            windows[product] = (longer,) if len(spans) == 1 else (*spans[:-1], longer)
            return
    kept = until is None or until > start
    windows[product] = (*spans, Window(start, until)) if kept else spans


def renew_window(windows: Windows, product: str, start: Instant, until: Instant) -> None:
    """The same for a cycle that is renewed, which is not empty: mostly the last span ends where it begins, so
    that one comparison is enough."""
    spans = windows.get(product, ())
    if spans and spans[-1].until == start:
        longer = Window(spans[-1].start, until)
        windows[product] = (longer,) if len(spans) == 1 else (*spans[:-1], longer)
    else:
        open_window(windows, product, start, until)


def close_window(windows: Windows, product: str, at: Instant) -> None:
    """Access ends at the instant, if it has not ended before."""
    spans = windows.get(product, ())
    if not spans or (spans[-1].until is not None and spans[-1].until <= at):
        return
    last = spans[-1]
    windows[product] = spans[:-1] if last.start >= at else (*spans[:-1], Window(last.start, at))


def packs_until(account: AccountFields, product: str) -> Instant:
    """Until when packs of the product can be used, or could be: those that are held, and the last one that is
    gone, which a suspended one may outlive (R44)."""
    ends = [pack.unpaid_since or pack.expires_at for pack in account.packs if pack.product == product]
    ends += [span.until for span in account.windows.get(product, ())[-1:] if span.until is not None]
    return max(ends)
