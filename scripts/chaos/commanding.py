"""A writer of commands to accounts that others also command at the same time, until SIGTERM:

    python -m scripts.chaos.commanding JOURNAL BEGAN [--finish]

It repeats lines, with their ids, from its own journal and the other writers', even while the first attempt is
under way. `--finish`: only repeat its own unanswered lines, then end. A test clock runs a day a second from
BEGAN (seconds since the epoch), so that renewals fall due meanwhile.
"""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event
from typing import Any, Final
from uuid import uuid4

import msgspec

from domain.errors import TRY_AGAIN
from eventlog import LogUnavailable
from prorata.processes.stopping import stopping
from prorata.settings import Settings
from prorata.wiring import Running, running
from scripts.chaos.appending import each
from scripts.chaos.journal import Answered, Given, Journal, read, recent
from service.commands import AnswerLine
from service.errors import LineUnanswered
from service.session import CommandSession

TENANT: Final = "chaos"
JOURNALS: Final = "commands"
"""The prefix of the names of these writers' journals."""
ACCOUNTS: Final = [f"c{nth}" for nth in range(8)]
CALLERS: Final = 3
FINISH_SECONDS: Final = 300.0

_BEGIN: Final = datetime(2026, 1, 10, 9, tzinfo=UTC)
_DAYS_A_SECOND: Final = 1.0
_AGAIN: Final = 0.3
_PAUSES: Final = 0.0, 0.1

_OPENING: Final = {
    "do": "open_account",
    "currency": "EUR",
    "time_zone": "Europe/Paris",
    "policies": {"collection": {"retry_days": [1, 2, 3]}},
}
_NOTE: Final = {"do": "credit_note", "net": "0.50", "line": 1, "reason": "service_failure"}
_DECLINED: Final = {"payment": "declined"}
_STEPS: Final[tuple[dict[str, Any], ...]] = (
    {"do": "purchase_plan", "product": "standard"},
    {"do": "purchase_plan", "product": "websites_core"},
    {"do": "buy_credits", "product": "credits_5000"},
    {"do": "buy_credits", "product": "credits_5000"} | _DECLINED,
    {"do": "purchase_addon", "product": "custom_domain"},
    {"do": "purchase_addon", "product": "surveys"} | _DECLINED,
    {"do": "purchase_addon", "product": "surveys"},
    {"do": "remove_addon", "product": "custom_domain"},
    {"do": "undo", "product": "custom_domain"},
    {"do": "change_plan", "product": "standard", "tier": "2500"},
    {"do": "change_plan", "product": "websites_plus"},
    {"do": "change_plan", "product": "websites_core"},
    {"do": "pause_plan", "family": "marketing"},
    {"do": "resume_plan", "family": "marketing"},
    {"do": "cancel_plan", "family": "websites"},
    {"do": "pay_balance"},
    _NOTE | {"invoice": 1},
    _NOTE | {"invoice": 2, "to": "account"},
    _NOTE | {"invoice": 3, "refund": "failed"},
    {"do": "set_payment_method", "works": False},
    {"do": "set_payment_method"},
    {"do": "payment_method", "works": False},
    {"do": "payment_method", "works": True},
    {"do": "payment_method", "works": True},
)


def clock(began: float) -> datetime:
    """The time on the test clock."""
    return _BEGIN + timedelta(days=_DAYS_A_SECOND) * (time.time() - began)


class CommandCaller(ABC):
    """Gives new and repeated lines, and writes their answers to the journal. Subclasses say by which door."""

    def __init__(self, journal: Path, began: float) -> None:
        self._chance = Random()  # noqa: S311 - which lines it gives is not part of the plan
        self._path = journal
        self._journal = Journal(journal)
        self._began = began

    @abstractmethod
    def is_open(self, account: str) -> bool:
        """Whether the account is there."""

    @abstractmethod
    def answer(self, line: Mapping[str, Any]) -> dict[str, Any] | None:
        """The line's answer, by the fields of an AnswerLine; None: its outcome is unknown."""

    def run(self, stop: Event) -> None:
        """Give lines until `stop` is set."""
        while not stop.wait(self._chance.uniform(*_PAUSES)):
            if self._chance.random() >= _AGAIN or not self._again():
                try:
                    line = self._new_line()
                except LogUnavailable:
                    continue
                self._journal.write(Given(line["id"], line))
                self.give(line)

    def give(self, line: Mapping[str, Any]) -> bool:
        """Give the line; False if it got no answer, so that its outcome is unknown."""
        answer = self.answer(line)
        if answer is None:
            return False
        # The sentence is made for who asks; all else is alike by every door.
        self._journal.write(Answered(line["id"], answer | {"message": None}))
        return True

    def finish(self) -> bool:
        """Repeat unanswered lines until they are answered; False if some are not in time."""
        deadline = time.monotonic() + FINISH_SECONDS
        while lines := unanswered(self._path):
            for line in lines:
                self.give(line)
            if time.monotonic() > deadline:
                return False
        return True

    def _again(self) -> bool:
        """Repeat a line that some writer gave before, answered or not; False if there is none yet."""
        path = self._chance.choice(sorted(self._path.parent.glob(f"{JOURNALS}*")))
        known = [entry.line for entry in recent(path) if isinstance(entry, Given)]
        if not known:
            return False
        # Mostly a recent one, which may still be under way, or have died with its process.
        line = self._chance.choice(known[-4:] if self._chance.random() < 0.7 else known)
        self._journal.write(Given(line["id"], line))
        self.give(line)
        return True

    def _new_line(self) -> dict[str, Any]:
        account = self._chance.choice(ACCOUNTS)
        if not self.is_open(account):
            # Every writer gives the same line, which must be done once.
            return {**_OPENING, "account": account, "id": f"open-{account}", "at": _BEGIN.isoformat()}
        line, at = self._chance.choice(_STEPS), clock(self._began).isoformat()
        return {**line, "account": account, "id": str(uuid4()), "at": at}


class ServiceCaller(CommandCaller):
    """Gives lines to the service in this process."""

    def __init__(self, system: Running, journal: Path, began: float) -> None:
        super().__init__(journal, began)
        self._service = system.service
        self._session = CommandSession(
            system.service.core, system.catalogues, system.clock, tenant=TENANT, lives_on="test"
        )

    def is_open(self, account: str) -> bool:
        return self._service.last_seen(f"{TENANT}/{account}") is not None

    def answer(self, line: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            answer = self._session.answer_line(msgspec.json.encode(line))
        except LineUnanswered as error:
            print(f"{line['id']} ({line['do']}, {line['account']}): {error!r}", file=sys.stderr)
            return None
        told: dict[str, Any] = msgspec.to_builtins(answer)
        return {name: told.get(name) for name in AnswerLine.__struct_fields__}


def unanswered(path: Path) -> list[dict[str, Any]]:
    """The lines in a journal whose last attempt was not answered, each once."""
    open_: dict[str, dict[str, Any]] = {}
    for entry in read(path):
        if isinstance(entry, Given):
            open_[entry.id] = entry.line
        elif isinstance(entry, Answered):
            open_.pop(entry.id, None)
    return list(open_.values())


def main(journal: str, began: str, *options: str) -> int:
    """Give lines until SIGTERM, or with --finish until all are answered; return the exit code."""
    stop = stopping()
    try:
        with running(Settings.of()) as system:
            callers = [ServiceCaller(system, Path(journal), float(began)) for _ in range(CALLERS)]
            if "--finish" in options:
                return 0 if callers[0].finish() else TRY_AGAIN
            each(lambda nth: callers[nth].run(stop), len(callers), stop)
    except LogUnavailable as error:
        print(error, file=sys.stderr)
        return TRY_AGAIN
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
