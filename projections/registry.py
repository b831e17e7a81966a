"""All read models, and the migrations that make their tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from eventlog.migrate import MigrationSource
from projections import access_windows, calendar, entitlements, invoices
from projections.errors import UnknownProjection
from projections.fold import Fold
from projections.tables import Projection

MIGRATIONS: Final = MigrationSource("projections", Path(__file__).parent / "migrations")
"""For `eventlog.migrate.migrate`, after the log's own."""

PROJECTIONS: Final[tuple[Projection, ...]] = (
    entitlements.PROJECTION,
    access_windows.PROJECTION,
    invoices.PROJECTION,
    calendar.PROJECTION,
)

FOLDS: Final[dict[str, Fold[Any, Any]]] = {projection.name: projection.fold for projection in PROJECTIONS}
"""By name: what `publishing` makes its state topics of."""


def projection_named(name: str) -> Projection:
    """The read model of that name. Raises UnknownProjection."""
    for projection in PROJECTIONS:
        if projection.name == name:
            return projection
    raise UnknownProjection(name, FOLDS)
