"""`prorata rebuild`: makes a read model anew from the log alone, while everything else runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter, validators

from domain.errors import InvalidInput
from prorata.settings import Settings

if TYPE_CHECKING:
    from projections.rebuild.rebuilding import RebuildProgress

EVERY: Final = 5.0
"""Seconds between two lines of progress if stderr is no terminal."""


def rebuild(
    projection: Annotated[
        str, Parameter(help="entitlements, access_windows, invoices, calendar, or one of projections/added/.")
    ],
    *,
    swap: Annotated[
        bool, Parameter(negative="--no-swap", help="Put the rebuilt tables in the live ones' place.")
    ] = True,
    workers: Annotated[int, Parameter(help="Processes that fold.", validator=validators.Number(gte=1))] = 1,
    restart: Annotated[
        bool, Parameter(negative="", help="Begin anew where an interrupted rebuild could be gone on from.")
    ] = False,
    discard: Annotated[
        bool,
        Parameter(negative="", help="Only drop the tables that rebuilds have replaced or left unfinished."),
    ] = False,
) -> int:
    """Fold a read model anew from the log alone, compare it with the live one, and swap.

    Every difference is printed, with its account and rule. Interrupted, it changes nothing; started again it
    goes on from there. Exit 0: there was none; 1: there were.
    """
    from projections.rebuild.rebuilding import drop_old
    from projections.rebuild.rebuilding import rebuild as rebuilt
    from projections.registry import projection_named
    from prorata.wiring import opened_log

    if discard and (restart or not swap):
        raise InvalidInput("usage", "--discard", "it rebuilds nothing, so it takes no other option")
    settings, named = Settings.of(), projection_named(projection)
    if discard:
        print("\n".join(drop_old(settings.database_url, named)) or "nothing to drop")
        return 0
    found = 0
    with opened_log(settings) as log, _progress(projection) as watch:
        for difference in rebuilt(
            settings.database_url, log, named, swap=swap, processes=workers, restart=restart, watch=watch
        ):
            print(difference)
            found += 1
    print(
        f"{found} differences; " + ("the rebuilt tables are live" if swap else "nothing was swapped"),
        file=sys.stderr,
    )
    return 1 if found else 0


@contextmanager
def _progress(projection: str) -> Iterator[Callable[[RebuildProgress], None]]:
    """Show progress on stderr: a bar in a terminal, else a line every few seconds."""
    said = ProgressLines(projection)
    if not sys.stderr.isatty():
        yield said.print_if_due
        return
    from rich.status import Status

    from prorata.cli.terminal.tables import console

    with Status(f"{projection} …", console=console(stderr=True)) as status:
        yield lambda progress: status.update(said.line(progress))


class ProgressLines:
    """Prints lines on the progress of a rebuild that begins now."""

    def __init__(self, projection: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._projection = projection
        self._clock = clock
        self._began = clock()
        self._last_phase = ""
        self._next_at = 0.0

    def print_if_due(self, progress: RebuildProgress) -> None:
        """Print a line for each new phase, every few seconds, and when all is folded."""
        now, folded = self._clock(), progress.phase == "fold" and progress.units == progress.of_units
        if folded or progress.phase != self._last_phase or now >= self._next_at:
            print(self.line(progress), file=sys.stderr, flush=True)
            self._last_phase, self._next_at = progress.phase, now + EVERY

    def line(self, progress: RebuildProgress) -> str:
        """A line such as "calendar: folded 1,480,000 of at most 10,000,000 events, 104,000/s, about 82 s
        left"."""
        if progress.phase != "fold":
            return f"{self._projection}: {progress.phase} …"
        line = f"{self._projection}: folded {progress.events:,} of at most {progress.of_events:,} events"
        if progress.resumed_events and progress.events == progress.resumed_events:
            units = f"{progress.units} of {progress.of_units} units"
            line += f"; going on after {units} that an interrupted run has done"
        now_done, seconds = progress.events - progress.resumed_events, self._clock() - self._began
        if now_done and seconds > 0:
            left = (progress.of_events - progress.events) * seconds / now_done
            line += f", {now_done / seconds:,.0f}/s, about {left:,.0f} s left"
        return line
