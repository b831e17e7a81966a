"""The journal as beancount's own checker sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from consumers.checkpoints import Connection
from consumers.finance_ledger.beancount import exported
from consumers.finance_ledger.entries import Selection


def export(connection: Connection, selection: Selection) -> list[str]:
    """The file's lines."""
    with connection.transaction():
        return list(exported(connection, selection))


def bean_check(file: Path, text: str) -> str:
    """What the checker says of a file with that text, nothing if all is well."""
    file.write_text(text)
    program = Path(sys.executable).parent / "bean-check"
    return subprocess.run([program, file], capture_output=True, text=True, check=False).stderr
