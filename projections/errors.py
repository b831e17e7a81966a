"""Everything that stops a projection.

    ProjectionError
    ├── UnknownProjection   no projection has that name
    ├── CheckpointForeign   the log does not hold the event up to which the rows were made
    ├── FoldOutdated        the rows were made by a newer fold than this code has
    ├── AccountParked       the rows of this account stopped at an event that could not be folded
    ├── RebuildRunning      another rebuild of the same projection has not ended
    ├── HeldBack            an open transaction in the log outlasted a rebuild's patience

An event that cannot be read, folded or written parks its account and stops nothing else
(`projections.live.parking`).
"""
# ruff: noqa: N818  (they are named for what happened)

from __future__ import annotations

from collections.abc import Iterable

from domain.errors import BAD_INPUT, HALTED, TRY_AGAIN, Failure


class ProjectionError(Failure):
    """A projection cannot go on."""

    code = "projection_error"
    exit_code = HALTED


class UnknownProjection(ProjectionError):
    """No projection has this name."""

    code = "unknown_projection"
    exit_code = BAD_INPUT

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(name, tuple(known))
        self.name = name
        self.remedy = f"there are {', '.join(known)}"

    @property
    def what(self) -> str:
        return f"no projection is called {self.name!r}"


class CheckpointForeign(ProjectionError):
    """The rows come from another history: another log, or one that was later restored from an older
    backup."""

    code = "checkpoint_foreign"

    def __init__(self, projection: str, position: int) -> None:
        super().__init__(projection, position)
        self.projection = projection
        self.position = position
        self.remedy = f"check PRORATA_DATABASE_URL, then `prorata rebuild {projection}`"

    @property
    def what(self) -> str:
        return (
            f"the rows of {self.projection!r} were made up to position {self.position}, where this log has "
            "another event or none: they are of another history"
        )


class FoldOutdated(ProjectionError):
    """A newer release has written the rows: this older one was started beside it, or after it."""

    code = "fold_outdated"

    def __init__(self, projection: str, known: int, found: int) -> None:
        super().__init__(projection, known, found)
        self.projection, self.known, self.found = projection, known, found
        self.remedy = f"deploy the newer code, or `prorata rebuild {projection}` with this one"

    @property
    def what(self) -> str:
        return (
            f"the rows of {self.projection!r} are of fold version {self.found}, "
            f"this code has version {self.known}"
        )


class AccountParked(ProjectionError):
    """The projection will not reach the event that is waited for until the account is released."""

    code = "account_parked"

    def __init__(self, projection: str, account_id: str, version: int) -> None:
        super().__init__(projection, account_id, version)
        self.projection, self.account_id, self.version = projection, account_id, version
        self.remedy = f"see the reason in `prorata parked`, then `prorata release {account_id}`"

    @property
    def what(self) -> str:
        return f"{self.projection!r} parked account {self.account_id!r} at version {self.version}"


class RebuildRunning(ProjectionError):
    """Another rebuild of the projection runs; two would drop each other's tables."""

    code = "rebuild_running"
    exit_code = TRY_AGAIN
    remedy = "wait for it, or end it"

    def __init__(self, projection: str) -> None:
        super().__init__(projection)
        self.projection = projection

    @property
    def what(self) -> str:
        return f"another rebuild of {self.projection!r} is running"


class HeldBack(ProjectionError):
    """The rebuilt tables could not be brought to the position of the live ones."""

    code = "held_back"
    exit_code = TRY_AGAIN
    remedy = "end that transaction, then rebuild again, which goes on here"

    def __init__(self, projection: str, holder: object) -> None:
        super().__init__(projection, str(holder))
        self.projection, self.holder = projection, str(holder)

    @property
    def what(self) -> str:
        return (
            f"the rebuild of {self.projection!r} cannot catch up: settled reads are held back by "
            f"{self.holder}"
        )
