"""The browser that pages are tried with: PRORATA_CHROMIUM, else one on the path, else Debian's, installed as
root."""

from __future__ import annotations

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class NoBrowser(Exception):  # noqa: N818 - named for what it is
    """There is none, and none can be installed."""


def chromium() -> str:
    """The program. Raises NoBrowser."""
    named = os.environ.get("PRORATA_CHROMIUM")
    if named:
        if shutil.which(named) is None:
            raise NoBrowser(f"PRORATA_CHROMIUM names {named!r}, which is no program")
        return named
    found = next((path for name in NAMES if (path := shutil.which(name)) is not None), None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get") is not None:
        _install()
        found = shutil.which("chromium")
    if found is None:
        raise NoBrowser("no Chromium: name one in PRORATA_CHROMIUM, or install Debian's package chromium")
    return found


def flags() -> list[str]:
    """Its sandbox does not start as root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def _install() -> None:
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "chromium"]
    if not _done(install) and _done(["apt-get", "update", "--quiet"]):
        _done(install)


def _done(line: list[str]) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(line, check=False, stdout=subprocess.DEVNULL, env=environment).returncode == 0
