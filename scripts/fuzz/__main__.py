"""Give mutated files to what reads them: each must be accepted or refused correctly, and nothing may be
raised.

    python -m scripts.fuzz scenarios --files 50000 --seed 1 --workers 2
    python -m scripts.fuzz catalogues --files 50000
    python -m scripts.fuzz lines --files 50000

File `n` of a run has the seed `seed + n`, so `--files 1 --seed N` repeats it. Exit 1: something was found;
the first few are printed with their seeds. `scripts/fuzz/scenarios.py`, `catalogues.py` and `lines.py` state
what is checked (a "file" is one command line there).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from scripts.fuzz import catalogues, lines, scenarios
from scripts.fuzz.judging import Complaints, Fates

KINDS = {"scenarios": scenarios.judged, "catalogues": catalogues.judged, "lines": lines.judged}

_BATCH = 250
_SHOWN = 5


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: every file was accepted or refused correctly. 1: some were not."""
    parser = argparse.ArgumentParser(prog="fuzz", description="Mutated files, given to what reads them.")
    parser.add_argument("kind", choices=KINDS, help="for `prorata simulate`, `catalog check` or `command`")
    parser.add_argument("--files", type=int, default=10_000, help="how many (default 10000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first (default 1)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    options = parser.parse_args(arguments)
    begin, last = time.monotonic(), options.seed + options.files
    batches = [(first, min(first + _BATCH, last)) for first in range(options.seed, last, _BATCH)]
    fates: Fates = Counter()
    complaints: Complaints = []
    with ProcessPoolExecutor(options.workers) as pool:
        for had, found in pool.map(KINDS[options.kind], batches):
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
