"""How a run of faults ends: what it says last, and with which exit code."""

from __future__ import annotations

import pytest

from scripts.chaos import __main__ as chaos
from scripts.chaos.outcome import Outcome

FAULTS = {"kill broker": 2, "stall line to broker": 1}


def outcome(*findings: str, planned: int = 3) -> Outcome:
    return Outcome("chaos", 7, planned, FAULTS, {"events published": 5}, list(findings), 12.3)


def test_the_last_line_sums_up_how_many_faults_were_done() -> None:
    assert outcome().lines() == [
        "faults: 2 kill broker, 1 stall line to broker",
        "chaos: seed 7, 3 faults in 12 s, 5 events published: all holds",
    ]
    assert ", 3 of 40 faults in " in outcome(planned=40).lines()[-1]


def test_findings_are_listed_up_to_a_number_and_counted() -> None:
    assert outcome("an event is lost").lines()[1:] == [
        "FINDING an event is lost",
        "chaos: seed 7, 3 faults in 12 s, 5 events published: 1 findings",
    ]
    many = outcome(*map(str, range(50))).lines()
    assert len(many) == 23
    assert "… and 30 more findings" in many
    assert many[-1].endswith(": 50 findings")


@pytest.mark.parametrize("part", ["log", "broker"])
@pytest.mark.parametrize(("findings", "code"), [((), 0), (("an event is lost",), 1)])
def test_a_finding_makes_the_exit_code_1(
    part: str,
    findings: tuple[str, ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[tuple[int, int, float]] = []

    def run(seed: int, kills: int, seconds: float, say: object) -> Outcome:
        asked.append((seed, kills, seconds))
        return outcome(*findings)

    monkeypatch.setitem(chaos.RUNS, part, run)
    monkeypatch.setattr("sys.argv", ["chaos", part, "--seed", "7", "--kills", "3", "--minutes", "2"])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert chaos.main() == code
    assert asked == [(7, 3, 120)]
    assert capsys.readouterr().out.splitlines() == outcome(*findings).lines()
