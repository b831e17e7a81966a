"""Everything that stops a projection.

    ProjectionError
    ├── UnknownProjection   no projection has that name
    ├── CheckpointForeign   the log does not hold the event up to which the rows were made
    ├── FoldOutdated        the rows were made by a newer fold than this code has
    ├── AccountParked       the rows of this account stopped at an event that could not be folded
    ├── RebuildRunning      another rebuild of the same projection has not ended
    ├── HeldBack            an open transaction in the log outlasted a rebuild's patience

What one event does wrong parks its account and stops nothing else (`projections.live.parking`).
"""
# ruff: noqa: N818  (they are named for what happened)

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class ProjectionError(Exception):
    """A projection cannot go on."""

    code: ClassVar[str] = "projection_error"


class UnknownProjection(ProjectionError):
    """The name is of no projection."""

    code = "unknown_projection"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no projection is called {name!r}; there are {', '.join(known)}")


class CheckpointForeign(ProjectionError):
    """The rows are of another history: another log, or a later state of one restored from a backup."""

    code = "checkpoint_foreign"

    def __init__(self, projection: str, position: int) -> None:
        super().__init__(
            f"the rows of {projection!r} were made up to position {position}, where this log has another "
            f"event or none: they are of another history; check the database, then `rebuild {projection}`"
        )
        self.projection = projection
        self.position = position


class FoldOutdated(ProjectionError):
    """An older release was started beside, or after, a newer one."""

    code = "fold_outdated"

    def __init__(self, projection: str, known: int, found: int) -> None:
        super().__init__(
            f"the rows of {projection!r} are of fold version {found}, this code has version {known}: "
            f"deploy the newer code, or `rebuild {projection}` with this one"
        )


class AccountParked(ProjectionError):
    """Waiting is in vain: the projection will not reach the event until the account is released."""

    code = "account_parked"

    def __init__(self, projection: str, account_id: str, version: int) -> None:
        super().__init__(
            f"{projection!r} parked account {account_id!r} at version {version}: see the reason there, "
            "then release the account"
        )


class RebuildRunning(ProjectionError):
    """Two rebuilds of one projection would drop each other's tables."""

    code = "rebuild_running"

    def __init__(self, projection: str) -> None:
        super().__init__(f"another rebuild of {projection!r} is running: wait for it, or end it")


class HeldBack(ProjectionError):
    """The rebuilt tables could not be brought to the position of the live ones."""

    code = "held_back"

    def __init__(self, projection: str, holder: object) -> None:
        super().__init__(
            f"the rebuild of {projection!r} cannot catch up: settled reads are held back by {holder}; "
            "end that transaction, then rebuild again, which goes on here"
        )
