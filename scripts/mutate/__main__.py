"""Make mutants of `domain/`, and find out whether some test fails on each (docs/mutation.md).

    python -m scripts.mutate                            # every mutant
    python -m scripts.mutate --sample 600 --seed 7      # so many, drawn at random
    python -m scripts.mutate --minutes 20 --seed 7      # as many, drawn at random, as that time allows
    python -m scripts.mutate --module plans --module settle
    python -m scripts.mutate --ledger                   # those of the ledger, by its own tests
    python -m scripts.mutate --quick --each 80          # so many of each module, by the quickest tests
    python -m scripts.mutate --again survivors.json     # those that an earlier run wrote with --save

Exit 1: fewer than 95 of 100 are killed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

from scripts.mutate.killers import Asked, Fate, Judge, with_tests
from scripts.mutate.mutants import Mutant, is_program, ledger_modules, modules, mutants
from scripts.mutate.on_import import can_judge, survives

WANTED = 95
"""The percentage of mutants that must be killed."""

Fates = dict[Mutant, Fate]


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: enough mutants are killed. 1: too few. 2: the tests cannot be run."""
    options = _options(arguments)
    chosen = _chosen(options)
    fates: Fates = {}

    def judge_all(judge: Judge) -> None:
        begin = time.monotonic()
        for count, mutant in enumerate(chosen, 1):
            if options.minutes and time.monotonic() - begin > 60 * options.minutes:
                break
            if not is_program(mutant) or not (mutant.change.function or can_judge(mutant.module)):
                continue
            fates[mutant] = _fate(mutant, judge)
            left = sum(fate.fate in ("survived", "not reached") for fate in fates.values())
            if fates[mutant].fate in ("survived", "not reached"):
                print(f"\r{fates[mutant].fate} {mutant}", flush=True)
            told = f"\r{count:,} of {len(chosen):,} mutants in {time.monotonic() - begin:,.0f} s, {left} left"
            print(told, end="", flush=True)
        print()

    asked = Asked({mutant.module for mutant in chosen}, options.quick)
    if with_tests(asked, judge_all) not in (0, 5) or not fates:
        return 2
    print(table(fates))
    if options.save:
        left = [mutant.name for mutant, fate in fates.items() if fate.fate in ("survived", "not reached")]
        options.save.write_text(json.dumps(left, indent=1) + "\n")
    return 0 if _percent(Counter(fate.fate for fate in fates.values())) >= WANTED else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutate", description="Mutants of domain/, held against the tests.")
    known = [*modules(), *ledger_modules()]
    parser.add_argument("--module", action="append", choices=known, help="only of this one; repeatable")
    parser.add_argument("--ledger", action="store_true", help="of consumers/finance_ledger, not of domain/")
    parser.add_argument("--sample", type=int, help="so many, drawn at random (default: all)")
    parser.add_argument("--each", type=int, help="so many of each module, drawn at random")
    parser.add_argument("--quick", action="store_true", help="ask only the quickest tests; not on import")
    parser.add_argument("--minutes", type=float, help="no new one after so many (default: no end)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default 1)")
    parser.add_argument("--save", type=Path, help="a file for the names of those that survive")
    parser.add_argument("--again", type=Path, help="only those that such a file names")
    return parser.parse_args(arguments)


def _chosen(options: argparse.Namespace) -> list[Mutant]:
    found = [mutant for module in options.module or _all_of(options) for mutant in _drawn(module, options)]
    if options.again:
        names = set(json.loads(options.again.read_text()))
        found = [mutant for mutant in found if mutant.name in names]
    if options.sample or (options.minutes and not options.each):
        found = Random(options.seed).sample(found, min(options.sample or len(found), len(found)))  # noqa: S311
    return found


def _all_of(options: argparse.Namespace) -> list[str]:
    return ledger_modules() if options.ledger else modules()


def _drawn(module: str, options: argparse.Namespace) -> list[Mutant]:
    """The module's mutants, or so many of them; without those on import where only quick tests are asked."""
    found = [mutant for mutant in mutants(module) if mutant.change.function or not options.quick]
    if options.each is None or options.each >= len(found):
        return found
    return sorted(Random(options.seed).sample(found, options.each), key=lambda mutant: mutant.number)  # noqa: S311


def _fate(mutant: Mutant, judge: Judge) -> Fate:
    if mutant.change.function:
        return judge(mutant)
    passes, timed_out = survives(mutant)
    return Fate("survived" if passes else "timeout" if timed_out else "killed", "")


def table(fates: Fates) -> str:
    """A table by module: mutants, killed, timed out, survivors, percent."""
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, fate in sorted(fates.items(), key=lambda judged: judged[0].module):
        by_module[mutant.module][fate.fate] += 1
    by_module["all"] = Counter(fate.fate for fate in fates.values())
    rows = ["| module | mutants | killed | by time | survive | % |", "|---|---|---|---|---|---|"]
    for module, counted in by_module.items():
        left = counted["survived"] + counted["not reached"]
        figures = [counted.total(), counted["killed"], counted["timeout"], left]
        cells = " | ".join(f"{figure:,}" for figure in figures)
        rows.append(f"| {module} | {cells} | {_percent(counted):.1f} |")
    return "\n".join(rows)


def _percent(counted: Counter[str]) -> float:
    return 100 * (counted["killed"] + counted["timeout"]) / max(1, counted.total())


if __name__ == "__main__":
    sys.exit(main())
