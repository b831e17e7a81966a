"""Scenario files for `prorata simulate`. Checked for each file:

* nothing is raised, and what is refused says the file and the place in it;
* what is not JSON in UTF-8, repeats a field, or breaks tests/scenarios/schema.json is refused;
* a text with a control character, line break or direction override is refused;
* what the schema accepts is refused only for a reason that docs/scenarios.md names (`REASONS`).
"""

from __future__ import annotations

import json
import re
import tempfile
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import jsonschema

from prorata.cli.simulate import Played, play
from scripts.fuzz import judging
from scripts.fuzz.judging import (
    Complaints,
    Fared,
    Fates,
    document_of,
    fault_of_shape,
    fault_of_texts,
    schema_of,
)
from scripts.fuzz.mutants import Change, changes, field_names, spoilt

SCENARIOS = Path(__file__).resolve().parents[2] / "tests" / "scenarios"

REASONS = {
    "time order": r"this step is before the one above it|no step is after `until`",
    "no such moment": r"is not a moment|is not a date|does not exist in|Invalid RFC3339|Expected `date`",
    "unknown currency or zone": r"is not a currency code|is not an IANA time zone",
    "catalogue cannot be read": r"cannot be read",
    "catalogue references": r"no (family|plan|product) has the id|is already the id of another",
    "something twice": r"stands twice|is named twice",
    "block steps": r"`up_to` must be above|exactly the last step has `up_to` null",
    "digits of an amount": r"digits after the point|an amount has at most 15 digits",
    "reprice of what is not sold": r"The catalogue has no (product|tier)|has no price in",
    "a whole number written as one": r"Expected `int(?: \| \w+)*`, got `float`",
    "text that forges a line": r"a text has no control characters",
    "size": r"of length <= |Expected `int` <= |out of range|recursion depth",
}
"""The reasons for which a file that satisfies the schema may be refused."""


def judged(seeds: tuple[int, int]) -> tuple[Fates, Complaints]:
    """Make and play the files of the seeds `[first, last)`."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "catalog.json").write_bytes((SCENARIOS / "catalog.json").read_bytes())
        file = Path(folder) / "stories" / "mutant.json"
        file.parent.mkdir()

        def fared(seed: int) -> Fared:
            data = mutant(seed)
            file.write_bytes(data)
            played = play(file, json=seed % 2 == 0)
            played.out.encode()
            fate = ("holds", "does not hold", "refused")[played.exit_code]
            return Fared(fate, complaint(data, file, played))

        return judging.judged(seeds, fared)


def mutant(seed: int) -> bytes:
    """A mutated scenario file: an example or story, changed."""
    random = Random(seed)  # noqa: S311 - must be repeatable, not secret
    story = deepcopy(random.choice(_originals()))
    if random.random() < 0.4 and isinstance(story.get("catalog"), str):
        story["catalog"] = deepcopy(_shipped())
    return spoilt(random, story, _changes())


@cache
def _originals() -> list[dict[str, Any]]:
    paths = [
        path for folder in ("examples", "stories") for path in sorted((SCENARIOS / folder).glob("*.json"))
    ]
    return [{"catalog": "../catalog.json", **json.loads(path.read_bytes())} for path in paths]


@cache
def _shipped() -> dict[str, Any]:
    catalog: dict[str, Any] = json.loads((SCENARIOS / "catalog.json").read_bytes())
    return catalog


@cache
def _changes() -> list[Change]:
    return [*changes(field_names(_originals())), _a_step_of_another_story]


def _a_step_of_another_story(random: Random, story: Any) -> None:
    steps = story.get("steps") if isinstance(story, dict) else None
    others = random.choice(_originals())["steps"]
    if isinstance(steps, list) and others:
        steps.insert(random.randint(0, len(steps)), deepcopy(random.choice(others)))


def complaint(data: bytes, file: Path, played: Played) -> str | None:
    """What is wrong with how the file was played; None if nothing is."""
    if played.exit_code != 2:
        fault = fault_of(data)
        return None if fault is None else f"played, though {fault}"
    if not re.fullmatch(re.escape(f"{file}: ") + r"[^\n]+ - at `\$[^\n]*`\n", played.err):
        return f"refused without file and place: {played.err[:300]!r}"
    if any(re.search(reason, played.err) for reason in REASONS.values()) or fault_of(data) is not None:
        return None
    return f"refused for a reason of its own: {played.err.removeprefix(str(file))[:300]!r}"


def fault_of(data: bytes) -> str | None:
    """Why the file must be refused: it is not JSON, repeats a field, breaks the schema or has a text that
    would forge a line; None if it must not be."""
    try:
        document = document_of(data)
        return fault_of_shape(document, _schema()) or fault_of_texts(document)
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"


@cache
def _schema() -> jsonschema.Draft202012Validator:
    return schema_of((SCENARIOS / "schema.json").read_text(encoding="utf-8"))
