"""Everything that can go wrong at the log.

    LogError
    ├── VersionConflict        another append was first: read the account again, decide again
    ├── EventRefused           the database refused this very row
    ├── EventUnreadable        stored bytes that this code cannot turn into an event
    ├── RowUnreadable          a row that nobody can have appended
    ├── LogUnavailable         no connection, or none back in time; the same append may be repeated
    ├── NotSettled             open transactions may still commit events below the end of the log
    ├── SealRefused            a file is no seal, or was changed after it was signed
    ├── WrongDatabase          the database is not one that the log may be kept in, as it stands
    │   ├── UnsafeDurability   it would confirm appends before they are on disk
    │   ├── NotPrimary         it is a standby
    │   ├── LogReplaced        it holds another log than before
    │   └── NotMigrated        its schema is older than this code
    └── MigrationError
        ├── MigrationChanged   a file that was applied has other contents now
        └── MigrationMisnamed  a file whose name or number has no place in the order

Each has a stable `code`. All survive pickling, since rebuilds run in processes of their own.
"""
# ruff: noqa: N818  (they are named for what happened)

from typing import ClassVar
from uuid import UUID


class LogError(Exception):
    """Any failure of the log."""

    code: ClassVar[str] = "log_error"


class VersionConflict(LogError):
    """The account was not at the version that the append was made for."""

    code = "version_conflict"

    def __init__(self, account_id: str, expected: int, actual: int) -> None:
        super().__init__(account_id, expected, actual)
        self.account_id = account_id
        self.expected = expected
        self.actual = actual

    def __str__(self) -> str:
        found = "with another history" if self.actual == self.expected else f"at version {self.actual}"
        return (
            f"account {self.account_id!r} is {found}, the append was made for version {self.expected}: "
            "read the account and decide again"
        )


class EventRefused(LogError):
    """The database refused the rows of this append; nothing of it was stored."""

    code = "event_refused"

    def __init__(self, account_id: str, reason: str) -> None:
        super().__init__(account_id, reason)
        self.account_id = account_id
        self.reason = reason

    def __str__(self) -> str:
        return f"the database refused an append to account {self.account_id!r}: {self.reason}"


class EventUnreadable(LogError):
    """Stored bytes that no decoder of this code can read. The place is None where only bytes were given."""

    code = "event_unreadable"

    def __init__(
        self,
        account_id: str | None,
        version: int | None,
        position: int | None,
        event_type: str,
        schema_version: int,
        reason: str,
    ) -> None:
        super().__init__(account_id, version, position, event_type, schema_version, reason)
        self.account_id = account_id
        self.version = version
        self.position = position
        self.event_type = event_type
        self.schema_version = schema_version
        self.reason = reason

    def __str__(self) -> str:
        where = ""
        if self.account_id is not None:
            where = f" of account {self.account_id!r}, version {self.version}, position {self.position}"
        return (
            f"cannot read event {self.event_type!r} in schema version {self.schema_version}{where}: "
            f"{self.reason}; deploy code that knows it, or add an upcaster"
        )


class RowUnreadable(LogError):
    """A row holds what no append can have written, such as the instant `infinity`: it was altered."""

    code = "row_unreadable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"a row of the log was altered: {self.reason}; `prorata verify` names it; a backup has it"


class LogUnavailable(LogError):
    """The database could not be reached, or not again in time. Whether an append was stored is unknown.

    The same append, with the same event ids, may be repeated: it is stored once.
    """

    code = "log_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the log cannot be reached: {self.reason}; try the same again"


class NotSettled(LogError):
    """A transaction that is still open holds the end of the log back."""

    code = "not_settled"

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder

    def __str__(self) -> str:
        return f"the end of the log is held back by {self.holder}: end that transaction, then try again"


class SealRefused(LogError):
    """The file is no seal, or not as it was signed."""

    code = "seal_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class WrongDatabase(LogError):
    """The log refuses to work on this database as it stands."""

    code = "wrong_database"


class UnsafeDurability(WrongDatabase):
    """synchronous_commit is off: a crash would lose events that were already confirmed."""

    code = "unsafe_durability"

    def __str__(self) -> str:
        return (
            "synchronous_commit is off, so a crash would lose confirmed events: "
            "set it to on for this server, database and role"
        )


class NotPrimary(WrongDatabase):
    """The server is a standby: it shows no writers, so nothing can be known to be settled."""

    code = "not_primary"

    def __str__(self) -> str:
        return "the server is a standby and the log is written and read on the primary: connect there"


class LogReplaced(WrongDatabase):
    """After a reconnect the database holds another log."""

    code = "log_replaced"

    def __init__(self, expected: UUID, actual: UUID) -> None:
        super().__init__(expected, actual)
        self.expected = expected
        self.actual = actual

    def __str__(self) -> str:
        return f"the database now holds log {self.actual}, not {self.expected}: check its address and restart"


class NotMigrated(WrongDatabase):
    """The schema lacks migrations that this code needs."""

    code = "not_migrated"

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(missing)
        self.missing = missing

    def __str__(self) -> str:
        return f"the database lacks {', '.join(self.missing)}: run `prorata migrate`"


class MigrationError(LogError):
    """Migrating stopped; what was applied before stays applied."""

    code = "migration_error"


class MigrationChanged(MigrationError):
    """A migration was edited after it had been applied."""

    code = "migration_changed"

    def __init__(self, migration: str) -> None:
        super().__init__(migration)
        self.migration = migration

    def __str__(self) -> str:
        return f"{self.migration} was applied with other contents: restore the file and add a new migration"


class MigrationMisnamed(MigrationError):
    """A migration whose name says no order, or one that was passed already."""

    code = "migration_misnamed"

    def __init__(self, migration: str, reason: str) -> None:
        super().__init__(migration, reason)
        self.migration = migration
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.migration} {self.reason}"
