"""Servers of tests keep their files in memory only where there is room for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.servers.memory import folder_in_memory

ENOUGH = "MemTotal:  64000000 kB\nMemAvailable:   16000000 kB\n"


def given(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, meminfo: str = ENOUGH, free: int = 8, flags: int = 0
) -> Path | None:
    (folder / "meminfo").write_text(meminfo)
    found = os.statvfs_result((2**20, 2**20, free * 1024, free * 1024, free * 1024, 0, 0, 0, flags, 255))
    monkeypatch.setattr("os.statvfs", lambda _: found)
    return folder_in_memory(folder, folder / "meminfo")


def test_where_there_is_room_they_are_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert given(monkeypatch, tmp_path) == tmp_path


@pytest.mark.parametrize(
    "facts",
    [{"free": 3}, {"flags": os.ST_NOEXEC}, {"meminfo": "MemAvailable: 7000000 kB\n"}, {"meminfo": ""}],
    ids=["a small folder", "no programs", "little memory", "unknown memory"],
)
def test_elsewhere_they_are_where_all_temporary_files_are(
    facts: dict[str, int | str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert given(monkeypatch, tmp_path, **facts) is None  # type: ignore[arg-type]


def test_a_system_without_such_a_folder_has_none(tmp_path: Path) -> None:
    assert folder_in_memory(tmp_path / "none") is None
