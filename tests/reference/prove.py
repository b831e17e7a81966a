"""Random histories, told by the model and by the product, until they differ or all are told.

    python -m scripts.prove --histories 100000 --seed 7 --workers 2
    python -m scripts.prove --features versions,tax

History `n` of a run has the seed `seed + n`: `--histories 1 --seed N` with the same features tells it alone.
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from random import Random
from typing import Any

from tests.reference.agreement import first_difference
from tests.reference.shrinking import shrunk
from tests.reference.stories import story
from tests.reference.switches import NAMES, drawn

_BATCH = 100


def main(arguments: list[str] | None = None) -> int:
    """0: no history differs. 1: some do; their seeds and the shortest story of the first are printed."""
    options = _options(arguments)
    start = time.monotonic()
    end = options.seed + options.histories
    features = options.features
    batches = [(low, min(low + _BATCH, end), features) for low in range(options.seed, end, _BATCH)]
    told, failed = 0, list[int]()
    with ProcessPoolExecutor(options.workers) as pool:
        for (low, high, _), seeds in zip(batches, pool.map(_differing, batches), strict=True):
            told += high - low
            failed += seeds
            for seed in seeds:
                print(f"\nhistory {seed} differs", flush=True)
            rate = told / (time.monotonic() - start)
            progress = f"{told:,} of {options.histories:,} histories, {rate:,.0f}/s, {len(failed)} differ"
            print("\r" + progress, end="", flush=True)
    print()
    if failed:
        print(report(failed[0], features))
    return 1 if failed else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    about = "Hold the product against the reference model of RULES.md."
    parser = argparse.ArgumentParser(prog="prove", description=about)
    parser.add_argument("--histories", type=int, default=10_000, help="how many (default 10000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first (default 0)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    known = ", ".join(NAMES)
    parser.add_argument("--features", type=_features, default=NAMES, help=f"of {known} (default: all)")
    return parser.parse_args(arguments)


def _features(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    if unknown := set(names) - set(NAMES):
        raise argparse.ArgumentTypeError(f"there is no feature {', '.join(sorted(unknown))}")
    return names


def history(seed: int, features: tuple[str, ...] = NAMES) -> dict[str, Any]:
    """The story of the seed: it has some of the features, none, or all."""
    random = Random(seed)
    return story(random, switches=drawn(random, features))


def _differing(batch: tuple[int, int, tuple[str, ...]]) -> list[int]:
    return differing(*batch)


def differing(low: int, high: int, features: tuple[str, ...] = NAMES) -> list[int]:
    """The seeds from `low` up to `high` whose histories differ."""
    return [seed for seed in range(low, high) if first_difference(history(seed, features)) is not None]


def report(seed: int, features: tuple[str, ...] = NAMES) -> str:
    """The seed, the first difference, and the shortest story that shows it."""
    found = history(seed, features)
    difference = first_difference(found)
    shortest = shrunk(found, lambda candidate: _differs_alike(candidate, difference))
    return f"seed {seed}\n{first_difference(shortest)}\n{as_file(shortest)}"


def _differs_alike(candidate: dict[str, Any], difference: str | None) -> bool:
    """Whether it differs too, and not by a crash where there was none."""
    try:
        found = first_difference(candidate)
    except Exception:  # noqa: BLE001 - what is left out may make the story one that cannot be told
        return False
    crashed = "the product raises"
    return found is not None and found.startswith(crashed) == (difference or "").startswith(crashed)


def as_file(story: dict[str, Any]) -> str:
    """The story as a scenario file, a step a line."""
    fields = {name: json.dumps(value) for name, value in story.items()}
    fields["steps"] = "[\n    " + ",\n    ".join(json.dumps(step) for step in story["steps"]) + "\n  ]"
    return "{\n  " + ",\n  ".join(f'"{name}": {text}' for name, text in fields.items()) + "\n}"
