"""Folders in memory, for servers whose data is thrown away.

A new database consists of some three hundred files: they take half a second on some disks, and a fiftieth of
that in memory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

SHARED: Final = Path("/dev/shm")  # noqa: S108 - names in it are made by mkdtemp

_ROOM: Final = 4 * 1024**3
"""Bytes needed: several times what a run of all tests holds at once."""


def folder_in_memory(shared: Path = SHARED, meminfo: Path = Path("/proc/meminfo")) -> Path | None:
    """A folder whose files stay in memory; None if there is none, if it lacks room or memory lacks twice as
    much, or if it does not allow programs to run, as is usual in containers."""
    try:
        found = os.statvfs(shared)
    except OSError:
        return None
    free, executable = found.f_bavail * found.f_frsize, not found.f_flag & os.ST_NOEXEC
    return shared if executable and free >= _ROOM and _available(meminfo) >= 2 * _ROOM else None


def _available(meminfo: Path) -> int:
    """Bytes of memory that are available without swapping."""
    for line in meminfo.read_text().splitlines():
        name, _, size = line.partition(":")
        if name == "MemAvailable":
            return int(size.split()[0]) * 1024
    return 0
