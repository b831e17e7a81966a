"""A relay whose transaction hung is replaced by a process of the same command, started as it was."""

from __future__ import annotations

import os
import sys

import pytest

from prorata.cli.operate import workers


@pytest.mark.parametrize(
    "started", [["python", "-m", "prorata", "relay"], ["python", "-X", "dev", "/opt/bin/prorata", "relay"]]
)
def test_it_begins_anew_as_it_was_started(monkeypatch: pytest.MonkeyPatch, started: list[str]) -> None:
    begun: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(sys, "orig_argv", started)
    monkeypatch.setattr(os, "execv", lambda path, line: begun.append((path, line)))
    workers._begin_anew()
    assert begun == [(sys.executable, [sys.executable, *started[1:]])]
