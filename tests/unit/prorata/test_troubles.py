"""Each thing that can be wrong makes a status that is not well, alone and with what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from prorata.processes.table import Process, State
from prorata.status.report import LeftoverTables, Overdue, ParkedKeys, ReaderLag, Status
from publishing.halts import Halt

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def process(name: str, state: State = "runs", **changes: Any) -> Process:
    made = Process(name, "host", 7, "1", state, 30.0, NOW - timedelta(days=9), "at work", None)
    return replace(made, **changes)


NAMES = ("archive:/srv/archive", "bill", "consume:entitlement_cache", "metrics", "project", "relay")
PROCESSES = tuple(process(name) for name in NAMES[1:])
ARCHIVE = process(NAMES[0], done_until=NOW - timedelta(hours=12))
HEARD = (ReaderLag("entitlement_cache", 9, 1.0),)

WELL = Status(
    at=NOW,
    log_position=9,
    sequence=None,
    fence=None,
    fence_seconds=None,
    broker=True,
    broker_problem=None,
    expected=NAMES,
    processes=(ARCHIVE, *PROCESSES),
    projections=(ReaderLag("calendar", 9, 0.0),),
    relays=(ReaderLag("events", 9, 0.0),),
    consumers=HEARD,
    overdue=Overdue(0, 0.0),
    unrecognised_days=0,
    parked=(),
    halts=(),
    leftovers=(LeftoverTables("calendar_v1", unfinished=False, running=False, remedy="drop it"),),
)


def test_all_is_well_where_everything_runs() -> None:
    assert WELL.troubles == ()


@pytest.mark.parametrize("state", ["silent", "stands still", "ended"])
@pytest.mark.parametrize("name", NAMES)
def test_each_process_that_does_not_work_is_named_with_its_command(name: str, state: State) -> None:
    left = tuple(p if p.name != name else replace(p, state=state) for p in WELL.processes)
    [trouble] = replace(WELL, processes=left).troubles
    assert trouble.startswith(name)
    assert "start it with `prorata " in trouble


@pytest.mark.parametrize("name", NAMES)
def test_each_process_that_never_came_is_named(name: str) -> None:
    left = tuple(p for p in WELL.processes if p.name != name)
    [trouble] = replace(WELL, processes=left).troubles
    assert trouble.startswith(f"{name} does not run and never announced itself here")


def test_one_of_two_that_works_is_enough() -> None:
    both = (*WELL.processes, process("bill", "silent"))
    assert replace(WELL, processes=both).troubles == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sequence": "the sequence of positions stands at 3"}, "stands at 3"),
        ({"broker": False, "broker_problem": "the broker does not answer: gone"}, "broker"),
        ({"halts": (Halt("finance_ledger", "gap", "records were lost", NOW),)}, "finance_ledger halted"),
        ({"parked": (ParkedKeys("calendar", 2),)}, "calendar: 2 parked"),
        ({"projections": (ReaderLag("calendar", 3, 61.0),)}, "calendar is 61 seconds behind"),
        ({"relays": (ReaderLag("events", None, 61.0),)}, "events is 61 seconds behind"),
        ({"consumers": (*HEARD, ReaderLag("ledger", 3, 61.0))}, "ledger is 61 seconds behind"),
        ({"consumers": (*HEARD, ReaderLag("ledger", 3, 0.0, 4))}, "`prorata replay ledger`"),
        ({"consumers": ()}, "entitlement_cache has not heard of every partition"),
        ({"consumers": (ReaderLag("entitlement_cache", 3, None),)}, "has not heard of every partition"),
        ({"fence": "backend 8", "fence_seconds": 61.0}, "held back for 61 seconds by backend 8"),
        ({"overdue": Overdue(3, 1200.0)}, "overdue accounts: 3, the first one for 20 minutes"),
        ({"unknown": ("overdue accounts",)}, "overdue accounts could not be counted"),
        ({"unrecognised_days": 2}, "`prorata ledger recognise`"),
        ({"leftovers": (LeftoverTables("ledger_next", True, False, "`prorata replay`"),)}, "ledger_next"),
        (
            {"processes": (replace(ARCHIVE, done_until=NOW - timedelta(hours=37)), *PROCESSES)},
            "archive:/srv/archive is behind",
        ),
        (
            {"processes": (ARCHIVE, *PROCESSES[:-1], replace(PROCESSES[-1], version="2"))},
            "processes run different code (1: ",
        ),
    ],
)
def test_each_other_thing_that_is_wrong_is_said_alone(changes: dict[str, Any], said: str) -> None:
    [trouble] = replace(WELL, **changes).troubles
    assert said in trouble


def test_tables_that_something_works_on_are_no_trouble() -> None:
    running = LeftoverTables("ledger_next", unfinished=True, running=True, remedy="`prorata replay`")
    assert replace(WELL, leftovers=(running,)).troubles == ()
