"""Which processes should run here, and the command that starts each.

expected_names(settings.expected, known)        # ("bill", "consume:entitlement_cache", …)
command_of("consume:entitlement_cache")         # "prorata consume entitlement_cache"
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

ALWAYS: Final = ("bill", "project", "relay")
"""Expected unless the setting says otherwise: without these nothing is billed, shown or published."""

RECOGNITION: Final = "ledger:recognise"
"""A daily job, not a process that keeps running: its row only tells up to which day it is done."""

NOTHING: Final = "none"
"""The setting's value if no process is expected."""

_NAME: Final = re.compile(
    r"bill(:test-clock)?|project|relay(:\S+)?|consume:[a-z0-9_]+|archive:.+|metrics|serve|webhooks"
)

_COMMANDS: Final = {
    "bill:test-clock": "prorata bill --test-clock",
    "webhooks": "prorata webhooks send",
    RECOGNITION: "prorata ledger recognise",
}


def is_name(name: str) -> bool:
    """Whether a process of Prorata may have this name."""
    return _NAME.fullmatch(name) is not None


def expected_names(given: tuple[str, ...] | None, announced: Iterable[str]) -> tuple[str, ...]:
    """The names given (`none`: no process); by default those always expected and all that have announced
    themselves here, except daily jobs."""
    if given is not None:
        return () if given == (NOTHING,) else given
    return tuple(sorted({*ALWAYS, *announced} - {RECOGNITION}))


def command_of(name: str) -> str:
    """The command that starts the process."""
    if name in _COMMANDS:
        return _COMMANDS[name]
    kind, _, what = name.partition(":")
    if kind == "archive":
        return f"prorata archive run {what}"
    if kind == "relay" and what:
        return f"prorata relay --republish-to {what}"
    return f"prorata {kind} {what}".rstrip()
