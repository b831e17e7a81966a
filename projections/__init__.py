"""Read models: what the log says, as rows in PostgreSQL that anyone can query.

    migrate(database_url, [EVENTLOG, MIGRATIONS])
    with Projector(database_url, log) as projector:
        projector.run_once()
    entitlements.of_account(connection, "acme/a-1")      # invoices, access_windows, calendar likewise

Each read model has a module with its document, its fold and its queries; `rebuild` makes its tables anew,
`projections.as_of` answers for the past. docs/projections.md says what all of them guarantee.
"""

from projections.checkpoints import Checkpoint
from projections.engine import Counts, Projector
from projections.errors import (
    AccountParked,
    CheckpointForeign,
    FoldOutdated,
    HeldBack,
    ProjectionError,
    RebuildRunning,
    UnknownProjection,
)
from projections.parking import Failure, Parked, parked
from projections.rebuild import drop_old, rebuild
from projections.registry import FOLDS, MIGRATIONS, PROJECTIONS, projection_named
from projections.waiting import wait_for

__all__ = [
    "FOLDS",
    "MIGRATIONS",
    "PROJECTIONS",
    "AccountParked",
    "Checkpoint",
    "CheckpointForeign",
    "Counts",
    "Failure",
    "FoldOutdated",
    "HeldBack",
    "Parked",
    "ProjectionError",
    "Projector",
    "RebuildRunning",
    "UnknownProjection",
    "drop_old",
    "parked",
    "projection_named",
    "rebuild",
    "wait_for",
]
