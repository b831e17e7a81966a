"""`prorata discounts check`, `load`, `list` and `show`: the codes by which customers get discounts
(docs/tax.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from domain.terms import discounts_in
from domain.terms_file import CodeFile
from prorata.cli.catalog.terms import (
    AsFile,
    Json,
    Version,
    check_terms,
    list_terms,
    load_terms,
    show_terms,
)

NAME = "list of discount codes"
File = Annotated[Path, Parameter(help="The codes, JSON.")]


def check(file: File) -> int:
    """Whether the file is a list of discount codes, with a summary. `load` looks too whether the catalogue
    sells the products that are named.

    Exit 2: it is not; the place and the reason are said on stderr.
    """
    return check_terms("discounts", file, NAME, _summary)


def load(file: File) -> int:
    """Load the discount codes that accounts on the wall clock can use from now on (R79).

    The list takes the place of the one before: a code that it does not hold can be used no more. What was
    granted by a code goes on as it was granted.

    Exit 2: it cannot be loaded, also since a code names a product that no version of the catalogue sells.
    """
    return load_terms("discounts", file, NAME)


def list_(*, json: Json = False) -> int:
    """Every list of codes that was loaded; the last one counts."""
    return list_terms("discounts", json=json)


def show(version: Version = None, *, json: AsFile = False) -> int:
    """A list of codes, each with its terms.

    Exit 2: there is no such version, or none is loaded.
    """
    return show_terms("discounts", version, NAME, _summary, json=json)


def _summary(body: bytes) -> Iterator[str]:
    codes = discounts_in(body).discounts
    if not codes:
        yield "no codes"
    for code in codes:
        yield f"{code.code}: {', '.join(_terms(code))}"


def _terms(code: CodeFile) -> Iterator[str]:
    """What the code gives, for how long, of what, and until when it can be used."""
    if code.percent is not None:
        yield f"{code.percent} %"
    for currency, amount in sorted((code.fixed or {}).items()):
        yield f"{amount} {currency}"
    if code.carried:
        yield "carried until it is used up"
    elif isinstance(code.for_, int):
        yield f"for {code.for_} months"
    else:
        yield "for ever" if code.for_ == "forever" else "once"
    everything = "every line" if code.carried else "all plans"
    yield f"for {', '.join(code.products) if code.products else everything}"
    if code.last_day is not None:
        yield f"until {code.last_day}"
