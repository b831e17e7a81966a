"""Run the servers' supervisor, and observe what it has started and what is left of it."""

import os
import select
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

from scripts.servers.guardian import processes_in, processes_started_by

ROOT = Path(__file__).parents[2]
SUPERVISOR = [sys.executable, "-m", "scripts.servers"]

# Prints where it runs, leaves a process in another session behind, and continues as told.
COMMAND = """
import os, signal, subprocess, sys
{first}
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
print(os.environ["PRORATA_RUN"], flush=True)
{then}
"""
FOREVER = "signal.pause()"


def command(then: str, first: str = "") -> list[str]:
    """A command for the supervisor that runs `first`, reports itself, and ends with these statements."""
    return [sys.executable, "-c", COMMAND.format(first=first, then=then)]


class Supervised:
    """The supervisor, or a program that starts it, up to the moment at which its command runs."""

    def __init__(self, program: list[str]) -> None:
        self.process = subprocess.Popen(
            program,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.folder = Path(self.process.stdout.readline().strip())
        guardian = _process_with_arguments("guardian.py", str(self.folder))
        started = {*processes_in(self.folder), *processes_started_by(self.folder), guardian}
        self._ends: dict[int, int] = {}
        for pid in started:
            with suppress(ProcessLookupError):
                self._ends[pid] = os.pidfd_open(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        for descriptor in self._ends.values():
            os.close(descriptor)

    @property
    def number_of_processes(self) -> int:
        """The processes of the command, of what it started, of the servers, and the guardian."""
        return len(self._ends)

    def exit_code(self) -> int:
        """Close its standard input, and wait for its end."""
        self.process.communicate(timeout=60)
        return self.process.returncode

    def assert_nothing_is_left(self) -> None:
        """Assert that none of its processes, early or late, is left, nor the folder."""
        for pid, descriptor in self._ends.items():
            assert select.select([descriptor], [], [], 30)[0], f"{pid} is still there"
        assert [*processes_in(self.folder), *processes_started_by(self.folder)] == []
        assert not self.folder.exists()


def _process_with_arguments(*endings: str) -> int:
    """The process whose command line ends like this."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and _ends_with(_arguments(int(entry)), endings):
            return int(entry)
    raise AssertionError(f"no process with {endings}")


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []


def _ends_with(arguments: list[str], endings: Iterable[str]) -> bool:
    endings = list(endings)
    last = arguments[-len(endings) :]
    return len(last) == len(endings) and all(map(str.endswith, last, endings))
