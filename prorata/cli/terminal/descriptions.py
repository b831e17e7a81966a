"""What a command is for, read from its source: a list of commands imports none of them.

described("prorata.cli.operate.bill:bill")     # "Settle what fell due by itself: …"
"""

from __future__ import annotations

import re
from pathlib import Path

import prorata


def described(function: str) -> str:
    """The first paragraph of the docstring of the function at `module:name`, on one line."""
    module, _, name = function.partition(":")
    source = Path(prorata.__path__[0]).parent.joinpath(*module.split(".")).with_suffix(".py")
    found = re.search(
        rf'^(?:async )?def {name}\(.*?^    """(.*?)(?:"""|\n\n)', source.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"{function} has no docstring"
    return " ".join(found[1].split())
