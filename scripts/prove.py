"""Play random histories with the reference model of RULES.md and with the product, until they differ.

    python -m scripts.prove --histories 100000 --seed 7 --workers 2

Exit 1: a history differs; its seed and the shortest story that shows the difference are printed. The model is
in `tests/reference/`.
"""

from __future__ import annotations

import sys

from tests.reference.prove import main

if __name__ == "__main__":
    sys.exit(main())
