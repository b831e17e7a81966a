"""An account found by what somebody has of it: its id or the beginning of it, an invoice, an e-mail address,
a command's id, a position of the log.

    found = await find(desk, call, "ada@example.com")
    [(one.account, one.why) for one in found]

Only accounts of the caller's tenant are found: what is looked up without one is compared with it.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import islice, takewhile
from typing import Final, Literal, TypeAlias

import msgspec

from domain.errors import InvalidInput
from domain.texts import is_plain
from prorata.http.call import Call
from prorata.http.desk import Desk

MOST: Final = 20
"""Accounts that a search shows."""

Why: TypeAlias = Literal["account", "begins", "invoice", "credit_note", "email", "command", "position"]

_DOCUMENT: Final = re.compile(r"(.+?)[\s/#]+(C?[1-9][0-9]{0,9})\Z")
_LONGEST: Final = 200


class Found(msgspec.Struct, frozen=True):
    """An account, by what it was found, and the document or version that is meant."""

    account: str
    why: Why
    number: str | None = None
    version: int | None = None


class Search(msgspec.Struct, frozen=True):
    """What was looked for, and found. `without_email`: no address can be looked up here, as no key for
    billing details is set."""

    text: str
    found: tuple[Found, ...]
    without_email: bool = False

    @property
    def only(self) -> Found | None:
        """The one that is meant: the account of that very id, or the only one there is."""
        exact = [one for one in self.found if one.why == "account"]
        candidates = exact or list(self.found)
        return candidates[0] if len(candidates) == 1 else None


async def find(desk: Desk, call: Call, text: str) -> Search:
    """All that it may mean, the likeliest first."""
    text = text.strip()[:_LONGEST]
    if not text or not is_plain(text):
        return Search(text, ())
    found, without_email = list(await _by_id(desk, call, text)), False
    if "@" in text:
        accounts, without_email = await _by_email(desk, call, text)
        found += [Found(account, "email") for account in accounts]
    found += await desk.run(partial(_by_log, desk, call, text))
    kept: dict[tuple[str, str | None, int | None], Found] = {}
    for one in found:
        kept.setdefault((one.account, one.number, one.version), one)
    return Search(text, tuple(kept.values())[:MOST], without_email)


async def _by_id(desk: Desk, call: Call, text: str) -> list[Found]:
    if await _is_account(desk, call, text):
        return [Found(text, "account")]
    document = _DOCUMENT.match(text)
    if document is None or not await _is_account(desk, call, document[1]):
        return []
    number = document[2]
    return [Found(document[1], "credit_note" if number.startswith("C") else "invoice", number)]


async def _is_account(desk: Desk, call: Call, text: str) -> bool:
    try:
        return await desk.service.last_seen(f"{call.tenant}/{text}") is not None
    except InvalidInput:
        return False


async def _by_email(desk: Desk, call: Call, text: str) -> tuple[list[str], bool]:
    try:
        found = await desk.details.accounts_with_email(text)
    except InvalidInput as error:
        return [], error.code == "persons_key_missing"
    return [account for one in found if (account := _own(call, one)) is not None], False


def _by_log(desk: Desk, call: Call, text: str) -> list[Found]:
    log, begins = desk.system.log, f"{call.tenant}/"
    found: list[Found] = []
    if text.isascii() and text.isdigit() and len(text) < 19:
        stored = log.at_position(int(text))
        if stored is not None and (account := _own(call, stored.account_id)) is not None:
            found.append(Found(account, "position", version=stored.version))
    commands = log.commands_named(begins, text, MOST)
    first: dict[str, int] = {}
    for event in commands:
        first.setdefault(event.account_id, event.version)
    found += [Found(one.removeprefix(begins), "command", version=version) for one, version in first.items()]
    like = takewhile(lambda one: one.startswith(begins + text), log.accounts(begins + text))
    return found + [Found(one.removeprefix(begins), "begins") for one in islice(like, MOST)]


def _own(call: Call, account_id: str) -> str | None:
    """The account's id within the caller's tenant; None: it is another's."""
    begins = f"{call.tenant}/"
    return account_id.removeprefix(begins) if account_id.startswith(begins) else None
