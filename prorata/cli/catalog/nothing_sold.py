"""Explain, wherever products are bought, that nothing is sold because no catalogue is in force."""

from __future__ import annotations

import sys
from typing import Final

from domain.calendar import Instant
from domain.catalog import EMPTY, Catalogues
from domain.errors import InvalidInput

CODE: Final = "no_catalogue"


def nothing_sold(series: Catalogues, at: Instant) -> InvalidInput | None:
    """Why nothing is sold at the instant, and what to do; None if something is sold."""
    if series.at(at) is not EMPTY:
        return None
    begins = [v.effective_from for v in series.versions if v.effective_from is not None]
    if not begins:
        message = (
            "nothing is sold, since no catalogue for the wall clock is loaded: "
            "load one with `prorata catalog load FILE`"
        )
    else:
        message = (
            f"nothing is sold before {begins[0].isoformat(timespec='seconds')}, from when a catalogue is in "
            "force: load one that is so at once with `prorata catalog load FILE`"
        )
    return InvalidInput(CODE, "", message)


def note_nothing_sold(series: Catalogues, at: Instant) -> None:
    """Print on stderr why nothing is sold; nothing if something is."""
    if (nothing := nothing_sold(series, at)) is not None:
        print(f"prorata: {nothing.code}: {nothing}", file=sys.stderr)
