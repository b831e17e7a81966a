"""Judge what a program did with a file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import jsonschema

from domain.errors import InvalidInput
from domain.texts import check_document


class Fared(NamedTuple):
    """A file's fate in a word or two, and the complaint about it; None if the fate is right."""

    fate: str
    complaint: str | None


Fates = Counter[str]
Complaints = list[tuple[int, str]]


def judged(seeds: tuple[int, int], fared: Callable[[int], Fared]) -> tuple[Fates, Complaints]:
    """Judge the files of the seeds `[first, last)`; return the number of each fate, and the complaints by
    seed."""
    fates: Fates = Counter()
    complaints: Complaints = []
    for seed in range(*seeds):
        try:
            fate, complaint = fared(seed)
        except Exception as error:  # noqa: BLE001 - a crash is what is looked for
            fate, complaint = "raised", f"raised {type(error).__name__}: {error}"
        fates[fate] += 1
        if complaint is not None:
            complaints.append((seed, complaint))
    return fates, complaints


def document_of(data: bytes) -> Any:
    """Decode JSON. Raises ValueError if the bytes are not JSON in UTF-8 or repeat a field, and RecursionError
    if it is nested too deep."""
    document = json.loads(data.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_once)
    json.dumps(document, ensure_ascii=False).encode("utf-8")  # refuses half of a surrogate pair
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field stands twice")
    return fields


def fault_of_shape(document: Any, schema: jsonschema.Draft202012Validator) -> str | None:
    """Where the document first breaks the schema; None if nowhere."""
    found = next(schema.iter_errors(document), None)
    return None if found is None else f"{found.json_path}: {found.message[:200]}"


def fault_of_texts(document: Any) -> str | None:
    """Where a text of the document would forge a line; None if nowhere."""
    try:
        check_document(document)
    except InvalidInput as error:
        return str(error)
    return None


def schema_of(text: str) -> jsonschema.Draft202012Validator:
    """The schema's validator, with patterns in JSON Schema's meaning: $ is the end, and a digit is ASCII."""
    return jsonschema.Draft202012Validator(json.loads(text.replace("\\\\d", "[0-9]").replace('$"', '\\\\Z"')))
