"""A year of accounts that were taken over from another system, beside the same accounts opened here: from the
import on each has the same lines, dates and amounts, the numbers of its invoices apart.

    python -m scripts.prove_imports --accounts 1000 --seed 0

Exit 1: some account differs; its seed and the difference are printed.
"""

from __future__ import annotations

import argparse
import sys
from itertools import count

from tests.support.domain.taking_over import compared


def main() -> int:
    parser = argparse.ArgumentParser(prog="prove_imports", description="A year of imported accounts.")
    parser.add_argument("--accounts", type=int, default=1_000, help="how many (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first (default 0)")
    options = parser.parse_args()
    told = invoices = 0
    for seed in count(options.seed):
        if told == options.accounts:
            break
        found = compared(seed)
        if found is None:
            continue  # no row could describe it at any moment of its story
        told, invoices = told + 1, invoices + found.invoices
        if found.difference is not None:
            print(f"seed {seed}: {found.difference}")
            return 1
    print(f"{told:,} accounts taken over, {invoices:,} invoices since: all as of the accounts opened here")
    return 0


if __name__ == "__main__":
    sys.exit(main())
