"""`prorata bench lookup` asks the entitlement cache what it would be asked. How fast is not tested."""

from __future__ import annotations

import json

import pytest

from scripts.bench import __main__ as bench
from scripts.bench import lookup


def test_lookups_are_measured_beside_the_plain_select(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.lookup(rows=100, lookups=50, rounds=2, json=True) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["name"], line["unit"], line["rounds"]) for line in lines] == [
        ("lookup p50", "ms", 2),
        ("lookup p99", "ms", 2),
    ]
    for line in lines:
        assert line["peer"] > 0
        assert line["about"] == {"rows": 100, "lookups a round": 50}
    assert 0 < lines[0]["ours"] <= lines[1]["ours"]


def test_a_wrong_answer_ends_it(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_HEARD", "select %s::text, %s::text, %s::integer")  # so nothing is known
    with pytest.raises(AssertionError, match="nothing was heard"):
        list(lookup.lookup(rows=100, lookups=50, rounds=1))
