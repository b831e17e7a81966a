"""Everything that can go wrong at the log.

    LogError
    ├── VersionConflict        another append was first: read the account again, decide again
    ├── EventRefused           the database refused this very row
    ├── EventUnreadable        stored bytes that this code cannot turn into an event
    ├── RowUnreadable          a row that nobody can have appended
    ├── LogUnavailable         no connection, or none back in time; the same append may be repeated
    ├── NotSettled             open transactions may still commit events below the end of the log
    ├── LogNotEmpty            an export is imported into an empty log that nobody else uses
    ├── SealRefused            a file is no seal, or was changed after it was signed
    ├── WrongDatabase          the database is not one that the log may be kept in, as it stands
    │   ├── UnsafeDurability   it would confirm appends before they are on disk
    │   ├── NotPrimary         it is a standby
    │   ├── ReadOnly           it takes no writes
    │   ├── ServerTooOld       it lacks what the code uses
    │   ├── NotUtf8            it cannot keep every text
    │   ├── SessionPooled      a pooler stands in front of it and shares its sessions out
    │   ├── SequenceBehind     it hands out positions that readers have passed already
    │   ├── LogReplaced        it holds another log than before
    │   ├── PrivilegeMissing   its role may not do what was asked
    │   └── NotMigrated        its schema is older than this code
    └── MigrationError
        ├── MigrationChanged   a file that was applied has other contents now
        └── MigrationMisnamed  a file whose name or number has no place in the order

Each has a stable `code`, an exit code and a remedy (domain.errors.Failure).
"""
# ruff: noqa: N818  (they are named for what happened)

from uuid import UUID

from domain.errors import CHECK_FAILED, HALTED, TRY_AGAIN, Failure


class LogError(Failure):
    """Any failure of the log."""

    code = "log_error"
    exit_code = HALTED


class VersionConflict(LogError):
    """The account was not at the version that the append was made for."""

    code = "version_conflict"
    exit_code = TRY_AGAIN
    remedy = "read the account and decide again"

    def __init__(self, account_id: str, expected: int, actual: int) -> None:
        super().__init__(account_id, expected, actual)
        self.account_id = account_id
        self.expected = expected
        self.actual = actual

    @property
    def what(self) -> str:
        found = "with another history" if self.actual == self.expected else f"at version {self.actual}"
        return f"account {self.account_id!r} is {found}, the append was made for version {self.expected}"


class EventRefused(LogError):
    """The database refused the rows of this append; nothing of it was stored."""

    code = "event_refused"
    remedy = "nothing of the append was stored: correct what the database names"

    def __init__(self, account_id: str, reason: str) -> None:
        super().__init__(account_id, reason)
        self.account_id = account_id
        self.reason = reason

    @property
    def what(self) -> str:
        return f"the database refused an append to account {self.account_id!r}: {self.reason}"


class EventUnreadable(LogError):
    """Stored bytes that no decoder of this code can read. The place is None where only bytes were given."""

    code = "event_unreadable"
    remedy = "deploy code that knows it, or add an upcaster"

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

    @property
    def what(self) -> str:
        where = ""
        if self.account_id is not None:
            where = f" of account {self.account_id!r}, version {self.version}, position {self.position}"
        return (
            f"cannot read event {self.event_type!r} in schema version {self.schema_version}{where}: "
            f"{self.reason}"
        )


class RowUnreadable(LogError):
    """A row holds what no append can have written, such as the instant `infinity`: it was altered."""

    code = "row_unreadable"
    remedy = "find it with `prorata verify`, and put it back as a backup has it"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def what(self) -> str:
        return f"a row of the log was altered: {self.reason}"


class LogUnavailable(LogError):
    """The database could not be reached, or not again in time. Whether an append was stored is unknown.

    The same append, with the same event ids, may be repeated: it is stored once.
    """

    code = "log_unavailable"
    exit_code = TRY_AGAIN
    remedy = "try the same again"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def what(self) -> str:
        return f"the log cannot be reached: {self.reason}"


class NotSettled(LogError):
    """A transaction that is still open holds the end of the log back."""

    code = "not_settled"
    exit_code = TRY_AGAIN
    remedy = "end that transaction, then try again"

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder

    @property
    def what(self) -> str:
        return f"the end of the log is held back by {self.holder}"


class LogNotEmpty(LogError):
    """An exported log cannot be put into this one: it has events, or others are at work on it."""

    code = "log_not_empty"
    exit_code = HALTED
    remedy = (
        "nothing was changed: make a new database, `prorata migrate` it, and import before anything else runs"
    )

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def what(self) -> str:
        return self.reason


class SealRefused(LogError):
    """The file is no seal, or not as it was signed."""

    code = "seal_refused"
    exit_code = CHECK_FAILED
    remedy = "take the seal from where it was kept; do not trust this one"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongDatabase(LogError):
    """The log refuses to work on this database as it stands."""

    code = "wrong_database"
    remedy = "check PRORATA_DATABASE_URL"


class UnsafeDurability(WrongDatabase):
    """synchronous_commit is off: a crash would lose events that were already confirmed."""

    code = "unsafe_durability"
    remedy = "set it to on for this server, database and role"

    @property
    def what(self) -> str:
        return "synchronous_commit is off, so a crash would lose confirmed events"


class NotPrimary(WrongDatabase):
    """The server is a standby: it shows no writers, so nothing can be known to be settled.

    After a failover this passes by itself: the address leads to the new primary, or the standby becomes it.
    """

    code = "not_primary"
    exit_code = TRY_AGAIN
    remedy = "connect to the primary, or wait until the failover has ended"

    @property
    def what(self) -> str:
        return "the server is a standby, and the log is written and read on the primary"


class ReadOnly(WrongDatabase):
    """Transactions are read-only, by a setting of the server, database or role."""

    code = "read_only"
    remedy = "set default_transaction_read_only to off for this server, database and role"

    @property
    def what(self) -> str:
        return "the database takes no writes: its transactions are read-only"


class ServerTooOld(WrongDatabase):
    """PostgreSQL is older than what the code uses: some of it would work, and then something would not."""

    code = "server_too_old"
    remedy = "upgrade the server before anything is written to it"

    def __init__(self, found: str, least: str) -> None:
        super().__init__(found, least)
        self.found = found
        self.least = least

    @property
    def what(self) -> str:
        return f"the server is PostgreSQL {self.found}, and this code needs {self.least} or later"


class NotUtf8(WrongDatabase):
    """The database's encoding cannot hold every name, or checks none."""

    code = "not_utf8"
    remedy = "create the database with encoding 'UTF8' (and template template0)"

    def __init__(self, encoding: str) -> None:
        super().__init__(encoding)
        self.encoding = encoding

    @property
    def what(self) -> str:
        return f"the database's encoding is {self.encoding}, which cannot keep every text as it is"


class SessionPooled(WrongDatabase):
    """What answers did not begin a session for us: settings, locks and statements would be of others too."""

    code = "session_pooled"
    remedy = "give PRORATA_DATABASE_URL the address of the server itself, not of a pooler such as PgBouncer"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def what(self) -> str:
        return f"the connection is no session of its own: {self.reason}"


class SequenceBehind(WrongDatabase):
    """Appends would get positions that readers have passed: nobody would ever be told of their events."""

    code = "sequence_behind"
    remedy = (
        "stop what appends, let the database's owner run `select setval('public.events_position', "
        "(select max(position) from public.events))`, and start it again"
    )

    def __init__(self, handed_out: int, highest: int) -> None:
        super().__init__(handed_out, highest)
        self.handed_out = handed_out
        self.highest = highest

    @property
    def what(self) -> str:
        return (
            f"the sequence of positions stands at {self.handed_out} and the log has an event at "
            f"{self.highest}: what is appended now would never be published"
        )


class LogReplaced(WrongDatabase):
    """After a reconnect the database holds another log."""

    code = "log_replaced"
    remedy = "check its address (PRORATA_DATABASE_URL); if this log is meant, restart"

    def __init__(self, expected: UUID, actual: UUID) -> None:
        super().__init__(expected, actual)
        self.expected = expected
        self.actual = actual

    @property
    def what(self) -> str:
        return f"the database now holds log {self.actual}, not {self.expected}"


class NotMigrated(WrongDatabase):
    """The schema lacks migrations that this code needs."""

    code = "not_migrated"
    remedy = "run `prorata migrate`"

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(missing)
        self.missing = missing

    @property
    def what(self) -> str:
        return f"the database lacks {', '.join(self.missing)}"


class PrivilegeMissing(WrongDatabase):
    """The role of PostgreSQL that this process runs as lacks a right; nothing of the statement was done."""

    code = "privilege_missing"
    remedy = (
        "run this as a member of the role that it is for (docs/operations.md, Roles); if it is one, let the "
        "owner run `prorata migrate`"
    )

    def __init__(self, role: str, reason: str) -> None:
        super().__init__(role, reason)
        self.role = role
        self.reason = reason

    @property
    def what(self) -> str:
        return f"role {self.role!r} lacks a right: {self.reason}"


class MigrationError(LogError):
    """Migrating stopped; what was applied before stays applied."""

    code = "migration_error"
    remedy = "restore the migration files of this release"


class MigrationChanged(MigrationError):
    """A migration was edited after it had been applied."""

    code = "migration_changed"
    remedy = "restore the file, and add a new migration"

    def __init__(self, migration: str) -> None:
        super().__init__(migration)
        self.migration = migration

    @property
    def what(self) -> str:
        return f"{self.migration} was applied with other contents"


class MigrationMisnamed(MigrationError):
    """A migration whose name says no order, or one that was passed already."""

    code = "migration_misnamed"
    remedy = "give it the next free number of its folder"

    def __init__(self, migration: str, reason: str) -> None:
        super().__init__(migration, reason)
        self.migration = migration
        self.reason = reason

    @property
    def what(self) -> str:
        return f"{self.migration} {self.reason}"
