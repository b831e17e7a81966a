"""An auditor at the command line: the log is walked, sealed, and held against the seal."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from eventlog.postgres.log import PostgresEventLog
from tests.support.command_line import PRORATA, CommandLine
from tests.support.eventlog.sample_events import given_history
from tests.support.roles import migrated


@pytest.fixture
def log(database_url: str) -> Iterator[PostgresEventLog]:
    """Two accounts of the tenant main."""
    migrated(database_url)
    log = PostgresEventLog(database_url)
    for account in ("main/a1", "main/a2"):
        given_history(log, account, 3)
    yield log
    log.close()


@pytest.fixture
def prorata(log: PostgresEventLog, database_url: str) -> CommandLine:
    """The command line on that log; no broker."""
    return CommandLine(database_url)


@pytest.fixture
def sealed(prorata: CommandLine, tmp_path: Path) -> Path:
    """A folder with a key, its public half, and a seal with its accounts."""
    made = prorata("seal-key", str(tmp_path / "key"))
    assert made.exit_code == 0, made.err
    (tmp_path / "key.pub").write_text(made.out)
    done = prorata(
        "seal",
        str(tmp_path / "seal"),
        "--key",
        str(tmp_path / "key"),
        "--accounts",
        str(tmp_path / "accounts"),
    )
    assert done.exit_code == 0, done.err
    assert "of 2 accounts, up to position" in done.out
    return tmp_path


def tamper(database_url: str, statement: str) -> None:
    """As a superuser can."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table events disable trigger append_only")
        connection.execute(statement)
        connection.execute("alter table events enable always trigger append_only")


def test_a_log_that_was_left_alone_is_as_it_was_written_and_sealed(
    prorata: CommandLine, sealed: Path, log: PostgresEventLog
) -> None:
    done = prorata("verify")
    assert done.exit_code == 0, done.err
    assert "of 2 accounts: all as it was written" in done.out
    assert done.err == "", "no progress bar where no terminal is"
    assert prorata("verify", "--account", "a1").exit_code == 0
    against = prorata("verify", "--against", str(sealed / "seal"), "--public-key", str(sealed / "key.pub"))
    assert against.exit_code == 0, against.err
    assert "all as sealed at 2" in against.out
    assert against.err == ""
    given_history(log, "main/a1", 2)
    [result] = prorata("verify", "--against", str(sealed / "seal"), "--json").answers
    assert result["ok"]
    assert (result["events"], result["seal"]["later_events"]) == (8, 2)
    assert not result["seal"]["key_is_known"]


def test_who_gives_no_key_is_told_what_the_signature_is_worth(prorata: CommandLine, sealed: Path) -> None:
    done = prorata("verify", "--against", str(sealed / "seal"))
    assert done.exit_code == 0
    assert "compare it with the one you know" in done.err


def test_an_altered_event_is_named(prorata: CommandLine, sealed: Path, database_url: str) -> None:
    tamper(database_url, "update events set actor = 'x' where account_id = 'main/a2' and version = 2")
    done = prorata("verify")
    assert done.exit_code == 1
    assert done.out.startswith("altered: account 'main/a2', version 2: its fields do not give its hash\n")
    assert "NOT as it was written" in done.out
    problem, result = prorata("verify", "--json", "--workers", "1").answers
    assert (problem["problem"], problem["account"], problem["version"]) == ("altered", "main/a2", 2)
    assert (result["ok"], result["problems"]) == (False, 1)
    assert prorata("verify", "--account", "a1").exit_code == 0
    assert prorata("verify", "--account", "a2").exit_code == 1
    again = prorata("seal", str(sealed / "again"), "--key", str(sealed / "key"))
    assert again.exit_code == 1
    assert "nothing was sealed" in again.err
    assert not (sealed / "again").exists()


def test_a_lost_end_is_found_with_the_seal_alone(
    prorata: CommandLine, sealed: Path, database_url: str
) -> None:
    tamper(database_url, "delete from events where account_id = 'main/a2' and version > 1")
    assert prorata("verify").exit_code == 0
    done = prorata("verify", "--against", str(sealed / "seal"), "--accounts", str(sealed / "accounts"))
    assert done.exit_code == 1
    assert done.out.startswith("log_behind: the log ends at position ")
    assert "account 'main/a2': " in done.out
    assert "NOT as sealed at" in done.out
    lines = prorata("verify", "--against", str(sealed / "seal"), "--json").answers
    kinds = [line.get("difference") for line in lines]
    assert kinds == ["log_behind", "shard_differs", None]


def test_a_seal_that_was_changed_or_signed_by_somebody_else_is_refused(
    prorata: CommandLine, sealed: Path
) -> None:
    other = prorata("seal-key", str(sealed / "other"))
    (sealed / "other.pub").write_text(other.out)
    done = prorata("verify", "--against", str(sealed / "seal"), "--public-key", str(sealed / "other.pub"))
    assert done.exit_code == 1
    assert "seal_refused: the seal was signed by key " in done.err
    changed = (sealed / "seal").read_text().replace('"accounts": 2', '"accounts": 3')
    (sealed / "changed").write_text(changed)
    done = prorata("verify", "--against", str(sealed / "changed"))
    assert done.exit_code == 1
    assert "seal_refused: the seal was changed after it was signed" in done.err
    lines = (sealed / "accounts").read_text().splitlines(keepends=True)
    (sealed / "fewer").write_text(lines[0])
    done = prorata("verify", "--against", str(sealed / "seal"), "--accounts", str(sealed / "fewer"))
    assert done.exit_code == 1
    assert "does not hold the accounts of this seal" in done.err


def test_the_seal_of_another_log_says_so(sealed: Path, prorata: CommandLine, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table log disable trigger append_only")
        connection.execute("update log set id = gen_random_uuid()")
        connection.execute("alter table log enable always trigger append_only")
    done = prorata("verify", "--against", str(sealed / "seal"))
    assert done.exit_code == 1
    assert done.out.startswith("foreign_log: the seal is of log ")


def test_a_key_is_its_owner_s_alone_and_no_file_is_overwritten(prorata: CommandLine, sealed: Path) -> None:
    assert stat.S_IMODE((sealed / "key").stat().st_mode) == 0o600
    key, seal = (sealed / "key").read_bytes(), (sealed / "seal").read_bytes()
    for arguments in (
        ["seal-key", str(sealed / "key")],
        ["seal", str(sealed / "seal"), "--key", str(sealed / "key")],
    ):
        done = prorata(*arguments)
        assert done.exit_code == 2
        assert "file_exists" in done.err
    assert ((sealed / "key").read_bytes(), (sealed / "seal").read_bytes()) == (key, seal)
    assert sorted(os.listdir(sealed)) == ["accounts", "key", "key.pub", "seal"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--account", "nobody"], "unknown_account"),
        (["--workers", "0"], "usage"),
        (["--public-key", "x"], "usage"),
        (["--against", "x", "--account", "a1"], "usage"),
        (["--against", "no-such-file"], "unreadable"),
    ],
)
def test_bad_input_is_told_by_its_code(prorata: CommandLine, arguments: list[str], code: str) -> None:
    done = prorata("verify", *arguments)
    assert done.exit_code == 2
    assert f"prorata: {code}: " in done.err


def test_a_file_that_is_no_key_is_told(prorata: CommandLine, sealed: Path) -> None:
    done = prorata("seal", str(sealed / "new"), "--key", str(sealed / "seal"))
    assert done.exit_code == 2
    assert "prorata: not_a_key: " in done.err
    done = prorata("verify", "--against", str(sealed / "seal"), "--public-key", str(sealed / "key"))
    assert done.exit_code == 2
    assert "prorata: not_a_key: " in done.err


def test_an_empty_log_has_nothing_to_seal(database_url: str, tmp_path: Path) -> None:
    migrated(database_url)
    prorata = CommandLine(database_url)
    prorata("seal-key", str(tmp_path / "key"))
    done = prorata("seal", str(tmp_path / "seal"), "--key", str(tmp_path / "key"))
    assert done.exit_code == 2
    assert "empty_log" in done.err
    assert not (tmp_path / "seal").exists()


def test_in_a_terminal_there_is_a_progress_bar(prorata: CommandLine) -> None:
    ours, theirs = pty.openpty()
    try:
        environment = prorata.environment | {"TERM": "xterm"}
        done = subprocess.run(
            [PRORATA, "verify"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=60,
            check=False,
        )
        shown = os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert "verifying" in shown
    assert b"all as it was written" in done.stdout
