"""Nobody changes the log: not the service's role, not a superuser."""

import psycopg
import pytest
from psycopg import errors

from eventlog import SHARDS
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.sample_events import given_history
from tests.support.eventlog.sessions import Session, insert

CHANGES = [
    "update events set state = ''",
    "update events set state = '' where false",
    "delete from events",
    "truncate events",
    """
    insert into events overriding system value select * from events
        on conflict (account_id, version) do update set state = ''
    """,
    "update log set id = gen_random_uuid()",
    "delete from log",
    "truncate log",
]


@pytest.mark.parametrize("replication_role", ["origin", "replica"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_superuser_is_refused_every_change(
    log: PostgresEventLog, session: Session, change: str, replication_role: str
) -> None:
    history = given_history(log, "acme/a", 2)
    session.execute(f"set session_replication_role = {replication_role}")
    with pytest.raises(psycopg.Error, match=r"^append_only: ") as refusal:
        session.execute(change)
    assert refusal.value.sqlstate == "PRA01"
    assert log.read_account("acme/a") == history


@pytest.mark.parametrize(
    "change",
    [
        *CHANGES,
        "insert into log default values",
        "insert into migrations values ('eventlog', '0009_mine', 'x')",
        "delete from migrations",
        "select setval('events_position', 1)",
        "select nextval('events_position')",
        "alter table events disable trigger append_only",
        "drop table events",
        "create table mine (id int)",
    ],
)
def test_the_service_role_has_no_right_to_change_anything(
    log: PostgresEventLog, session: Session, change: str
) -> None:
    given_history(log, "acme/a", 2)
    session.execute("set role prorata_service")
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute(change)


def test_nobody_chooses_a_position(log: PostgresEventLog, session: Session) -> None:
    given_history(log, "acme/a", 1)
    with pytest.raises(errors.GeneratedAlways):
        session.execute("insert into events (position, account_id) values (7, 'acme/b')")


def test_a_log_has_one_id(session: Session) -> None:
    with pytest.raises(errors.UniqueViolation):
        session.execute("insert into log default values")
    with pytest.raises(errors.CheckViolation):
        session.execute("insert into log (one_row) values (false)")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("version", "0"),
        ("shard", str(SHARDS)),
        ("shard", "-1"),
        ("account_id", "''"),
        ("account_id", "repeat('é', 101)"),
        ("schema_version", "0"),
        ("previous_hash", "'\\x00'"),
        ("hash", "decode(repeat('00', 33), 'hex')"),
    ],
)
def test_the_table_takes_no_row_that_cannot_be_an_event(session: Session, column: str, value: str) -> None:
    row = {
        "account_id": "'acme/a'",
        "version": "1",
        "shard": "0",
        "event_id": "gen_random_uuid()",
        "type": "'t'",
        "schema_version": "1",
        "recorded_at": "now()",
        "effective_at": "now()",
        "state": "''",
        "previous_hash": "decode(repeat('00', 32), 'hex')",
        "hash": "decode(repeat('00', 32), 'hex')",
    }
    insert(session, "acme/b")
    row[column] = value
    with pytest.raises(errors.CheckViolation, match=column):
        session.execute(f"insert into events ({', '.join(row)}) values ({', '.join(row.values())})")
