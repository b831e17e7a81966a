"""A writer of commands over HTTP, with an idempotency key each, to the accounts that the others command too:

    python -m scripts.chaos.calling JOURNAL BEGAN

Sixteen callers share it. What a killed server left without an answer they give again under the same key,
until they learn it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx

from prorata.processes.stopping import stopping
from scripts.chaos.appending import each
from scripts.chaos.commanding import CommandCaller, unanswered
from service.commands import AnswerLine

CALLERS: Final = 16
URL, KEY = "PRORATA_CHAOS_URL", "PRORATA_CHAOS_KEY"
_PASSES: Final = (408, 429, 499, 500, 502, 503, 504)
"""Statuses that say nothing of the command: it may have been done."""
_OF_THE_ENVELOPE: Final = ("do", "account", "id")


class HttpCaller(CommandCaller):
    """Gives lines over HTTP."""

    def __init__(self, client: httpx.Client, journal: Path, began: float) -> None:
        super().__init__(journal, began)
        self._client = client
        self._opened: set[str] = set()

    def is_open(self, account: str) -> bool:
        """Whether the account is there; True where nobody answers."""
        if account not in self._opened:
            try:
                found = self._client.get(f"/v1/accounts/{account}")
            except httpx.TransportError:
                return True
            if found.status_code == 404:
                return False
            self._opened.add(account)
        return True

    def answer(self, line: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer; None: its outcome is unknown."""
        do, account, id_ = (line[name] for name in _OF_THE_ENVELOPE)
        body = {name: value for name, value in line.items() if name not in _OF_THE_ENVELOPE}
        path = f"/v1/accounts/{account}/{do.replace('_', '-')}"
        if do == "open_account":
            path, body = "/v1/accounts", {**body, "account": account, "clock": "test"}
        try:
            answer = self._client.post(path, json=body, headers={"Idempotency-Key": id_})
            told: dict[str, Any] = answer.json()
        except (httpx.TransportError, ValueError):
            return None
        if answer.status_code in _PASSES and told.get("outcome") is None:
            return None
        if told.get("outcome") is None:
            told = {"outcome": "invalid", "code": told["code"], "events": []}
        return {name: told.get(name) for name in AnswerLine.__struct_fields__}


def main(journal: str, began: str) -> int:
    """Give lines until SIGTERM; return the exit code."""
    stop = stopping()
    headers = {"Authorization": f"Bearer {os.environ[KEY]}"}
    with httpx.Client(base_url=os.environ[URL], headers=headers, timeout=40) as client:
        callers = [HttpCaller(client, Path(journal), float(began)) for _ in range(CALLERS)]
        for line in unanswered(Path(journal)):  # of the process before this one
            with suppress(httpx.TransportError):
                callers[0].give(line)
        each(lambda nth: callers[nth].run(stop), len(callers), stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
