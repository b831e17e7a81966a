"""Ports, once-made things and folders that other users may enter."""

import socket
import threading
from pathlib import Path

import pytest

from scripts.servers.cache import cache, locked, make_once
from scripts.servers.processes import free_port
from scripts.servers.run import is_reachable


def test_a_free_port_is_never_one_that_an_outgoing_connection_may_be_given() -> None:
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = [free_port() for _ in range(50)]
    assert not [port for port in ports if low <= port <= high]
    socket.create_server(("127.0.0.1", ports[-1])).close()  # as servers do, also after one that just ended


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRORATA_CACHE", str(tmp_path / "chosen"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert cache() == tmp_path / "chosen"
    monkeypatch.delenv("PRORATA_CACHE")
    assert cache() == tmp_path / "user" / "prorata"


def test_what_is_made_once_is_made_once_by_all_who_come_together(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(target: Path) -> None:
        made.append(target)
        target.write_text("made")

    def arrive() -> None:
        with locked(tmp_path):
            make_once(tmp_path / "thing", make)

    threads = [threading.Thread(target=arrive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert (tmp_path / "thing").read_text() == "made"


def test_what_was_not_finished_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "thing.partial").write_text("half")

    def fail(target: Path) -> None:
        target.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_once(tmp_path / "thing", fail)
    assert not (tmp_path / "thing").exists()
    make_once(tmp_path / "thing", lambda target: target.mkdir())
    assert (tmp_path / "thing").is_dir()


def test_a_folder_below_one_that_is_closed_to_others_is_not_reachable(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    assert not is_reachable(inner)
    assert is_reachable(Path("/tmp"))
