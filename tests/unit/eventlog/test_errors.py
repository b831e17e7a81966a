"""The log's errors, as callers and operators meet them."""

import inspect
import pickle
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

import eventlog
from eventlog import errors
from eventlog.records import FenceHolder

ONE, OTHER = UUID(int=1), UUID(int=2)

EXAMPLES = [
    (errors.VersionConflict("acme/a", 3, 5), "is at version 5, the append was made for version 3"),
    (errors.VersionConflict("acme/a", 3, 3), "is with another history"),
    (errors.EventRefused("acme/a", "too long"), "refused an append to account 'acme/a': too long"),
    (
        errors.EventUnreadable("acme/a", 2, 7, "opened", 1, "cut off"),
        "account 'acme/a', version 2, position 7",
    ),
    (
        errors.EventUnreadable(None, None, None, "opened", 1, "cut off"),
        "'opened' in schema version 1: cut off",
    ),
    (
        errors.RowUnreadable("timestamp too large"),
        "altered: timestamp too large; find it with `prorata verify`",
    ),
    (errors.LogUnavailable("connection refused"), "connection refused; try the same again"),
    (errors.NotSettled("backend 7"), "held back by backend 7; end that transaction"),
    (errors.LogNotEmpty("the log has events already"), "has events already; nothing was changed"),
    (errors.SealRefused("the seal was changed"), "the seal was changed"),
    (errors.UnsafeDurability(), "set it to on"),
    (errors.NotPrimary(), "connect to the primary"),
    (errors.ReadOnly(), "set default_transaction_read_only to off"),
    (
        errors.ServerTooOld("16.4", "17"),
        "is PostgreSQL 16.4, and this code needs 17 or later",
    ),
    (errors.NotUtf8("LATIN1"), "encoding is LATIN1"),
    (
        errors.SessionPooled("it has another mark"),
        "mark; give PRORATA_DATABASE_URL the address",
    ),
    (errors.SequenceBehind(7, 12), "stands at 7 and the log has an event at 12"),
    (errors.LogReplaced(ONE, OTHER), f"now holds log {OTHER}, not {ONE}"),
    (errors.NotMigrated(("eventlog/0001_events",)), "lacks eventlog/0001_events; run `prorata migrate`"),
    (
        errors.PrivilegeMissing("analyst", "permission denied for table events"),
        "role 'analyst' lacks a right: permission denied for table events; run this as a member of",
    ),
    (errors.MigrationChanged("eventlog/0001_events"), "restore the file"),
    (errors.MigrationMisnamed("eventlog/x", "has no number"), "eventlog/x has no number"),
]


def _leaves() -> list[type[errors.LogError]]:
    classes = [
        found
        for _, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, errors.LogError)
    ]
    return [found for found in classes if not found.__subclasses__()]


@pytest.mark.parametrize(("error", "message"), EXAMPLES)
def test_a_message_says_what_where_and_what_to_do(error: errors.LogError, message: str) -> None:
    assert message in str(error)


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES])
def test_an_error_crosses_processes_whole(error: errors.LogError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_every_error_has_a_code_of_its_own_and_stands_in_the_tree() -> None:
    leaves = _leaves()
    assert {type(error) for error, _ in EXAMPLES} == set(leaves)
    assert len({leaf.code for leaf in leaves}) == len(leaves)
    for leaf in leaves:
        assert leaf.__name__ in (errors.__doc__ or "")


def test_the_package_exports_its_errors_and_nothing_private() -> None:
    exported = set(eventlog.__all__)
    assert {name for name, _ in inspect.getmembers(errors, inspect.isclass)} - {"Failure", "UUID"} <= exported
    assert exported == {
        name
        for name, found in vars(eventlog).items()
        if not name.startswith("_") and not inspect.ismodule(found)
    }


def test_how_long_the_fence_is_held_is_a_number_of_seconds() -> None:
    began = datetime(2026, 4, 5, tzinfo=UTC)
    holder = FenceHolder("3/7", 4242, "ops", "psql", "active", began)
    assert holder.held_for(began + timedelta(minutes=1, milliseconds=500)) == 60.5
    assert holder.held_for(began - timedelta(seconds=1)) == 0.0, "clocks differ"
    assert FenceHolder("3/7", 4242, None, None, None, None).held_for(began) == 0.0


def test_a_holder_of_the_fence_is_told_by_its_backend_role_and_time() -> None:
    holder = FenceHolder("3/7", 4242, "ops", "psql", "idle in transaction", datetime(2026, 4, 5, tzinfo=UTC))
    assert str(holder) == (
        "backend 4242 (role ops, application 'psql', idle in transaction) since 2026-04-05T00:00:00+00:00"
    )
