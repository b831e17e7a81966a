"""Where things made once for this machine are kept, and how they are made once."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache() -> Path:
    """$PRORATA_CACHE, else prorata in the user's cache folder."""
    if chosen := os.environ.get("PRORATA_CACHE"):
        return Path(chosen).resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").resolve() / "prorata"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process alone, made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_once(target: Path, make: Callable[[Path], None]) -> None:
    """Make under another name, then rename: what was cut short never looks finished. Call it `locked`."""
    if target.exists():
        return
    partial = target.with_name(f"{target.name}.partial")
    if partial.is_dir():
        shutil.rmtree(partial)
    else:
        partial.unlink(missing_ok=True)
    make(partial)
    partial.rename(target)
