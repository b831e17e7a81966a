"""Catalogue files for `prorata catalog check --alone`. Checked for each file:

* exit 0 with a summary and a silent stderr, or exit 2 with one line that says file, place and reason;
* what is not JSON in UTF-8, repeats a field, breaks prorata/catalog.schema.json, or has a fault that only
  the whole shows (`fault_beyond_shape`) is refused;
* nothing else is refused, but a number beyond all bounds.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import jsonschema

from domain.money import MAX_DIGITS, MINOR_DIGITS
from domain.texts import escaped
from prorata.catalog_schema import schema_text
from prorata.cli.catalog.files import check
from prorata.cli.terminal.failures import explained
from scripts.fuzz import judging
from scripts.fuzz.judging import (
    Complaints,
    Fared,
    Fates,
    document_of,
    fault_of_shape,
    fault_of_texts,
    schema_of,
)
from scripts.fuzz.mutants import Change, changes, field_names, spoilt
from tests.reference.catalogues import catalogue

SHIPPED = Path(__file__).resolve().parents[2] / "tests" / "scenarios" / "catalog.json"
SIZE = r"out of range|recursion depth|Expected `int(?: \| null)?`, got `float`"
"""Reasons for a refusal that our checks do not know: numbers out of range, depth, a whole number written
2.0."""


def judged(seeds: tuple[int, int]) -> tuple[Fates, Complaints]:
    """Make and check the files of the seeds `[first, last)`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mutant.json"

        def fared(seed: int) -> Fared:
            data = mutant(seed)
            file.write_bytes(data)
            exit_code, out, err = checked(file)
            fate = {0: "valid", 2: "refused"}.get(exit_code, f"exit {exit_code}")
            return Fared(fate, complaint(data, file, exit_code, out, err))

        return judging.judged(seeds, fared)


def checked(file: Path) -> tuple[int, str, str]:
    """`prorata catalog check --alone` of the file, in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            exit_code = check(file, alone=True)
        except Exception as error:  # noqa: BLE001 - as `prorata.cli.main` does
            exit_code = explained(error)
    return exit_code, out.getvalue(), err.getvalue()


def mutant(seed: int) -> bytes:
    """A mutated catalogue file: the shipped one or a random one, changed."""
    random = Random(seed)  # noqa: S311 - must be repeatable, not secret
    if random.random() < 0.5:
        document = deepcopy(_shipped())
    else:
        document = catalogue(random, random.choice(["EUR", "JPY", "KWD"]))
    return spoilt(random, document, _changes())


@cache
def _shipped() -> dict[str, Any]:
    catalog: dict[str, Any] = json.loads(SHIPPED.read_bytes())
    return catalog


@cache
def _changes() -> list[Change]:
    return changes([*field_names([_shipped()]), "CHF", "KWD", "XXX", "eur"])


# ---- the correct outcome --------------------------------------------


def complaint(data: bytes, file: Path, exit_code: int, out: str, err: str) -> str | None:
    """What is wrong with the check's outcome; None if nothing is."""
    if exit_code not in (0, 2):
        return f"exit {exit_code}: {err[-300:]!r}"
    if not all(escaped(line) == line for line in (out + err).split("\n")):
        return f"what is said moves the cursor: {(out + err)[:300]!r}"
    fault = fault_of(data)
    if exit_code == 0:
        if not out.startswith(f"{file}: a valid catalogue, version ") or err:
            return f"passed without a summary: {(out + err)[:300]!r}"
        return None if fault is None else f"passed, though {fault}"
    said = re.escape(f"prorata: invalid_catalog: {{}} - at `{file}: $").replace(r"\{\}", r"[^\n]+")
    if out or not re.fullmatch(said + r"[^\n]*`\n", err):
        return f"refused without file, place and reason: {(out + err)[:300]!r}"
    return f"refused, though it is one: {err[:300]!r}" if fault is None and not re.search(SIZE, err) else None


def fault_of(data: bytes) -> str | None:
    """Why the file must be refused; None if it is a catalogue."""
    try:
        document = document_of(data)
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"
    shape = fault_of_shape(document, _schema())
    return shape or fault_beyond_shape(document) or fault_of_texts(document)


@cache
def _schema() -> jsonschema.Draft202012Validator:
    return schema_of(schema_text())


def fault_beyond_shape(catalog: Any) -> str | None:
    """A fault that a schema cannot express: repeated ids, references to nothing, amounts with more digits
    than their currency has, block steps that do not ascend; None if there is none."""
    return next(_faults(catalog), None)


def _faults(catalog: Any) -> Iterator[str]:
    plans, add_ons = catalog["plans"], catalog["add_ons"]
    products = [product["id"] for kind in (plans, add_ons, catalog["credits"]) for product in kind]
    families = [family["id"] for family in catalog["families"]]
    tiers = [[tier["id"] for tier in plan["tiers"]] for plan in plans]
    for ids in (families, products, *tiers):
        yield from (f"{name!r} stands twice" for name, times in Counter(ids).items() if times > 1)
    yield from (f"no family {plan['family']!r}" for plan in plans if plan["family"] not in families)
    required = {plan for add_on in add_ons for plan in add_on.get("requires", ())}
    yield from (f"no plan {plan!r}" for plan in required - {plan["id"] for plan in plans})
    for add_on in add_ons:
        if "block" in add_on:
            limits = [step["up_to"] for step in add_on["block"]["prices"]]
            if limits[-1] is not None or None in limits[:-1] or sorted(set(limits[:-1])) != limits[:-1]:
                yield f"the steps {limits} do not ascend to no end"
    for currency, amount in _prices(catalog):
        whole, _, part = amount.partition(".")
        if len(whole + part) > MAX_DIGITS or len(part.rstrip("0")) > MINOR_DIGITS[currency]:
            yield f"{amount} {currency} has too many digits"


def _prices(value: Any) -> Iterator[tuple[str, str]]:
    """Every price in the value, with its currency."""
    for inside in value if isinstance(value, list) else ():
        yield from _prices(inside)
    if isinstance(value, dict):
        for name, inside in value.items():
            if name in ("prices", "support_limit") and isinstance(inside, dict):
                yield from inside.items()
            else:
                yield from _prices(inside)
