"""`python -m scripts.servers`: a command finds real servers, and nothing of them is left, however it ends."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.servers.guardian import RUN_VARIABLE, processes_started_by
from scripts.servers.run import Run, sweep, temporary_folder
from tests.support.supervised import FOREVER, ROOT, SUPERVISOR, Supervised, command

ONLY_POSTGRES = [*SUPERVISOR, "run", "--only", "postgres", "--"]


def test_the_command_finds_both_servers_in_its_environment() -> None:
    use_both = (
        "import os, kafka, psycopg\n"
        "with psycopg.connect(os.environ['PRORATA_DATABASE_URL']) as connection:\n"
        "    print(connection.info.dbname, connection.info.user)\n"
        "admin = kafka.KafkaAdminClient(bootstrap_servers=os.environ['PRORATA_KAFKA'])\n"
        "print(len(admin.describe_cluster()['brokers']))\n"
        "admin.close()\n"
    )
    done = _run([*SUPERVISOR, "run", "--", sys.executable, "-c", use_both])
    assert done.stdout.split() == ["prorata", "prorata", "1"], done.stderr
    assert done.returncode == 0


def test_the_exit_code_is_the_commands_and_nothing_is_left() -> None:
    with Supervised([*ONLY_POSTGRES, *command("sys.stdin.read(); sys.exit(7)")]) as supervised:
        assert supervised.exit_code() == 7
        supervised.assert_nothing_is_left()


def test_a_command_that_does_not_exist_is_reported_as_by_a_shell() -> None:
    done = _run([*ONLY_POSTGRES, "no-such-command"])
    assert done.returncode == 127
    assert "no-such-command: No such file or directory" in done.stderr


def test_a_server_that_does_not_start_is_reported_with_its_log() -> None:
    setting = ["--setting", "shared_buffers=nonsense"]
    done = _run([*SUPERVISOR, "run", "--only", "postgres", *setting, "--", "true"])
    assert done.returncode == 1
    assert 'invalid value for parameter "shared_buffers": "nonsense"' in done.stderr


def _interrupt_the_group(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)


def _terminate(process: subprocess.Popen[str]) -> None:
    process.terminate()


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()


ENDS = [
    pytest.param(_interrupt_the_group, 130, id="Ctrl-C"),
    pytest.param(_terminate, 143, id="SIGTERM"),
    pytest.param(_kill, -9, id="kill -9"),
]


@pytest.mark.parametrize(("end", "code"), ENDS)
def test_nothing_is_left_of_both_servers_and_a_command_that_would_run_for_ever(
    end: Callable[[subprocess.Popen[str]], None], code: int
) -> None:
    with Supervised([*SUPERVISOR, "run", "--", *command(FOREVER)]) as supervised:
        assert (
            supervised.number_of_processes > 8
        )  # the command and its child, a broker, a server and its workers
        end(supervised.process)
        supervised.assert_nothing_is_left()
        assert supervised.exit_code() == code


def test_nothing_is_left_when_make_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "command.py"
    program.write_text(command(FOREVER)[-1])
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"all:\n\t@{shlex.join([*ONLY_POSTGRES, sys.executable, str(program)])}\n")
    with Supervised(["make", "-f", str(makefile)]) as supervised:
        supervised.process.kill()
        supervised.assert_nothing_is_left()


def test_a_command_may_finish_its_own_work_after_ctrl_c() -> None:
    careful = command(FOREVER, first="signal.signal(signal.SIGINT, lambda *_: sys.exit(5))")
    with Supervised([*ONLY_POSTGRES, *careful]) as supervised:
        _interrupt_the_group(supervised.process)
        assert supervised.exit_code() == 5
        supervised.assert_nothing_is_left()


def test_servers_kept_up_end_with_the_process_they_are_kept_for() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as owner:
        up = [*SUPERVISOR, "up", "--only", "postgres", "--while", str(owner.pid)]
        with subprocess.Popen(
            up, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as servers:
            assert servers.stdout is not None
            assert servers.stdout.readline().startswith("export PRORATA_DATABASE_URL=postgresql://prorata@")
            owner.kill()
            servers.communicate(timeout=60)
            assert servers.returncode == 143


def test_the_folder_of_a_run_killed_with_its_guardian_is_swept_and_its_processes_ended() -> None:
    folder = Path(tempfile.mkdtemp(prefix="prorata-run-", dir=temporary_folder()))
    environment = {**os.environ, RUN_VARIABLE: str(folder)}
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, env=environment) as left:
        sweep()
        assert left.wait(60) == -9
    assert list(processes_started_by(folder)) == []
    assert not folder.exists()


def test_a_sweep_leaves_runs_alone_that_go_on() -> None:
    with Run() as run:
        sweep()
        assert run.directory.exists()
    assert not run.directory.exists()


def _run(program: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(program, cwd=ROOT, check=False, capture_output=True, text=True, timeout=90)
