"""Card data is refused before anything of it is logged or kept: the API takes the provider's token (R15).

    card_data_in({"confirm": {"cvv": "123"}})        # "$.confirm.cvv"
    card_data_in({"note": "4242 4242 4242 4242"})    # "$.note"

A card or CVV field holds no digits alone, spaces and hyphens apart; no field but ids and references holds a
number of 13 to 19 digits that passes the check of card numbers (Luhn). Digits are those of any script, spaces
and hyphens of any width.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

_CARD_FIELDS: Final = re.compile(
    r"^((credit|debit|payment)?card(number|no)?|pan|(card)?(cvv|cvc|cvn|csc)2?(code|number)?"
    r"|(card)?(security|verification)(code|value|number)|method|token)$"
)
"""Names of fields that hold a card, or the token for it; without case, hyphens and underscores."""

_NAMES: Final = frozenset(["id", "account", "actor", "reference", "ticket", "command_id", "event_id"])
"""Ids and references: whatever number they are, they are no card's."""

_DIGITS: Final = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]{0,3}[0-9]){12,}(?![0-9A-Za-z])")
"""Digits between which spaces and hyphens stand: a number may be among them, and its expiry after it."""
_GROUPS: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9]{3,7}(?:([._/,])[0-9]{3,7})(?:\1[0-9]{1,7}){1,3}(?![0-9A-Za-z])"
)
"""Groups as on a card between which something else stands; not those of an amount, which has two."""
_SHORTEST, _LONGEST = 13, 19
_DIGITS_ALONE: Final = re.compile(r"[0-9 -]*[0-9][0-9 -]*")

MESSAGE: Final = "card data is not taken in here: give the payment provider's token"


def card_data_in(document: Any, place: str = "$") -> str | None:
    """The place of the first field of decoded JSON that holds card data; None: there is none. A place names
    no more of a field than its name."""
    stack: list[tuple[str, str, Any]] = [(place, "", document)]
    while stack:
        at, name, value = stack.pop()
        if isinstance(value, dict):
            for key, entry in value.items():
                if is_card_number(key):
                    return at
                stack.append((f"{at}.{key}", key, entry))
        elif isinstance(value, list):
            stack += [(f"{at}[{i}]", name, entry) for i, entry in enumerate(value)]
        elif isinstance(value, str | int | float) and _is_refused(name, value):
            return at
    return None


def card_data_in_pairs(pairs: Iterable[tuple[str, str]]) -> str | None:
    """The name of the first parameter that holds card data; None: there is none."""
    return next((name for name, value in pairs if is_card_number(name) or _is_refused(name, value)), None)


def is_card_number(text: str) -> bool:
    """Whether a card's number stands in the text."""
    if len(text) < _SHORTEST:
        return False
    text = _plain(text)
    return any(_holds_number(re.split("[ -]+", found)) for found in _DIGITS.findall(text)) or any(
        _holds_number(re.split("[._/,]", found[0])) for found in _GROUPS.finditer(text)
    )


def _plain(text: str) -> str:
    """The text with digits, spaces and hyphens as ASCII has them; what stands in no line is left out."""
    if text.isascii():
        return text
    return "".join(map(_plain_character, unicodedata.normalize("NFKC", text)))


def _plain_character(character: str) -> str:
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if character == "\N{MINUS SIGN}":
        return "-"
    return {"Pd": "-", "Zs": " ", "Cf": ""}.get(unicodedata.category(character), character)


def _holds_number(groups: list[str]) -> bool:
    """Whether digits of groups that follow each other are a card's number."""
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > _LONGEST:
                break
            if len(digits) >= _SHORTEST and _luhn(digits):
                return True
    return False


def _is_refused(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return False
    text = value if isinstance(value, str) else format(value, "f") if isinstance(value, float) else str(value)
    if _CARD_FIELDS.match(re.sub("[_-]", "", name.lower())) and _DIGITS_ALONE.fullmatch(_plain(text)):
        return True
    return name not in _NAMES and is_card_number(text.removesuffix(".000000"))


def _luhn(digits: str) -> bool:
    total = 0
    for nth, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + nth % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0
