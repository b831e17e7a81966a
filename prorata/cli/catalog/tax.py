"""`prorata tax check`, `load`, `list` and `show`: the tables by which taxes are decided (docs/tax.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from domain.terms import tax_in
from prorata.cli.catalog.terms import (
    AsFile,
    Json,
    Version,
    check_terms,
    list_terms,
    load_terms,
    show_terms,
)

NAME = "tax table"
File = Annotated[Path, Parameter(help="The tax table, JSON.")]


def check(file: File) -> int:
    """Whether the file is a tax table that can be loaded, with a summary.

    Exit 2: it can not; the place and the reason are said on stderr.
    """
    return check_terms("tax", file, NAME, _summary)


def load(file: File) -> int:
    """Load a tax table for accounts on the wall clock: with the first one tax is on (R71).

    It takes the place of the one before for every invoice from now on, each by its own date; what was
    invoiced stays as it is. The one that counts already is not loaded again.
    """
    return load_terms("tax", file, NAME)


def list_(*, json: Json = False) -> int:
    """Every tax table that was loaded; the last one counts."""
    return list_terms("tax", json=json)


def show(version: Version = None, *, json: AsFile = False) -> int:
    """A tax table: the seller's country, and each rate with its beginning.

    Exit 2: there is no such version, or none is loaded.
    """
    return show_terms("tax", version, NAME, _summary, json=json)


def _summary(body: bytes) -> Iterator[str]:
    file = tax_in(body)
    yield f"seller in {file.seller}"
    if not file.rates:
        yield "no rates: every invoice is outside its scope"
    for row in sorted(file.rates, key=lambda row: (row.country, row.region or "", row.from_)):
        where = row.country if row.region is None else f"{row.country}, {row.region}"
        yield f"{where}: {row.rate} % from {row.from_}"
