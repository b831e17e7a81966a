"""`prorata simulate`: scenario files against the rules, without database, broker or network."""

from __future__ import annotations

import glob
import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from domain.catalog import Catalog
from domain.errors import InvalidInput
from domain.happened import Happening
from domain.texts import escaped
from prorata.simulation.compare import Mismatch
from prorata.simulation.readable import readable
from prorata.simulation.run import Result, StepResult, run
from prorata.simulation.scenario import read_scenario
from prorata.simulation.shown import (
    ShownAccount,
    ShownCreditNote,
    ShownDiscount,
    ShownEntitlement,
    ShownInvoice,
    ShownWindows,
)

FILES_A_TASK = 100
"""The number of files that a worker process takes at once; fewer files, or one core, need no other
process."""


class _Output(msgspec.Struct, frozen=True):
    """The line that --json prints for a scenario (docs/scenarios.md)."""

    name: str
    ok: bool
    mismatches: tuple[Mismatch, ...]
    steps: tuple[StepResult, ...]
    account: ShownAccount
    invoices: tuple[ShownInvoice, ...]
    credit_notes: tuple[ShownCreditNote, ...]
    happened: tuple[Happening, ...]
    discounts: tuple[ShownDiscount, ...]
    entitlements: tuple[ShownEntitlement, ...]
    access_windows: tuple[ShownWindows, ...]


class Played(msgspec.Struct, frozen=True):
    """A file's outcome: the texts for stdout and stderr, and the exit code."""

    out: str
    err: str
    exit_code: int


def simulate(
    *files: Annotated[str, Parameter(help="Scenario files, folders of them, or glob patterns.")],
    json: Annotated[bool, Parameter(negative="", help="One JSON object a file, one a line.")] = False,
) -> int:
    """Play scenario files and compare what they expect.

    Exit 0: all hold. 1: at least one mismatch. 2: a file is not a scenario (said on stderr); the others
    are still run.
    """
    if not files:
        raise InvalidInput("usage", "", "give scenario files, a folder of them or a glob pattern")
    counts = {0: 0, 1: 0, 2: 0}
    for played in _play_all(list(_paths(files)), json=json):
        sys.stdout.write(played.out)
        if played.err:
            sys.stdout.flush()
            sys.stderr.write(played.err)
        counts[played.exit_code] += 1
    if not json:
        total = sum(counts.values())
        print(f"{total} scenarios: {counts[0]} hold, {counts[1]} do not, {counts[2]} are not valid")
    return max(code for code, count in counts.items() if count or code == 0)


def _paths(given: Iterable[str]) -> Iterator[Path]:
    """The files that the arguments name: a file, a folder's *.json except catalogues, or a pattern's
    matches."""
    for text in given:
        path = Path(text)
        if path.is_dir():
            found = sorted(p for p in path.rglob("*.json") if not p.name.startswith("catalog"))
        elif not path.exists() and glob.has_magic(text):
            matches = glob.glob(text, recursive=True)  # noqa: PTH207 - the pattern may be absolute
            found = [Path(match) for match in sorted(matches)]
        else:
            found = [path]
        if not found:
            raise InvalidInput("no_files", "", f"{text}: no scenario file there")
        yield from found


def _play_all(paths: list[Path], *, json: bool) -> Iterator[Played]:
    play_one = partial(play, json=json)
    workers = min(len(os.sched_getaffinity(0)), len(paths) // FILES_A_TASK)
    if workers < 2:
        yield from map(play_one, paths)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        yield from pool.map(play_one, paths, chunksize=FILES_A_TASK)


def play(path: Path, *, json: bool) -> Played:
    """Play one file; exit code 2 if it is not a scenario. Never raises, whatever the file holds."""
    try:
        scenario = read_scenario(path, _catalogs())
        result = run(scenario)
    except InvalidInput as error:
        return Played("", escaped(f"{path}: {error}") + "\n", 2)
    text = _json(result) if json else readable(result, scenario, path.name)
    return Played(text, "", 0 if result.ok else 1)


@lru_cache(maxsize=1)
def _catalogs() -> dict[Path, Catalog]:
    """The catalogue files read so far, by path."""
    return {}


def _json(result: Result) -> str:
    state = result.state
    output = _Output(
        result.name,
        result.ok,
        result.mismatches,
        result.steps,
        state.account,
        state.invoices,
        state.credit_notes,
        state.happened,
        state.discounts,
        state.entitlements,
        state.access_windows,
    )
    return msgspec.json.encode(output).decode() + "\n"
