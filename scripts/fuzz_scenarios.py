"""Mutated scenario files, given to `prorata simulate`: each is played or refused with file and place, and
never is one accepted that the schema refuses.

    python -m scripts.fuzz_scenarios --files 50000 --seed 1 --workers 2

File `n` of a run has the seed `seed + n`: `--files 1 --seed N` makes it alone. Exit 1 where something was
found: the first few are printed with their seeds.

Held against each file's fate:

* nothing is raised, and what is refused says the file and the place in it;
* what is not JSON in UTF-8, repeats a field, or breaks tests/scenarios/schema.json is refused;
* what the schema accepts is refused only for a reason that docs/scenarios.md names (`REASONS`).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from prorata.cli.simulate import Played, play
from scripts.mutated_scenarios import SCENARIOS, mutant

REASONS = {
    "time order": r"this step is before the one above it|no step is after `until`",
    "no such moment": r"is not a moment|is not a date|does not exist in|Invalid RFC3339|Expected `date`",
    "unknown currency or zone": r"is not a currency code|is not an IANA time zone",
    "catalogue cannot be read": r"cannot be read",
    "catalogue references": r"no (family|plan) has the id|stands twice|is already the id of another",
    "block steps": r"`up_to` must be above|exactly the last step has `up_to` null",
    "digits of an amount": r"digits after the point|an amount has at most 15 digits",
    "reprice of what is not sold": r"The catalogue has no (product|tier)|has no price in",
    "a whole number written as one": r"Expected `int(?: \| null)?`, got `float`",
    "size": r"of length <= |Expected `int` <= |out of range|recursion depth",
}
"""Why a file that keeps to the schema is refused all the same."""

_BATCH = 250
_SHOWN = 5


def fault_of(data: bytes) -> str | None:
    """Why the file must be refused: not JSON, a field twice, or the schema; None: the schema accepts it."""
    try:
        document = json.loads(data.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_once)
        json.dumps(document, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is no text
        found = next(_schema().iter_errors(document), None)
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"
    return None if found is None else f"{found.json_path}: {found.message[:200]}"


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field stands twice")
    return fields


@cache
def _schema() -> jsonschema.Draft202012Validator:
    """Its patterns as JSON Schema means them: $ is the end, a digit is one of ten."""
    text = (SCENARIOS / "schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text.replace("\\\\d", "[0-9]").replace('$"', '\\\\Z"')))


def complaint(data: bytes, file: Path, played: Played) -> str | None:
    """What is wrong with how the file was played; None: nothing."""
    if played.exit_code != 2:
        fault = fault_of(data)
        return None if fault is None else f"played, though {fault}"
    if not re.fullmatch(re.escape(f"{file}: ") + r"[^\n]+ - at `\$[^\n]*`\n", played.err):
        return f"refused without file and place: {played.err[:300]!r}"
    if any(re.search(reason, played.err) for reason in REASONS.values()) or fault_of(data) is not None:
        return None
    return f"refused for a reason of its own: {played.err.removeprefix(str(file))[:300]!r}"


def judged(seeds: tuple[int, int]) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Make and play the files of the seeds `[first, last)`: how many had which fate, and the complaints."""
    fates: Counter[str] = Counter()
    complaints: list[tuple[int, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "catalog.json").write_bytes((SCENARIOS / "catalog.json").read_bytes())
        file = Path(folder) / "stories" / "mutant.json"
        file.parent.mkdir()
        for seed in range(*seeds):
            data = mutant(seed)
            file.write_bytes(data)
            try:
                played = play(file, json=seed % 2 == 0)
                played.out.encode()
                found = complaint(data, file, played)
                fates[("holds", "does not hold", "refused")[played.exit_code]] += 1
            except Exception as error:  # noqa: BLE001 - a crash is what is looked for
                found = f"raised {type(error).__name__}: {error}"
            if found is not None:
                complaints.append((seed, found))
    return fates, complaints


def main(arguments: list[str] | None = None) -> int:
    """0: every file was played or refused as it must be. 1: some were not."""
    parser = argparse.ArgumentParser(prog="fuzz_scenarios", description="Mutated scenario files, played.")
    parser.add_argument("--files", type=int, default=10_000, help="how many (default 10000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first (default 1)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    options = parser.parse_args(arguments)
    begin, last = time.monotonic(), options.seed + options.files
    batches = [(first, min(first + _BATCH, last)) for first in range(options.seed, last, _BATCH)]
    fates: Counter[str] = Counter()
    complaints: list[tuple[int, str]] = []
    with ProcessPoolExecutor(options.workers) as pool:
        for had, found in pool.map(judged, batches):
            fates += had
            complaints += found
    told = ", ".join(f"{count:,} {fate}" for fate, count in sorted(fates.items()))
    print(
        f"{options.files:,} files in {time.monotonic() - begin:,.0f} s: {told}; {len(complaints)} complaints"
    )
    for seed, text in complaints[:_SHOWN]:
        print(f"seed {seed}: {text}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
