"""Run `prorata` in a process forked from one that has imported everything: to start Python and import takes
twenty times as long as most commands.

    code, out, err = Forked(["history", "a1"], environment).end(timeout=60)
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

_forks: Final = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.support.preloaded"])


def exit_code_of(target: Callable[..., None], *arguments: object, timeout: float = 60) -> int:
    """The exit code of a process that calls the function; below zero: the signal that ended it."""
    process = _forks.Process(target=target, args=arguments)
    process.start()
    process.join(timeout)
    assert process.exitcode is not None, f"it went on for {timeout} s"
    return process.exitcode


class Forked:
    """A run that has begun. Start and end all runs in one thread."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], given: bytes = b"") -> None:
        self._arguments = tuple(arguments)
        self._folder = TemporaryDirectory()
        Path(self._folder.name, "0").write_bytes(given)
        what = (self._arguments, dict(environment), self._folder.name)
        self._process = _forks.Process(target=_main, args=what)
        self._process.start()

    def end(self, timeout: float) -> tuple[int, str, str]:
        """Wait for its end; return exit code, stdout and stderr. After `timeout` seconds, kill it and raise
        TimeoutError."""
        with self._folder as folder:
            self._process.join(timeout)
            if (code := self._process.exitcode) is None:
                self._process.kill()
                self._process.join()
                raise TimeoutError(f"prorata {' '.join(self._arguments)} went on for {timeout} s")
            self._process.close()
            out, err = (Path(folder, number).read_bytes().decode() for number in "12")
            return code, out, err


def _main(arguments: tuple[str, ...], environment: dict[str, str], folder: str) -> None:
    """Do what the installed script does, with the files 0, 1 and 2 as standard streams."""
    from prorata.cli.main import main

    os.environ.clear()
    os.environ.update(environment)
    for number, flags in enumerate([os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT]):
        file = os.open(Path(folder, str(number)), flags, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - closed by the process's end
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = ["prorata", *arguments]
    sys.exit(main())
