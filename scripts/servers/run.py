"""A run's folder, and the promise that no process or file of the run outlives it.

with Run() as run:
    PostgresServer(run.directory / "postgres")
"""

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.servers import guardian

_PREFIX = "prorata-run-"


class Run:
    """A temporary folder that servers' users may enter. A guardian removes it, and ends the run's processes,
    however the run ends.

    If the guardian is killed too, the next run cleans up.
    """

    def __init__(self) -> None:
        sweep()
        self.directory, lock = _create()
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__, str(self.directory)],
            stdin=subprocess.PIPE,
            env={},  # without the mark of an outer run, by which that run's guardian would end this one's
            pass_fds=[lock],  # the folder stays locked until the guardian has finished
            start_new_session=True,
        )
        os.close(lock)

    @property
    def environment(self) -> dict[str, str]:
        """The environment for the run's command: the present one with the mark by which the guardian finds
        processes."""
        return {**os.environ, guardian.RUN_VARIABLE: str(self.directory)}

    def close(self) -> None:
        """End everything that the run started, and remove the folder."""
        assert self._guardian.stdin is not None
        self._guardian.stdin.close()
        self._guardian.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sweep() -> None:
    """Remove the folders of runs that were killed together with their guardian."""
    for folder in temporary_folder().glob(f"{_PREFIX}*"):
        with suppress(OSError):  # removed meanwhile, in use, or another user's
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                guardian.end_processes(folder)
                shutil.rmtree(folder)
            finally:
                os.close(lock)


def is_reachable(path: Path) -> bool:
    """Whether any user may reach the path: every folder on the way lets others pass."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents) if folder.is_dir())


def _create() -> tuple[Path, int]:
    """Make a folder; return it with the file descriptor that locks it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=temporary_folder()))
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:  # otherwise a sweep removed it before it was locked
            folder.chmod(0o755)
            return folder, lock
        os.close(lock)


def temporary_folder() -> Path:
    """The system's temporary folder; /tmp if the user of root's servers may not enter that one."""
    folder = Path(tempfile.gettempdir()).resolve()
    return folder if os.geteuid() != 0 or is_reachable(folder) else Path("/tmp")  # noqa: S108 - names in it are made by mkdtemp
