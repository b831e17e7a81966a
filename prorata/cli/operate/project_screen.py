"""How `prorata lag` and `prorata parked` look: within 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING

from domain.texts import escaped
from prorata.cli.terminal.tables import console, hanging, table

if TYPE_CHECKING:
    from projections.live.lag import LaneLag, ProjectionLag
    from projections.live.parking import Parked


def print_lags(found: Sequence[ProjectionLag]) -> None:
    """Print a row for each read model, and one for each run of lanes that are alike in worker and lag."""
    out = console()
    shown = table("read model", "lanes", ">position", ">behind", ">since", ">parked", "worker")
    for one in found:
        parked = str(one.parked) if one.parked else ""
        shown.add_row(one.projection, "all", str(one.position), *_behind(one.events, one.seconds), parked, "")
        for lanes in _alike(one.lanes):
            events, seconds = sum(lane.events for lane in lanes), max(lane.seconds for lane in lanes)
            at = str(min(lane.position for lane in lanes))
            shown.add_row("", _span(lanes), at, *_behind(events, seconds), "", lanes[0].worker or "nobody")
        shown.add_section()
    out.print(shown if found else "no read model is made yet: `prorata migrate`, then `prorata project`")


def print_parked(found: Sequence[Parked]) -> None:
    """Print a paragraph for each account that a read model has stopped at."""
    out = console()
    for entry in found:
        out.print(f"{entry.account_id} in {entry.projection}", style="bold", soft_wrap=True)
        since = f"{entry.parked_at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
        hanging(out, " ", f"since {since}, at its event {entry.version} (position {entry.position})")
        hanging(out, " ", entry.error, "red")
        hanging(out, " ", f"once the cause is gone: prorata release {escaped(entry.account_id)}")
    if not found:
        out.print("no account is parked")


def _alike(lanes: Sequence[LaneLag]) -> Iterator[list[LaneLag]]:
    for _, run in groupby(lanes, key=lambda lane: (lane.worker, lane.events > 0)):
        yield list(run)


def _span(lanes: Sequence[LaneLag]) -> str:
    first, last = lanes[0].lane, lanes[-1].lane
    return str(first) if first == last else f"{first} – {last}"


def _behind(events: int, seconds: float) -> tuple[str, str]:
    return (f"{events} event{'s' if events != 1 else ''}", f"{seconds:.1f} s") if events else ("nothing", "")
