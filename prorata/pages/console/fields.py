"""The form of a command, made of the command's own type: which fields it has, and how each is entered.

[field.name for field in fields_of("credit_note")]
entered({"invoice": "1", "reason": "goodwill"}, "credit_note")     # {"invoice": 1, "reason": "goodwill"}
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import inspect

from domain.catalog import Catalog
from prorata.http.commands_table import COMMANDS, CommandRoute

BY_DO: Final[dict[str, CommandRoute]] = {route.do: route for route in COMMANDS}

Input: TypeAlias = Literal["text", "number", "date", "choice", "yes", "product", "family", "list"]

CORRECTIONS: Final = (
    "credit_note",
    "reissue",
    "record_payment",
    "pay_out",
    "stop_tries",
    "write_off",
    "grant_discount",
    "withdraw_discount",
)
"""What staff may do from the console (R60, R79)."""

_NOT_ASKED: Final = frozenset({"catalog", "payment_method", "payment_answer", "reprice", "open_account"})
"""Commands of a test clock's own world, and those without a form of plain fields."""

WHAT_IF: Final = tuple(route.do for route in COMMANDS if route.do not in _NOT_ASKED)
"""The commands that can be tried."""

_MOST: Final = 200


class FormField(msgspec.Struct, frozen=True):
    """A field of a form. `choices`: of a `choice`, its values."""

    name: str
    input: Input
    required: bool
    choices: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def fields_of(do: str) -> tuple[FormField, ...]:
    """The command's fields, the required ones first."""
    found = inspect.type_info(BY_DO[do].kind)
    assert isinstance(found, inspect.StructType)
    made = [_field(field) for field in found.fields if field.encode_name != "details"]
    return tuple(sorted(made, key=lambda field: not field.required))


def entered(form: Mapping[str, str], do: str) -> dict[str, Any]:
    """What the form says, as the command's JSON has it. What is empty is left out; what cannot be read as a
    number stays a text, so that the command's own parser says what is wrong with it."""
    found: dict[str, Any] = {}
    for field in fields_of(do):
        text = form.get(field.name, "").strip()[:_MOST]
        if text:
            found[field.name] = _value(field, text)
    return found


def choices_of(field: FormField, catalog: Catalog) -> tuple[str, ...]:
    """What can be chosen; of products what the catalogue sells."""
    match field.input:
        case "product":
            return (*catalog.plans, *catalog.add_ons, *catalog.credits)
        case "family":
            return tuple(catalog.families)
        case _:
            return field.choices


def _value(field: FormField, text: str) -> Any:
    if field.input == "yes":
        return text == "yes"
    if field.input == "list":
        return [one.strip() for one in text.split(",") if one.strip()]
    whole = field.input == "number" or field.name == "for"
    return int(text) if whole and text.isascii() and text.isdigit() else text


def _field(field: inspect.Field) -> FormField:
    kinds = _kinds(field.type)
    choices = tuple(
        str(value) for kind in kinds if isinstance(kind, inspect.LiteralType) for value in kind.values
    )
    return FormField(field.encode_name, _input(field.encode_name, kinds), field.required, choices)


def _kinds(kind: inspect.Type) -> list[inspect.Type]:
    if isinstance(kind, inspect.UnionType):
        return [inner for one in kind.types for inner in _kinds(one)]
    if isinstance(kind, inspect.Metadata):
        return _kinds(kind.type)
    if isinstance(kind, inspect.NoneType | inspect.CustomType):
        return []
    return [kind]


def _input(name: str, kinds: list[inspect.Type]) -> Input:
    if name in ("product", "family"):
        return "product" if name == "product" else "family"
    for kind in kinds:
        match kind:
            case inspect.LiteralType() if len(kinds) == 1:
                return "choice"
            case inspect.BoolType():
                return "yes"
            case inspect.DateType():
                return "date"
            case inspect.IntType() if len(kinds) == 1:
                return "number"
            case inspect.VarTupleType() | inspect.ListType():
                return "list"
            case _:
                continue
    return "text"
