"""The walk over raw rows: it reads what every other reader reads, and names what was changed."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.texts import is_plain
from eventlog import NO_HASH, Head, NewEvent, StoredEvent, event_hash, hash_of, shard_of
from eventlog.audit import raw_rows as raw
from eventlog.audit.verify import VerifyReport, verify_database
from eventlog.audit.walking import MOST_PROBLEMS
from eventlog.chain import HASHED, ProblemKind
from eventlog.errors import LogUnavailable
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.sample_events import NOON, given_history
from tests.support.eventlog.sessions import Session, end_others
from tests.support.eventlog.tampering import put, put_in_place, renumbered, unguarded

TEXT = st.text(st.characters(exclude_categories=["Cc"], codec="utf-8"), max_size=12).filter(is_plain)
INSTANTS = st.datetimes(datetime(2, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
EVENTS = st.builds(
    NewEvent,
    event_id=st.uuids(),
    command_id=st.none() | TEXT,
    type=TEXT,
    schema_version=st.integers(1, 32_767),
    effective_at=INSTANTS,
    actor=st.none() | TEXT,
    state=st.binary(max_size=3_000),
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(EVENTS, min_size=1, max_size=4), TEXT)
def test_the_server_hands_out_the_very_bytes_that_the_hash_covers(
    log: PostgresEventLog, events: list[NewEvent], name: str
) -> None:
    account_id = f"{uuid4()}/{name}"
    stored = log.append(account_id, Head.NONE, events)
    with log.connect(raw.SETTINGS) as connection:
        rows = [raw.RawRow(row) for row in raw.rows(connection, log.log_id, raw.WalkPart.only(account_id))]
    assert [row.stored() for row in rows] == stored
    assert all(row.written_as(event.version) for row, event in zip(rows, stored, strict=True))
    assert not any(row.written_as(event.version + 1) for row, event in zip(rows, stored, strict=True))


def test_the_columns_of_the_walk_are_the_arguments_of_the_hash() -> None:
    arguments = list(inspect.signature(event_hash).parameters)
    assert [name.replace("event_type", "type") for name in arguments] == ["log_id", *HASHED]


def found(url: str) -> list[tuple[str, ProblemKind, int]]:
    """Account, kind and version of each problem."""
    problems = verify_database(url).problems
    return [(problem.account_id, problem.kind, problem.version) for problem in problems]


@pytest.fixture
def three(log: PostgresEventLog) -> PostgresEventLog:
    """Three accounts with five events each, in the log's order one after the other."""
    for name in ("acme/a", "acme/b", "acme/c"):
        given_history(log, name, 5)
    return log


def test_a_log_that_was_only_appended_to_is_whole(three: PostgresEventLog, service_url: str) -> None:
    report = verify_database(service_url)
    assert report == VerifyReport(three.log_id, events=15, accounts=3)
    assert report.whole


def test_an_empty_log_is_whole(log: PostgresEventLog, service_url: str) -> None:
    assert verify_database(service_url) == VerifyReport(log.log_id)


AT = "where account_id = 'acme/b' and version = 3"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("event_id = gen_random_uuid()", "altered"),
        ("command_id = null", "altered"),
        ("command_id = ''", "altered"),
        ("type = 'addon_removed'", "altered"),
        ("schema_version = 2", "altered"),
        ("recorded_at = recorded_at + interval '1 microsecond'", "altered"),
        ("recorded_at = '-infinity'", "altered"),
        ("effective_at = effective_at - interval '1 microsecond'", "altered"),
        ("effective_at = 'infinity'", "altered"),
        ("effective_at = '294276-12-31 00:00Z'", "altered"),
        ("effective_at = '4713-01-01 00:00Z BC'", "altered"),
        ("actor = null", "altered"),
        ("actor = ''", "altered"),
        ("state = state || ' '", "altered"),
        ("state = ''", "altered"),
        ("previous_hash = decode(repeat('01', 32), 'hex')", "altered"),
        ("hash = decode(repeat('01', 32), 'hex')", "altered"),
        ("shard = (shard + 1) % 64", "misplaced"),
        ("position = 1000", "misplaced"),
        ("position = -1", "misplaced"),
        ("version = 9", "reordered"),
        ("account_id = 'acme/z'", "missing"),
    ],
)
def test_an_altered_row_is_named_whichever_column_it_is(
    three: PostgresEventLog, service_url: str, session: Session, change: str, kind: ProblemKind
) -> None:
    with unguarded(session) as run:
        run(f"update events set {change} {AT}")
    problems = found(service_url)
    assert problems[0] == ("acme/b", kind, 3)
    assert [account for account, _, _ in problems[1:]] in ([], ["acme/z"])


def test_a_column_that_was_let_be_null_is_named(
    three: PostgresEventLog, service_url: str, session: Session
) -> None:
    for column in ("event_id", "type", "schema_version", "effective_at", "recorded_at", "state", "hash"):
        with unguarded(session) as run:
            run(f"alter table events alter {column} drop not null")
            run("create table kept as select * from events")
            run(f"update events set {column} = null {AT}")
        assert found(service_url) == [("acme/b", "altered", 3)], column
        with unguarded(session) as run:
            run("truncate events")
            run("insert into events overriding system value select * from kept")
            run("drop table kept")


Tampering = Callable[[list[StoredEvent]], list[StoredEvent]]

FORGED = replace(
    StoredEvent(0, "acme/b", 0, 0, uuid4(), None, "forged", 1, NOON, NOON, None, b"{}", NO_HASH, b"\7" * 32),
    shard=shard_of("acme/b"),
    position=900,
)


@pytest.mark.parametrize(
    ("tamper", "kind", "version"),
    [
        (lambda e: e[1:], "missing", 1),
        (lambda e: [*e[:2], *e[3:]], "missing", 3),
        (lambda e: renumbered([*e[:2], *e[3:]]), "missing", 3),
        (lambda e: renumbered([*e[:1], *e[3:]]), "missing", 2),
        (lambda e: renumbered([e[0], e[3], e[2], e[1], e[4]]), "reordered", 2),
        (lambda e: renumbered(e[::-1]), "reordered", 1),
        (lambda e: renumbered([*e[:2], FORGED, *e[2:]]), "inserted", 3),
        (lambda e: [*e, replace(FORGED, version=6)], "altered", 6),
        (
            lambda e: [
                *e[:2],
                replace(e[2], position=e[3].position),
                replace(e[3], position=e[2].position),
                e[4],
            ],
            "misplaced",
            4,
        ),
    ],
)
def test_what_was_taken_out_put_in_or_moved_is_named(
    three: PostgresEventLog,
    service_url: str,
    session: Session,
    tamper: Tampering,
    kind: ProblemKind,
    version: int,
) -> None:
    put_in_place(session, "acme/b", tamper(three.read_account("acme/b")))
    assert found(service_url) == [("acme/b", kind, version)]


def rehashed(log: PostgresEventLog, event: StoredEvent, **changes: Any) -> StoredEvent:
    changed = replace(event, **changes)
    return replace(changed, hash=hash_of(log.log_id, changed))


def test_a_forger_who_computes_hashes_is_found_at_the_next_event(
    three: PostgresEventLog, service_url: str, session: Session
) -> None:
    events = three.read_account("acme/b")
    forged = rehashed(three, events[2], state=b"{}")
    put_in_place(session, "acme/b", [*events[:2], forged, *events[3:]])
    assert found(service_url) == [("acme/b", "unlinked", 4)]
    inserted = renumbered(
        [
            *events[:2],
            rehashed(
                three,
                replace(FORGED, version=3),
                previous_hash=events[1].hash,
                recorded_at=events[1].recorded_at,
            ),
            *events[2:],
        ]
    )
    put_in_place(session, "acme/b", inserted)
    assert found(service_url) == [("acme/b", "inserted", 3)]
    early = rehashed(three, events[4], recorded_at=events[3].recorded_at - timedelta(seconds=1))
    put_in_place(session, "acme/b", [*events[:4], early])
    assert found(service_url) == [("acme/b", "backdated", 5)]


def test_an_account_under_another_id_is_named(
    three: PostgresEventLog, service_url: str, session: Session
) -> None:
    with unguarded(session) as run:
        run("update events set account_id = 'acme/bb' where account_id = 'acme/b'")
    assert found(service_url) == [("acme/bb", "altered", 1)]


def test_an_event_repeated_where_no_index_refuses_it_is_named_and_so_is_the_index(
    three: PostgresEventLog, service_url: str, session: Session
) -> None:
    session.execute("alter table events drop constraint events_pkey")
    session.execute("drop index events_by_position")
    put(session, [three.read_account("acme/b")[2]])
    report = verify_database(service_url)
    assert [(problem.kind, problem.version) for problem in report.problems] == [("repeated", 4)]
    assert report.unguarded == [
        "table events has no valid unique index on account_id,version",
        "table events has no valid unique index on position",
    ]


@pytest.mark.parametrize(
    "how", ["disable trigger append_only", "enable trigger append_only", "disable trigger all"]
)
def test_a_table_without_its_guard_is_not_whole(
    three: PostgresEventLog, service_url: str, session: Session, how: str
) -> None:
    session.execute(f"alter table events {how}")
    report = verify_database(service_url)
    assert not report.whole
    assert report.unguarded == ["table events has no trigger append_only that is always enabled"]


def test_the_log_s_id_is_part_of_every_event(
    three: PostgresEventLog, migrated_url: str, session: Session
) -> None:
    session.execute("alter table log disable trigger append_only")
    session.execute("update log set id = gen_random_uuid()")
    session.execute("alter table log enable always trigger append_only")
    assert found(migrated_url) == [(f"acme/{name}", "altered", 1) for name in "abc"]


def test_one_account_may_be_walked_alone(three: PostgresEventLog, service_url: str, session: Session) -> None:
    given_history(three, "acme/b!", 2)
    with unguarded(session) as run:
        run("update events set actor = 'x' where account_id in ('acme/b', 'acme/c')")
    report = verify_database(service_url, accounts=["acme/a", "acme/b"])
    assert (report.events, report.accounts) == (10, 2)
    assert [problem.account_id for problem in report.problems] == ["acme/b"]


def test_several_processes_find_the_same_in_the_same_order(
    log: PostgresEventLog, service_url: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.audit.verify._PART_EVENTS", 100)
    for nth in range(100):
        given_history(log, f"acme/{nth:03}", 20)
    with unguarded(session) as run:
        run("update events set actor = 'x' where account_id >= 'acme/010' and version = 7")
    session.execute("analyze events")
    seen: list[tuple[int, int]] = []
    alone = verify_database(service_url)
    together = verify_database(service_url, workers=2, progress=lambda *done: seen.append(done))
    assert together == alone
    assert (together.events, together.accounts, len(together.problems)) == (2_000, 100, 90)
    assert len(seen) > 2, "it was shared out in parts"
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == 2_000


def ended(session: Session) -> None:
    """End every other session."""
    end_others(session)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_is_lost_in_the_middle_is_no_problem_of_the_log(
    log: PostgresEventLog, service_url: str, session: Session, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr("eventlog.audit.verify._PART_EVENTS", 50)
    for nth in range(100):
        given_history(log, f"acme/{nth:03}", 20)
    session.execute("analyze events")
    with pytest.raises((psycopg.OperationalError, LogUnavailable)):
        verify_database(service_url, workers=workers, progress=lambda *_: ended(session))


def test_of_very_many_problems_the_first_are_told_and_the_others_counted(
    log: PostgresEventLog, service_url: str, session: Session
) -> None:
    names = [f"acme/{nth:03}" for nth in range(MOST_PROBLEMS + 20)]
    for name in names:
        given_history(log, name, 1)
    with unguarded(session) as run:
        run("update events set actor = 'x'")
    report = verify_database(service_url)
    assert [problem.account_id for problem in report.problems] == names[:MOST_PROBLEMS]
    assert report.more_problems == 20


def test_what_is_appended_meanwhile_disturbs_no_walk(three: PostgresEventLog, service_url: str) -> None:
    def append(*_: object) -> None:
        for name in ("acme/a", "acme/c", "acme/d"):
            given_history(three, name, 3)

    assert verify_database(service_url, accounts=["acme/a", "acme/b", "acme/c"], progress=append).whole
    assert verify_database(service_url).whole
