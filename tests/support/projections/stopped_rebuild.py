"""Stop a rebuild after a given number of units."""

from typing import Any

import pytest

from projections.models import invoices
from projections.rebuild.rebuilding import RebuildProgress, rebuild
from tests.support.projections.fold_driver import Billing


class Stopped(Exception):  # noqa: N818
    """The rebuild was stopped on purpose."""


class Watcher:
    """Keeps a rebuild's progress, and stops it once the given number of units is done."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.seen: list[RebuildProgress] = []
        self._stop_at = stop_at

    def __call__(self, progress: RebuildProgress) -> None:
        self.seen.append(progress)
        if self._stop_at is not None and progress.units >= self._stop_at:
            raise Stopped


def stopped_at(
    units_done: int, owner_url: str, billing: Billing, projection: Any = invoices.PROJECTION
) -> int:
    """Stop a rebuild after that number of units; return how many it has in all."""
    watcher = Watcher(units_done)
    with pytest.raises(Stopped):
        list(rebuild(owner_url, billing.log, projection, watch=watcher))
    return watcher.seen[-1].of_units
