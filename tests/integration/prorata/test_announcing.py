"""A process announces itself in the table, beats while it lives, and is seen to be gone when it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from eventlog.postgres.migrate import EVENTLOG, migrate
from prorata.processes.announcing import Announcement, announce_done
from prorata.processes.expected import RECOGNITION
from prorata.processes.stopping import StopSignal
from prorata.processes.table import MIGRATIONS, Connection, Process, State, forget, processes
from tests.support.eventlog.sessions import until

BEAT = "select beat_at from operations.processes"
NOBODY = "postgresql://prorata@127.0.0.1:1/prorata"
LEFT = """
    insert into operations.processes (id, name, host, pid, version, beat_at, turned_at, doing)
    select gen_random_uuid(), 'project', %(host)s, 1, '1', clock_timestamp() - %(beat)s::interval,
        clock_timestamp() - %(turn)s::interval, 'at work'
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A session at a database that has the table."""
    migrate(database_url, [EVENTLOG, MIGRATIONS])
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def announced(database_url: str) -> Callable[[], Announcement]:
    """A projector that beats all the time."""
    return lambda: Announcement(database_url, "project", StopSignal(), beat=0.01)


def only(connection: Connection) -> Process:
    [process] = processes(connection)
    return process


def test_a_process_is_seen_while_it_runs_and_once_it_has_ended(
    connection: Connection, announced: Callable[[], Announcement]
) -> None:
    with announced() as process:
        process.doing = lambda: "folds lanes 0 to 7"
        until(lambda: [found.doing for found in processes(connection)] == ["folds lanes 0 to 7"])
        assert only(connection).state == "runs"
    assert (only(connection).state, only(connection).doing) == ("ended", "stopped")


def test_what_ended_a_process_is_kept(connection: Connection, announced: Callable[[], Announcement]) -> None:
    def fails() -> None:
        with announced():
            until(lambda: bool(processes(connection)))
            raise ValueError("a reason")

    with pytest.raises(ValueError, match="a reason"):
        fails()
    assert only(connection).doing == "ValueError: a reason"


@pytest.mark.parametrize(
    ("beat", "turn", "state"),
    [
        ("10 seconds", "15 seconds", "runs"),
        ("21 seconds", "21 seconds", "silent"),
        ("1 second", "3 minutes", "stands still"),
    ],
)
def test_a_process_that_gives_no_sign_of_life_or_does_not_turn_is_told_apart(
    connection: Connection, beat: str, turn: str, state: State
) -> None:
    connection.execute(LEFT, {"host": "elsewhere", "beat": beat, "turn": turn})
    assert only(connection).state == state


def test_a_beat_changes_the_row_in_place(
    connection: Connection, announced: Callable[[], Announcement]
) -> None:
    beats = set()

    def beaten() -> bool:
        beats.update(connection.execute(BEAT).fetchall())
        return len(beats) > 50

    with announced():
        until(beaten)
    connection.execute("select pg_stat_force_next_flush()")
    counted = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'processes'"
    until(lambda: connection.execute(counted).fetchall()[0][0] > 50)
    [[updates, in_place]] = connection.execute(counted).fetchall()
    assert updates == in_place


def test_the_next_of_its_name_takes_the_place_of_what_is_gone(
    connection: Connection, announced: Callable[[], Announcement]
) -> None:
    gone = {"host": "a-container-of-yesterday", "beat": "25 hours", "turn": "25 hours"}
    connection.execute(LEFT, gone)
    with announced():
        until(lambda: only(connection).state == "runs")
    with announced():
        until(lambda: only(connection).state == "runs")


def test_a_second_process_of_a_name_leaves_the_first_its_row(
    connection: Connection, announced: Callable[[], Announcement]
) -> None:
    connection.execute(LEFT, {"host": "elsewhere", "beat": "1 second", "turn": "1 second"})
    with announced():
        until(lambda: [process.state for process in processes(connection)] == ["runs", "runs"])


def test_a_row_that_was_lost_is_written_again_with_the_next_beat(
    connection: Connection, announced: Callable[[], Announcement]
) -> None:
    with announced():
        until(lambda: bool(processes(connection)))
        connection.execute("truncate operations.processes")
        until(lambda: bool(processes(connection)))


def test_a_process_works_on_while_its_beats_find_no_database(
    connection: Connection, announced: Callable[[], Announcement]
) -> None:
    with announced():
        until(lambda: bool(processes(connection)))
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and datname = current_database()"
        )
        connection.execute("truncate operations.processes")
        until(lambda: bool(processes(connection)))
    with Announcement(NOBODY, "project", StopSignal(), beat=0.01) as alone:
        assert alone.name == "project"


def test_what_is_done_now_and_then_says_up_to_when(database_url: str, connection: Connection) -> None:
    for day in (28, 29):
        announce_done(database_url, RECOGNITION, datetime(2026, 11, day, tzinfo=UTC))
    assert only(connection).done_until == datetime(2026, 11, 29, tzinfo=UTC)


def test_a_process_that_is_gone_can_be_forgotten_and_one_that_runs_cannot(
    connection: Connection, announced: Callable[[], Announcement]
) -> None:
    with announced():
        until(lambda: bool(processes(connection)))
        assert forget(connection, "project") == 0
    assert forget(connection, "project") == 1
    assert processes(connection) == []
