"""A scenario's result as text: each difference with its rule, and lists compared line by line.

FAIL addon.json: first add-on charge is prorated to the plan's renewal date (R6, R12)
     $.steps[1].charged: purchase_addon custom_domain at 2026-04-05T18:30:00+02:00
       expected 4.84
       got      4.85
     $.expect.invoices (R24): 2 expected, 3 came
         2026-03-20 20.00
       - 2026-04-05 4.84
       + 2026-04-05 4.85
       + 2026-04-20 30.00
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

import msgspec

from domain.calendar import local_text, parse_moment
from domain.texts import escaped
from prorata.simulation.compare import Mismatch
from prorata.simulation.run import Result
from prorata.simulation.scenario import Scenario, Step

RULE_OF_PART = {
    "account.status": "R38",
    "account.anchor": "R3",
    "account.next_renewal": "R23",
    "account.support": "R46",
    "entitlements": "R44",
    "access_windows": "R45",
    "invoices": "R24",
    "invoice_totals": "R24",
    "invoices.date": "R24",
    "invoices.status": "R38",
    "invoices.lines.amount": "R6",
    "invoices.lines.days": "R6",
    "invoices.lines.of_days": "R6",
    "invoices.lines.unit_price": "R8",
    "invoices.number": "R47",
    "invoices.total": "R47",
    "invoices.lines": "R47",
}
"""Part of the state → the rule of RULES.md about it; a field that is not named here has its list's."""

_STEP = re.compile(r"\$\.steps\[(\d+)\]")
_HEAD = re.compile(r"^\$\.(expect|steps\[\d+\])\.?")


def readable(result: Result, scenario: Scenario, file: str) -> str:
    """One line on the scenario; below it every mismatch, if there are any."""
    if result.ok:
        return escaped(f"ok   {file}: {result.name}") + "\n"
    rules = f" ({', '.join(result.rules)})" if result.rules else ""
    lines = [f"FAIL {file}: {result.name}{rules}"]
    for mismatch in result.mismatches:
        lines += ["     " + line for line in _mismatch_lines(mismatch, scenario)]
    return "".join(escaped(line) + "\n" for line in lines)


def rule_of(place: str) -> str | None:
    """The rule about this part of an expected state; None for a step's answer, which the story's own rules
    cover."""
    part = re.sub(r"\[\d+\]", "", _HEAD.sub("", place))
    while part and part not in RULE_OF_PART:
        part = part.rpartition(".")[0]
    return RULE_OF_PART.get(part)


def _mismatch_lines(mismatch: Mismatch, scenario: Scenario) -> Iterator[str]:
    rule = rule_of(mismatch.where)
    head = mismatch.where + (f" ({rule})" if rule else "") + _circumstances(mismatch.where, scenario)
    expected, got = mismatch.expected, mismatch.got
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        yield f"{head}: {len(expected)} expected, {len(got)} came"
        zone = scenario.time_zone
        yield from _line_by_line([_entry(e, zone) for e in expected], [_entry(g, zone) for g in got])
        return
    yield head
    yield f"  expected {_text(expected)}"
    yield f"  got      {_text(got)}"


def _circumstances(place: str, scenario: Scenario) -> str:
    """The step's command and moment."""
    number = _STEP.match(place)
    return "" if number is None else f": {_step_text(scenario.steps[int(number[1])], scenario.time_zone)}"


def _step_text(step: Step, zone: str) -> str:
    fields = msgspec.to_builtins(step.do)
    words = fields.values() if "do" in fields else ["expect"]
    return f"{' '.join(str(word) for word in words if word is not None)} at {local_text(step.at, zone)}"


def _line_by_line(expected: Sequence[str], got: Sequence[str]) -> Iterator[str]:
    """The lines of both sides, those in common once; `-` marks one that was only expected, `+` one that only
    came."""
    for kind, i, until_i, k, until_k in SequenceMatcher(None, expected, got, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (f"    {line}" for line in expected[i:until_i])
        else:
            yield from (f"  - {line}" for line in expected[i:until_i])
            yield from (f"  + {line}" for line in got[k:until_k])


def _entry(value: Any, zone: str) -> str:
    """A list's entry as a line; a window is written as its two ends."""
    if not isinstance(value, dict) or value.keys() != {"from", "until"}:
        return _text(value)
    ends = [None if end is None else local_text(parse_moment(end, zone), zone) for end in value.values()]
    return " – ".join(end or "no end" for end in ends)


def _text(value: Any) -> str:
    if value is None:
        return "null"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
