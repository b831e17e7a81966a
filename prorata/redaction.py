"""Passwords and keys in a text that people will read are replaced by ***.

    redacted("postgresql://relay:s3cret@db/prorata is away")    # postgresql://relay:***@db/prorata is away

Whatever goes to stderr passes through here (`prorata.cli.terminal.streams`), and what an error says
elsewhere: in `prorata status`, at /readyz.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from domain.errors import InvalidInput
from service.secret_files import SECRETS, with_secret_files

HIDDEN: Final = "***"

_SHORTEST: Final = 6
"""Characters of a secret that is looked for by itself: a shorter one would be found in ordinary words."""

_OTHERS: Final = ("PGPASSWORD", "PGSSLPASSWORD")

_PATTERNS: Final = (
    (re.compile(r"(://[^\s:/@]*:)\S*@"), rf"\1{HIDDEN}@"),
    (
        re.compile(r"""(pass(?:word|wd)?\s*[=:]\s*)('(?:[^'\\]|\\.)*'|"[^"]*"|[^\s,;)]+)""", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(Bearer\s+)[\w.~+/=-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b((?:sk|rk)_(?:live|test)_|whsec_)\w+"), rf"\1{HIDDEN}"),
)


def redacted(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text without the secrets of the environment (default: the process's), nor what looks like one."""
    for secret in _known(environment):
        text = text.replace(secret, HIDDEN)
    for pattern, put in _PATTERNS:
        text = pattern.sub(put, text)
    return text


def _known(environment: Mapping[str, str] | None) -> tuple[str, ...]:
    given = os.environ if environment is None else environment
    names = [*SECRETS, *(f"{name}_FILE" for name in SECRETS), *_OTHERS]
    return _values(tuple((name, given[name]) for name in names if given.get(name)))


@lru_cache(maxsize=8)
def _values(given: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Each secret, and as others might show it; the longest first, as one may hold another."""
    found: set[str] = set()
    for name, value in given:
        secret = name.removesuffix("_FILE")
        try:
            content = with_secret_files({name: value})[secret]
        except InvalidInput:  # its file cannot be read, so it is nothing that we could print
            continue
        parts = list(_in_address(content)) if secret.endswith("_URL") else [content, *content.split(",")]
        found |= {form for part in parts for form in (part, unquote(part), repr(part)[1:-1])}
    return tuple(sorted((one for one in found if len(one) >= _SHORTEST), key=len, reverse=True))


def _in_address(address: str) -> Iterator[str]:
    """The passwords in an address of PostgreSQL, also one that PostgreSQL would not understand."""
    authority = address.partition("://")[2].rpartition("@")[0]
    if password := authority.partition(":")[2]:
        yield password
    for found in re.finditer(r"""(?:ssl)?password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)""", address):
        yield found[1].strip("'")
