"""`prorata bench domain --json` says one measurement a line."""

from __future__ import annotations

import json

import pytest

from scripts.bench.__main__ import domain


def test_each_line_names_what_was_measured_in_which_unit(capsys: pytest.CaptureFixture[str]) -> None:
    assert domain(rounds=1, json=True) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["name"], line["unit"]) for line in lines] == [
        ("decide and evolve", "commands/s"),
        ("settle", "renewals/s"),
        ("evolve", "events/s"),
        ("settle with two taxes and a discount", "renewals/s"),
    ]
    for line in lines[:3]:
        assert line["ours"] > 0
        assert line["peer"] is None
        assert line["ratio"] is None
    assert lines[3]["peer"] > 0
    assert lines[3]["ratio"] > 0
