"""A rebuild that is watched, and given up after so many units."""

from typing import Any

import pytest

from projections.models import invoices
from projections.rebuild.rebuilding import RebuildProgress, rebuild
from tests.support.projections.fold_driver import Billing


class Stopped(Exception):  # noqa: N818
    """Somebody lost patience."""


class Watcher:
    """Sees a rebuild's progress, and stops it once so many units are done."""

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
    """Stop a rebuild there; return how many units it has in all."""
    watcher = Watcher(units_done)
    with pytest.raises(Stopped):
        list(rebuild(owner_url, billing.log, projection, watch=watcher))
    return watcher.seen[-1].of_units
