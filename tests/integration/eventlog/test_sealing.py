"""A seal kept elsewhere shows what the chains cannot: a lost end, a lost account, a forged history."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from zlib import crc32

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql

from eventlog import shard_of
from eventlog.audit.seal import Seal
from eventlog.audit.sealing import Comparison, compare, make_seal
from eventlog.audit.verify import verify_database
from eventlog.audit.walking import Leaf
from eventlog.errors import NotSettled
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.sample_events import given_history
from tests.support.eventlog.sessions import Session, insert
from tests.support.eventlog.tampering import put_in_place, rewritten, unguarded

NAMES = ("acme/a", "acme/b", "acme/c", "acme/d")
SEALED_AT = datetime(2026, 4, 5, 12, tzinfo=UTC)


@pytest.fixture
def log_with_accounts(log: PostgresEventLog) -> PostgresEventLog:
    """Four accounts with six events each, their appends taking turns."""
    for _ in range(3):
        for name in NAMES:
            given_history(log, name, 2)
    return log


def sealed(url: str) -> tuple[Seal, list[Leaf]]:
    """The log's seal, and its accounts."""
    leaves: list[Leaf] = []
    report, seal = make_seal(url, each_leaf=leaves.append, clock=lambda: SEALED_AT)
    assert report.whole
    assert seal is not None
    return seal, leaves


def kinds(comparison: Comparison) -> list[tuple[str, str | None]]:
    """Of the differences, without the shards: which account."""
    return [(d.kind, d.account_id) for d in comparison.differences if d.kind != "shard_differs"]


def shards(comparison: Comparison) -> set[int | None]:
    """The shards that differ."""
    return {d.shard for d in comparison.differences if d.kind == "shard_differs"}


def test_a_seal_says_what_the_log_held(log_with_accounts: PostgresEventLog, service_url: str) -> None:
    seal, leaves = sealed(service_url)
    last = log_with_accounts.at_position(log_with_accounts.last_position())
    assert last is not None
    assert (seal.log_id, seal.position, seal.hash) == (str(log_with_accounts.log_id), 24, last.hash.hex())
    assert (seal.events, seal.accounts, seal.made_at) == (24, 4, "2026-04-05T12:00:00+00:00")
    heads = [log_with_accounts.read_account(name)[-1] for name in NAMES]
    assert [(leaf.account_id, leaf.events, leaf.position, leaf.hash) for leaf in leaves] == [
        (head.account_id, head.version, head.position, head.hash) for head in heads
    ]


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "big") for value in values)


def tree(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, of leaves that are hashed already."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + tree(leaves[:half]) + tree(leaves[half:])).digest()


def test_an_auditor_computes_the_root_from_the_document_alone(
    log_with_accounts: PostgresEventLog, service_url: str
) -> None:
    for nth in range(200):
        given_history(log_with_accounts, f"acme/é{nth}", 1)
    accounts = sorted(log_with_accounts.accounts(), key=str.encode)
    of_shards = []
    for shard in range(64):
        leaves, events = [], 0
        for account in accounts:
            if crc32(account.encode()) % 64 == shard:
                history = log_with_accounts.read_account(account)
                content = len(account.encode()).to_bytes(4, "big") + account.encode()
                for event in history:
                    content += b"\0\0\0\x08" + numbers(event.position) + b"\0\0\0\x20" + event.hash
                leaves.append(sha256(b"\0" + content).digest())
                events += len(history)
        of_shards.append(sha256(b"\0" + numbers(len(leaves), events) + tree(leaves)).digest())
    seal, _ = sealed(service_url)
    assert seal.root == tree(of_shards).hex()


def test_what_comes_later_changes_nothing_that_was_sealed(
    log_with_accounts: PostgresEventLog, service_url: str
) -> None:
    seal, leaves = sealed(service_url)
    given_history(log_with_accounts, "acme/b", 3)
    given_history(log_with_accounts, "acme/e", 2)
    comparison = compare(service_url, seal, leaves=leaves)
    assert comparison.holds
    assert comparison.later == 5


def test_several_processes_make_the_same_seal(
    log_with_accounts: PostgresEventLog, service_url: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.audit.verify._PART_EVENTS", 3)
    session.execute("analyze events")
    alone, _ = sealed(service_url)
    assert make_seal(service_url, workers=2, clock=lambda: SEALED_AT)[1] == alone
    assert compare(service_url, alone, workers=2).holds


def test_newest_events_that_were_cut_off_are_noticed(
    log_with_accounts: PostgresEventLog, service_url: str, session: Session
) -> None:
    seal, leaves = sealed(service_url)
    with unguarded(session) as run:
        run("delete from events where position > 22")
    assert verify_database(service_url).whole, "the chains alone cannot show it"
    comparison = compare(service_url, seal, leaves=leaves)
    assert kinds(comparison) == [("log_behind", None), ("account_differs", "acme/d")]
    assert shards(comparison) == {shard_of("acme/d")}
    assert "cut off" in comparison.differences[0].message
    assert "6 events were sealed, 4 are left" in comparison.differences[-1].message


def test_the_end_of_one_account_that_was_cut_off_is_noticed(
    log_with_accounts: PostgresEventLog, service_url: str, session: Session
) -> None:
    seal, leaves = sealed(service_url)
    with unguarded(session) as run:
        run("delete from events where account_id = 'acme/b' and version = 6")
    assert verify_database(service_url).whole
    assert shards(compare(service_url, seal)) == {shard_of("acme/b")}
    assert kinds(compare(service_url, seal, leaves=leaves)) == [("account_differs", "acme/b")]


@pytest.mark.parametrize("name", NAMES[:3])
def test_an_account_that_was_taken_out_is_noticed(
    log_with_accounts: PostgresEventLog, service_url: str, session: Session, name: str
) -> None:
    seal, leaves = sealed(service_url)
    with unguarded(session) as run:
        run("delete from events where account_id = %s", [name])
    assert verify_database(service_url).whole
    comparison = compare(service_url, seal, leaves=leaves)
    assert kinds(comparison) == [("account_removed", name)]
    assert shards(comparison) == {shard_of(name)}


def test_an_account_forged_throughout_is_noticed(
    log_with_accounts: PostgresEventLog, service_url: str, session: Session
) -> None:
    seal, leaves = sealed(service_url)
    events = log_with_accounts.read_account("acme/b")
    put_in_place(session, "acme/b", rewritten(log_with_accounts.log_id, events, state=b"{}"))
    assert verify_database(service_url).whole
    comparison = compare(service_url, seal, leaves=leaves)
    assert kinds(comparison) == [("account_differs", "acme/b")]
    assert "as many stand there, but not the same" in comparison.differences[0].message


def test_an_account_forged_into_the_past_is_noticed(
    log: PostgresEventLog, service_url: str, session: Session
) -> None:
    for name in NAMES:
        given_history(log, name, 2)
    session.execute("select setval('events_position', 20)")
    given_history(log, "acme/e", 2)
    seal, leaves = sealed(service_url)
    forged = [
        replace(event, position=position)
        for position, event in enumerate(given_history(log, "acme/bb", 3), 15)
    ]
    put_in_place(session, "acme/bb", forged)
    assert verify_database(service_url).whole
    comparison = compare(service_url, seal, leaves=leaves)
    assert kinds(comparison) == [("account_inserted", "acme/bb")]
    assert shards(comparison) == {shard_of("acme/bb")}


@pytest.mark.parametrize("instant", ["infinity", "294276-12-31 00:00Z"])
def test_a_last_event_that_python_cannot_read_is_noticed(
    instant: str, log_with_accounts: PostgresEventLog, service_url: str, session: Session
) -> None:
    seal, leaves = sealed(service_url)
    with unguarded(session) as run:
        run("update events set recorded_at = %s where position = %s", [instant, seal.position])
    comparison = compare(service_url, seal, leaves=leaves)
    assert ("log_differs", None) in kinds(comparison)
    assert comparison.report.problems


def test_an_event_at_another_position_is_noticed(
    log_with_accounts: PostgresEventLog, service_url: str, session: Session
) -> None:
    session.execute("select setval('events_position', 100)")
    given_history(log_with_accounts, "acme/a", 1)
    seal, leaves = sealed(service_url)
    with unguarded(session) as run:
        run("update events set position = 50 where account_id = 'acme/c' and version = 6")
    assert verify_database(service_url).whole
    comparison = compare(service_url, seal, leaves=leaves)
    assert kinds(comparison) == [("account_differs", "acme/c")]
    assert "other positions" in comparison.differences[-1].message


@pytest.fixture
def backup(log_with_accounts: PostgresEventLog, migrated_url: str, session: Session) -> Iterator[str]:
    """A database as this one is now, in which Prorata goes on after a restore."""
    server, _, name = migrated_url.rpartition("/")
    log_with_accounts.close()
    session.close()
    copy = f"{name}_restored"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        made = sql.SQL("create database {} template {}").format(sql.Identifier(copy), sql.Identifier(name))
        connection.execute(made)
        yield f"{server}/{copy}"
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(copy)))


@pytest.mark.parametrize(
    ("written", "kind"), [(0, "log_behind"), (3, "log_behind"), (4, "log_differs"), (9, "log_differs")]
)
def test_a_log_restored_from_an_older_backup_is_noticed_also_once_it_was_written_to(
    service_url: str, backup: str, written: int, kind: str
) -> None:
    log = PostgresEventLog(service_url)
    given_history(log, "acme/a", 4)
    log.close()
    seal, leaves = sealed(service_url)
    assert compare(service_url, seal).holds
    restored = PostgresEventLog(backup)
    if written:
        given_history(restored, "acme/b", written)
    restored.close()
    comparison = compare(backup, seal, leaves=leaves)
    assert kinds(comparison)[0] == (kind, None)
    assert "older backup" in comparison.differences[0].message
    assert comparison.report.whole
    assert ("account_differs", "acme/a") in kinds(comparison)


def test_the_seal_of_another_log_says_so(
    log_with_accounts: PostgresEventLog, service_url: str, session: Session
) -> None:
    seal, _ = sealed(service_url)
    comparison = compare(service_url, replace(seal, log_id="0190a5f4-7c1e-7d3b-9a62-5f0d2c8e4b17"))
    assert kinds(comparison) == [("foreign_log", None)]
    assert not comparison.holds


def test_what_was_altered_before_the_seal_is_not_sealed(
    log_with_accounts: PostgresEventLog, service_url: str, session: Session
) -> None:
    with unguarded(session) as run:
        run("update events set actor = 'x' where account_id = 'acme/b' and version = 2")
    report, seal = make_seal(service_url)
    assert seal is None
    assert [problem.version for problem in report.problems] == [2]


def test_an_empty_log_has_no_seal(log: PostgresEventLog, service_url: str) -> None:
    report, seal = make_seal(service_url)
    assert seal is None
    assert report.whole


def test_only_what_is_settled_is_sealed(
    log_with_accounts: PostgresEventLog, service_url: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.audit.sealing._FENCE_PATIENCE", 0.05)
    with session.transaction(force_rollback=True):
        insert(session, "acme/late")
        with pytest.raises(NotSettled, match="backend"):
            make_seal(service_url)
