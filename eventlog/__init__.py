"""The log of events: append-only, hash-chained per account, ordered, and read without gaps.

    log = PostgresEventLog(database_url)              # from eventlog.postgres.log; MemoryEventLog is its twin
    stored = log.append("acme/a-1", log.head("acme/a-1"), [new_event])
    page = log.read_settled(after=0, limit=1000)

The port, its records and errors are here; the implementations, the codec and the migrations in their modules.
"""

from eventlog.chain import Problem, event_hash, hash_of, verify_account
from eventlog.errors import (
    EventRefused,
    EventUnreadable,
    LogError,
    LogNotEmpty,
    LogReplaced,
    LogUnavailable,
    MigrationChanged,
    MigrationError,
    MigrationMisnamed,
    NotMigrated,
    NotPrimary,
    NotSettled,
    NotUtf8,
    PrivilegeMissing,
    ReadOnly,
    RowUnreadable,
    SealRefused,
    SequenceBehind,
    ServerTooOld,
    SessionPooled,
    UnsafeDurability,
    VersionConflict,
    WrongDatabase,
)
from eventlog.port import EventLog, Outcome
from eventlog.records import (
    MAX_ACCOUNT_ID_BYTES,
    NO_HASH,
    Append,
    FenceHolder,
    Head,
    NewEvent,
    StoredEvent,
)
from eventlog.shards import SHARDS, shard_of

__all__ = [
    "MAX_ACCOUNT_ID_BYTES",
    "NO_HASH",
    "SHARDS",
    "Append",
    "EventLog",
    "EventRefused",
    "EventUnreadable",
    "FenceHolder",
    "Head",
    "LogError",
    "LogNotEmpty",
    "LogReplaced",
    "LogUnavailable",
    "MigrationChanged",
    "MigrationError",
    "MigrationMisnamed",
    "NewEvent",
    "NotMigrated",
    "NotPrimary",
    "NotSettled",
    "NotUtf8",
    "Outcome",
    "PrivilegeMissing",
    "Problem",
    "ReadOnly",
    "RowUnreadable",
    "SealRefused",
    "SequenceBehind",
    "ServerTooOld",
    "SessionPooled",
    "StoredEvent",
    "UnsafeDurability",
    "VersionConflict",
    "WrongDatabase",
    "event_hash",
    "hash_of",
    "shard_of",
    "verify_account",
]
