"""The journal, and its months, as CSV: for a spreadsheet, a warehouse, or another ledger's import.

A text that a spreadsheet would take for a formula has an apostrophe before it.

for line in csv_of(LedgerEntry, entries(connection, selection)):
    print(line)
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_of(kind: type[msgspec.Struct], rows: Iterable[msgspec.Struct]) -> Iterator[str]:
    """The lines, the fields' names first. Amounts are plain decimals, days ISO 8601; None is empty."""
    yield _line(kind.__struct_fields__)
    for row in rows:
        yield _line(map(_cell, msgspec.structs.astuple(row)))


def _line(cells: Iterable[Any]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_BEGINS_A_FORMULA):
        return f"'{value}"
    return f"{value:f}" if isinstance(value, Decimal) else value
