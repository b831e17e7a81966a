"""A fault counts when it has hit, and only then."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.chaos.plan import Fault, Kind
from scripts.chaos.torment import Torment
from scripts.chaos.victims import ProcessVictim, ServerVictim

FAR = 1_000.0
READY = "import socket, time; held = socket.socket(); time.sleep(600)"
"""A program that is at work, as far as can be seen from outside, when it has a socket."""


class Elusive:
    """Up from its start on; it is missed so many times."""

    is_server = False

    def __init__(self, missed: int) -> None:
        self.name = "one"
        self.findings: list[str] = []
        self.seen: list[str] = []
        self.age = 1.0
        self.is_down = False
        self._missed = missed

    def start(self) -> None:
        self.seen.append("start")

    def suffer(self, kind: Kind) -> bool:
        self.seen.append(kind)
        return self.seen.count(kind) > self._missed

    def recover(self, kind: Kind) -> None:
        self.seen.append(f"after {kind}")

    def stop(self) -> None:
        self.seen.append("stop")


def quiet(_: str) -> None: ...


def fault(kind: Kind, victim: str = "one", *, age: float = 0.0) -> Fault:
    return Fault(1, kind, victim, age, 0.0)


def test_a_fault_that_missed_is_tried_again_and_counts_once() -> None:
    victim, said = Elusive(missed=2), list[str]()
    torment = Torment([victim], said.append)
    torment.run([fault("stall")], FAR)
    assert victim.seen == ["stall", "stall", "stall", "after stall"]
    assert torment.done == {"stall one": 1}
    assert len(said) == 1
    assert torment.stop() == []


def test_faults_that_had_no_time_do_not_count() -> None:
    victim = Elusive(missed=0)
    torment = Torment([victim], quiet)
    torment.run([fault("kill"), fault("stall")], 0)
    assert (victim.seen, torment.done) == ([], {})


def test_a_victim_that_does_not_come_up_is_a_finding_and_its_fault_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scripts.chaos.torment._COMES_UP_WITHIN", 0.1)
    torment = Torment([Elusive(missed=0)], quiet)
    torment.run([fault("kill", age=2.0), fault("stall")], FAR)
    assert torment.done == {"stall one": 1}
    [finding] = torment.stop()
    assert finding.startswith("one was not there to be hit within")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ProcessVictim]:
    victim = ProcessVictim("one", [sys.executable, "-c", READY], {}, tmp_path)
    yield victim
    victim.stop()


def at_work(victim: ProcessVictim) -> ProcessVictim:
    victim.start()
    while victim.age == 0:
        time.sleep(0.005)
    return victim


def test_a_paused_process_stands_still_and_a_killed_one_is_gone(process: ProcessVictim) -> None:
    at_work(process)
    assert process.suffer("pause")
    assert stands_still(process)
    process.recover("pause")
    assert not stands_still(process)
    assert process.suffer("kill")
    assert process.age == 0
    at_work(process)
    assert process.findings == []


def stands_still(victim: ProcessVictim) -> bool:
    assert victim._process is not None
    return Path(f"/proc/{victim._process.pid}/stat").read_text().rpartition(") ")[2][0] == "T"


def test_a_process_that_ended_by_itself_is_not_hit_and_what_it_said_is_a_finding(
    process: ProcessVictim, tmp_path: Path
) -> None:
    assert not process.suffer("kill")
    ending = ProcessVictim("two", [sys.executable, "-c", "raise SystemExit('lost')"], {}, tmp_path)
    ending.start()
    while not ending.is_down:
        time.sleep(0.005)
    assert not ending.suffer("pause")
    [finding] = ending.findings
    assert finding.startswith("two ended by itself with 1: …")
    assert "lost" in finding


class Sleeper:
    """A server, as far as faults go."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", READY])

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    stop = kill

    def pause(self) -> None: ...

    def resume(self) -> None: ...


def test_a_server_that_was_killed_counts_and_one_that_ended_by_itself_is_a_finding() -> None:
    server = Sleeper()
    victim = ServerVictim("server", server)
    victim.start()
    assert victim.suffer("kill")
    assert victim.is_down
    assert not victim.suffer("kill")
    victim.recover("kill")
    assert victim.findings == []
    assert server.process is not None
    server.process.terminate()
    server.process.wait()
    assert not victim.suffer("pause")
    assert victim.findings == ["server ended by itself with -15"]


def test_a_server_that_goes_on_was_not_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.chaos.victims._STOPS_WITHIN", 0.05)
    victim = ServerVictim("server", Sleeper())
    victim.start()
    assert not victim.suffer("pause")
    victim.stop()
