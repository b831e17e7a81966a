"""Wait for the end of the run that started this process, then end the run's processes and remove its folder.

    python -I -S guardian.py FOLDER          (standard input: a pipe whose other end only the run holds)

It has its own session and needs only the standard library: neither Ctrl-C nor `kill -9` of the run, or of the
make above it, keeps it from cleaning up.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

RUN_VARIABLE = "PRORATA_RUN"
"""The environment variable with the run's folder, which everything that the run's command starts inherits."""

SERVER_GRACE = 5.0
"""Seconds that servers have to end by themselves, after the kernel signalled them at their parent's death."""


def processes_in(folder: Path) -> Iterator[int]:
    """The processes whose working directory is in the folder: servers with all their children."""
    for pid in _processes():
        with suppress(OSError):
            if Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder):
                yield pid


def processes_started_by(folder: Path) -> Iterator[int]:
    """The processes that the run's command started, directly or not."""
    mark = f"{RUN_VARIABLE}={folder}".encode()
    for pid in _processes():
        with suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                yield pid


def end_processes(folder: Path) -> None:
    """Kill the processes that the run's command left, and after their grace its servers."""
    deadline = time.monotonic() + SERVER_GRACE
    while True:
        servers, others = set(processes_in(folder)), set(processes_started_by(folder))
        if not servers and not others:
            return
        for pid in others if time.monotonic() < deadline else others | servers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def main(folder: Path) -> None:
    """Wait until standard input ends, then clean up."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    while os.read(0, 1):
        pass
    end_processes(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
