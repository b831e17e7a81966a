"""A server whose syncs are slowed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.bench.scratch import commit_ms
from scripts.servers import slow_disk
from scripts.servers.postgres import PostgresServer
from scripts.servers.run import Run


def test_a_commit_takes_the_delay_longer_or_the_compiler_is_asked_for(servers_run: Run) -> None:
    server = PostgresServer(servers_run.directory / "postgres", sync_delay_ms=30)
    if shutil.which("cc") is None:
        with pytest.raises(RuntimeError, match="needs a C compiler"):
            server.start()
        return
    with server:
        assert commit_ms(server.url(), commits=3) >= 30


def test_without_a_compiler_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="needs a C compiler"):
        slow_disk.environment(tmp_path, 1)


def test_without_a_delay_nothing_is_made(tmp_path: Path) -> None:
    assert slow_disk.environment(tmp_path, 0) == {}
    assert list(tmp_path.iterdir()) == []
