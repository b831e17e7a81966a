"""A log is exported and imported into an empty one: the same events at the same positions under the same id,
in one step or not at all."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from typing import BinaryIO

import psycopg
import pytest

from domain.errors import InvalidInput
from eventlog import Append, Head
from eventlog.audit.verify import verify_database
from eventlog.errors import LogNotEmpty, VersionConflict
from eventlog.postgres.log import PostgresEventLog
from eventlog.transfer.exporting import exported
from eventlog.transfer.importing import import_log
from prorata.roles import OWNER, SERVICE
from tests.support.eventlog.sample_events import new_event
from tests.support.eventlog.sessions import until
from tests.support.publishing.histories import append_all, history_of
from tests.support.roles import login, migrated
from tests.support.servers import SharedServers


@pytest.fixture
def file(log: PostgresEventLog) -> bytes:
    """An exported log, with burnt positions in it."""
    names = [f"acme/a-{nth}" for nth in range(5)]
    for half, months in enumerate((3, 5)):
        append_all(log, {f"{name}-{half}": history_of(name, 3, months) for name in names}, 5)
        lost = Append("acme/a-0-0", Head.NONE, (new_event(),))
        assert isinstance(log.append_many([lost])[0], VersionConflict)
    return b"".join(exported(log))


@pytest.fixture
def empty_url(servers: SharedServers) -> Iterator[str]:
    """Another migrated database, with the rights of a superuser."""
    with servers.new_database() as url:
        yield migrated(url)


def taken_in(url: str, file: bytes | BinaryIO, *, dry_run: bool = False) -> None:
    import_log(login(url, OWNER), io.BytesIO(file) if isinstance(file, bytes) else file, dry_run=dry_run)


def test_the_round_trip_is_the_same_byte_for_byte(file: bytes, empty_url: str) -> None:
    taken_in(empty_url, file)
    copied = PostgresEventLog(login(empty_url, SERVICE))
    assert b"".join(exported(copied)) == file
    copied.close()
    report = verify_database(empty_url)
    assert report.whole
    assert report.events == file.count(b"\n") - 2


def test_the_log_goes_on_behind_what_was_imported(log: PostgresEventLog, file: bytes, empty_url: str) -> None:
    taken_in(empty_url, file)
    copied = PostgresEventLog(login(empty_url, SERVICE))
    assert copied.log_id == log.log_id
    last = copied.last_position()
    [more] = copied.append("acme/a-0-0", copied.head("acme/a-0-0"), [new_event()])
    [new] = copied.append("acme/new", Head.NONE, [new_event()])
    assert (more.position, new.position) == (last + 1, last + 2)
    copied.close()
    assert verify_database(empty_url).whole


def test_a_dry_run_changes_nothing(file: bytes, empty_url: str) -> None:
    taken_in(empty_url, file, dry_run=True)
    report = verify_database(empty_url)
    assert (report.events, report.whole) == (0, True)
    taken_in(empty_url, file)


def test_an_altered_file_changes_nothing(log: PostgresEventLog, file: bytes, empty_url: str) -> None:
    for altered in (file[:-10], file.replace(b"standard", b"premium_", 1), file + b"\n"):
        with pytest.raises(InvalidInput, match="line "):
            taken_in(empty_url, altered)
    report = verify_database(empty_url)
    assert (report.events, report.whole) == (0, True)
    assert report.log_id != log.log_id


def test_a_log_with_events_takes_no_other(file: bytes, migrated_url: str, log: PostgresEventLog) -> None:
    log.close()
    with pytest.raises(LogNotEmpty, match="has events already"):
        taken_in(migrated_url, file)


def test_while_others_are_connected_nothing_is_imported(file: bytes, empty_url: str) -> None:
    with psycopg.connect(login(empty_url, SERVICE)), pytest.raises(LogNotEmpty, match="1 of service"):
        taken_in(empty_url, file)


def test_the_guards_stand_again_after_an_import(file: bytes, empty_url: str) -> None:
    taken_in(empty_url, file)
    with psycopg.connect(empty_url, autocommit=True) as session:
        for change in ("update public.log set id = gen_random_uuid()", "delete from public.events"):
            with pytest.raises(psycopg.DatabaseError, match="append_only"):
                session.execute(change)


def test_killed_in_the_middle_nothing_is_half_done(
    file: bytes, empty_url: str, servers: SharedServers
) -> None:
    """The lines come through a pipe that stays open, so that the import stands in the middle."""
    importing = (
        "import sys; from eventlog.transfer.importing import import_log; "
        "import_log(sys.argv[1], sys.stdin.buffer)"
    )
    command = [sys.executable, "-c", importing, login(empty_url, OWNER)]
    with (
        psycopg.connect(servers.database_url, autocommit=True) as watcher,
        subprocess.Popen(command, stdin=subprocess.PIPE) as killed,
    ):
        assert killed.stdin is not None
        killed.stdin.write(file[: len(file) // 2])
        killed.stdin.flush()
        until(lambda: _is_locked(watcher, empty_url))
        killed.kill()
        killed.wait()
        until(lambda: not _is_locked(watcher, empty_url))
    report = verify_database(empty_url)
    assert (report.events, report.whole) == (0, True)
    taken_in(empty_url, file)
    assert verify_database(empty_url).events == file.count(b"\n") - 2


def _is_locked(watcher: psycopg.Connection[tuple[int, ...]], url: str) -> bool:
    """Whether a session has kept all others from a table of that database."""
    locks = """
        select count(*) from pg_locks join pg_database on pg_database.oid = database
        where datname = %(name)s and mode = 'AccessExclusiveLock' and granted
    """
    [[held]] = watcher.execute(locks, {"name": url.rpartition("/")[2]}).fetchall()
    return held > 0
