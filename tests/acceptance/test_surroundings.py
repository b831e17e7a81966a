"""Whatever surrounds it (closed streams, a locale, a full disk, a signal, a used port), `prorata` says a
sentence and ends with a code that means something."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.support.command_line import OPEN, PRORATA, CommandLine, step

BUY = msgspec.json.encode(step("2026-03-20", "purchase_plan", product="standard", id="c1"))


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    """An account with a plan, in a migrated database."""
    prorata = CommandLine(database_url)
    assert prorata("migrate").exit_code == 0
    assert prorata.commands(OPEN, BUY.decode()).exit_code == 0
    return prorata


@pytest.mark.parametrize(
    ("line", "exit_code", "said"),
    [
        ("prorata command --test-clock <&-", 2, "prorata: input_closed: "),
        ("prorata preview a1 - --test-clock <&-", 2, "prorata: input_closed: "),
        ("prorata command --test-clock >&-", 2, "prorata: output_closed: "),
        ("prorata history a1 >&-", 2, "prorata: output_closed: "),
        ("prorata history a1 >/dev/full", 2, "prorata: output_not_written: "),
        ("prorata catalog schema >/dev/full", 2, "prorata: output_not_written: "),
        ("prorata command --test-clock >/dev/full", 3, "prorata: answer_not_written: "),
        ("prorata history nobody 2>&-", 2, ""),
        ("prorata history a1 <&- >/dev/null 2>&-", 0, ""),
        ("prorata seal-key missing/key.pem", 2, "prorata: unreadable: missing/key.pem: "),
        ("prorata command .", 2, "prorata: unreadable: .: "),
        ("prorata metrics --port 70000", 2, "prorata: usage: "),
        ("prorata histroy a1", 2, 'prorata: usage: Unknown command "histroy". Did you mean "history"?'),
    ],
)
def test_what_is_closed_full_or_missing_is_said_in_a_sentence(
    prorata: CommandLine, line: str, exit_code: int, said: str
) -> None:
    done = prorata.in_shell(line, BUY)
    assert (done.exit_code, done.err[: len(said)]) == (exit_code, said)
    assert len(done.err.splitlines()) <= 2
    assert "Traceback" not in done.err


def test_what_goes_wrong_is_not_told_to_stdout_where_stderr_is_closed(prorata: CommandLine) -> None:
    assert prorata.in_shell("prorata history nobody 2>&-").out == ""


def test_a_line_whose_answer_nobody_reads_is_named_and_can_be_given_again(prorata: CommandLine) -> None:
    lines = b"".join(
        msgspec.json.encode(step("2026-04-05", "purchase_addon", product=product, id=product)) + b"\n"
        for product in ("surveys", "custom_domain", "inbox_preview")
    )
    done = prorata.in_shell('prorata command --test-clock | true; exit "${PIPESTATUS[0]}"', lines)
    assert done.exit_code == 3
    assert "answer_not_written: Broken pipe; line 1 was done" in done.err
    again = prorata("command", "--test-clock", given=lines)
    assert [answer["outcome"] for answer in again.answers] == ["accepted"] * 3
    assert prorata("history", "a1").out.count("addon_purchased") == 3


def test_a_reader_that_has_seen_enough_is_no_failure(prorata: CommandLine) -> None:
    done = prorata.in_shell('prorata history a1 | head -1; exit "${PIPESTATUS[0]}"')
    assert (done.exit_code, done.err) == (0, "")


def test_output_is_utf_8_whatever_the_locale(prorata: CommandLine) -> None:
    line = "prorata explain a1 1 --language fr"
    expected = prorata("explain", "a1", "1", "--language", "fr").out
    assert not expected.isascii()
    settings = ["PYTHONIOENCODING=latin-1"]
    if sys.prefix.isascii():  # else Python itself cannot read where it is installed under that locale
        settings += [
            "LC_ALL=C",
            "LC_ALL=C PYTHONCOERCECLOCALE=0 PYTHONUTF8=0",
            "LC_ALL=C PYTHONIOENCODING=ascii",
        ]
    for setting in settings:
        done = prorata.in_shell(f"export {setting}; {line}")
        assert (done.exit_code, done.err, done.out) == (0, "", expected), setting


def test_files_that_it_makes_can_be_used_under_a_strict_umask(prorata: CommandLine, tmp_path: Path) -> None:
    line = f"umask 077; cd '{tmp_path}' && prorata seal-key key.pem >pub.pem && prorata seal s --key key.pem"
    done = prorata.in_shell(f"{line} && prorata verify --against s --public-key pub.pem")
    assert done.exit_code == 0, done.err


def test_a_used_port_is_said(prorata: CommandLine) -> None:
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        done = prorata("metrics", "--port", str(used.getsockname()[1]))
    assert (done.exit_code, done.err.split(": ")[1]) == (2, "port_unusable")


@pytest.mark.parametrize(
    ("signum", "exit_code", "code"), [(signal.SIGHUP, 129, "hung_up"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_command_that_is_ended_by_its_terminal_says_so(
    prorata: CommandLine, signum: int, exit_code: int, code: str
) -> None:
    process = _waiting_for_lines(prorata, "command", "--test-clock")
    process.send_signal(signum)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.decode().partition(": ")[2].partition(": ")[0]) == (exit_code, code)


def test_what_runs_for_long_ends_well_when_its_terminal_goes(prorata: CommandLine) -> None:
    process = subprocess.Popen(
        ["env", "--default-signal=HUP", PRORATA, "bill", "--test-clock"],
        env=prorata.environment | {"PRORATA_LOG_LEVEL": "info"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    opened = {**OPEN, "account": "a2", "at": "2026-01-01"}
    bought = {**step("2026-01-01", "purchase_plan", product="standard"), "account": "a2"}
    assert prorata.commands(opened, bought).exit_code == 0
    assert process.stdout is not None
    assert b"accounts billed" in process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in err) == (0, False)


def test_colours_reach_a_terminal_and_forged_ones_do_not(prorata: CommandLine) -> None:
    shown = _on_a_terminal(prorata, "billing", "a1")
    assert "\x1b[1m" in shown
    assert "\x1b[2J" not in _on_a_terminal(prorata, "history", "a\x1b[2J1")


def _waiting_for_lines(prorata: CommandLine, *arguments: str) -> subprocess.Popen[bytes]:
    """It has answered one line, and waits for the next."""
    process = subprocess.Popen(
        ["env", "--default-signal=INT,HUP", PRORATA, *arguments],  # which whoever runs the tests may ignore
        env=prorata.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(BUY + b"\n")
    process.stdin.flush()
    assert process.stdout.readline()
    return process


def _on_a_terminal(prorata: CommandLine, *arguments: str) -> str:
    """What a terminal is sent."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [PRORATA, *arguments], env=prorata.environment | {"TERM": "xterm"}, stdout=its, stderr=its
    )
    os.close(its)
    sent = b""
    try:
        while more := os.read(ours, 65_536):
            sent += more
    except OSError:  # how a terminal says that its other end was closed
        pass
    finally:
        os.close(ours)
        process.wait(timeout=60)
    return sent.decode()
