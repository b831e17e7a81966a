"""The code that a process runs: its version and a digest of its sources, as builds may share a version."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("consumers", "domain", "eventlog", "projections", "prorata", "publishing", "service")


@cache
def code_version() -> str:
    """A text such as `0.1.0+3f9a61c2`; the digest is of the sources at the first call."""
    try:
        number = version("prorata")
    except PackageNotFoundError:  # not installed: run from a source folder
        number = "0"
    digest, root = hashlib.sha256(), Path(__file__).parents[2]
    for package in _PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            digest.update(f"{file.relative_to(root)}\0".encode())
            digest.update(file.read_bytes())
    return f"{number}+{digest.hexdigest()[:8]}"
