"""How a file fared with the program that read it, and whether that is as it must be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import jsonschema

from domain.errors import InvalidInput
from domain.texts import check_document


class Fared(NamedTuple):
    """What became of a file, in a word or two, and what is wrong with that; None: nothing."""

    fate: str
    complaint: str | None


Fates = Counter[str]
Complaints = list[tuple[int, str]]


def judged(seeds: tuple[int, int], fared: Callable[[int], Fared]) -> tuple[Fates, Complaints]:
    """The files of the seeds `[first, last)`: how many had which fate, and the complaints by seed."""
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
    """The JSON document. Raises ValueError where it is not JSON in UTF-8, or a field stands twice, and
    RecursionError where it is too deep."""
    document = json.loads(data.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_once)
    json.dumps(document, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is no text
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field stands twice")
    return fields


def fault_of_shape(document: Any, schema: jsonschema.Draft202012Validator) -> str | None:
    """Where the document first breaks the schema; None: nowhere."""
    found = next(schema.iter_errors(document), None)
    return None if found is None else f"{found.json_path}: {found.message[:200]}"


def fault_of_texts(document: Any) -> str | None:
    """Where a text of the document would forge a line; None: nowhere."""
    try:
        check_document(document)
    except InvalidInput as error:
        return str(error)
    return None


def schema_of(text: str) -> jsonschema.Draft202012Validator:
    """The schema with its patterns as JSON Schema means them: $ is the end, a digit is one of ten."""
    return jsonschema.Draft202012Validator(json.loads(text.replace("\\\\d", "[0-9]").replace('$"', '\\\\Z"')))
