"""Run `prorata` within this process."""

from __future__ import annotations

import msgspec
import pytest

from prorata.cli.main import app
from prorata.cli.terminal.failures import explained


class Ran(msgspec.Struct, frozen=True):
    """A run's exit code and output."""

    exit_code: int
    out: str
    err: str


class Terminal:
    """Runs commands that need no server."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        try:
            exit_code = int(app(list(arguments), exit_on_error=False, print_error=False) or 0)
        except Exception as error:  # noqa: BLE001 - as `prorata.cli.main` does
            exit_code = explained(error)
        captured = self._capsys.readouterr()
        return Ran(exit_code, captured.out, captured.err)
