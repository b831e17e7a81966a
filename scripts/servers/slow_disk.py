"""Simulate a slower disk for PostgreSQL, without special rights: each disk sync is delayed.

It is done by a preloaded library of twenty lines of C, which needs a C compiler.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SOURCE = Path(__file__).with_name("slow_disk.c")


def environment(directory: Path, delay_ms: float) -> Mapping[str, str]:
    """The variables to add to the server's environment; the library is made in `directory`, which its user
    may enter.

    Raises RuntimeError if there is no compiler, or it fails.
    """
    if delay_ms <= 0:
        return {}
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("a slowed disk needs a C compiler: no `cc` was found")
    library = directory / "slow_disk.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl"]
    made = subprocess.run(command, capture_output=True, check=False, text=True)
    if made.returncode != 0:
        raise RuntimeError(f"cc could not compile {_SOURCE.name}:\n{made.stderr}")
    library.chmod(0o755)
    return {"LD_PRELOAD": str(library), "PRORATA_SYNC_DELAY": str(round(delay_ms * 1000))}
