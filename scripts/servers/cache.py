"""A folder for things that are made once for this machine."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache() -> Path:
    """The folder: $PRORATA_CACHE, else `prorata` in the user's cache folder."""
    if chosen := os.environ.get("PRORATA_CACHE"):
        return Path(chosen).resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").resolve() / "prorata"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder for this process; it is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_once(target: Path, make: Callable[[Path], None]) -> None:
    """Make the target under another name, then rename it, so that an interrupted one never looks finished.
    The caller holds `locked`."""
    if target.exists():
        return
    partial = target.with_name(f"{target.name}.partial")
    if partial.is_dir():
        shutil.rmtree(partial)
    else:
        partial.unlink(missing_ok=True)
    make(partial)
    partial.rename(target)
