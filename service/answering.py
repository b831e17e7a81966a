"""What `service.service` answers: a given command, which of the recorded events are a command's own, and when
nothing can be answered yet."""

from __future__ import annotations

import logging
from itertools import takewhile
from typing import Final

import msgspec

from domain import events as e
from domain.answers import Answer
from domain.calendar import local_text
from domain.commands import OpenAccount, Request
from domain.errors import InvalidInput
from domain.state import Account
from eventlog.codec import domain_codec
from eventlog.records import StoredEvent
from service.conversing import Attempt

_logger = logging.getLogger(__name__)
_codec = domain_codec()
_CREDIT_APPLIED: Final = e.CreditApplied.__struct_config__.tag
_CANCELLED: Final = e.PaymentCancelled.__struct_config__.tag

EVENTS_OF_A_COMMAND = 100
"""At most: an intent, what came of it, and what follows of that."""


class GivenCommand(msgspec.Struct, frozen=True):
    """The answer to a command, and the account's version after it (None: there is no account). `position`: of
    the last event that was recorded for it here, None if none was. `reference`: what the customer's browser
    needs where the payment waits for consent; for the caller alone (R96)."""

    answer: Answer
    version: int | None
    position: int | None = None
    reference: str | None = None

    def __repr__(self) -> str:
        return f"GivenCommand({self.answer.outcome!r}, version={self.version})"


def own_events(stored: list[StoredEvent]) -> list[StoredEvent]:
    """Of events from a command's first one on, those that it made, up to a payment that was cancelled: those
    of its id, also where others came between; without one those of its role and instant, up to the next of
    the first one's type."""
    first = stored[0]
    if first.command_id is not None:
        own = [row for row in stored if row.command_id == first.command_id]
    else:
        made_by = (_codec.read(first).command, first.effective_at)
        until_next = [first, *takewhile(lambda row: row.type != first.type, stored[1:])]
        own = [row for row in until_next if (_codec.read(row).command, row.effective_at) == made_by]
    cancelled = next((place for place, row in enumerate(own) if row.type == _CANCELLED), len(own))
    return own[: cancelled + 1]


def credit_applied_with(last: StoredEvent, stored: list[StoredEvent]) -> int:
    """How many events (0 or 1) by which account credit paid what is open follow the command's last event at
    once: they were recorded with it (R63)."""
    following = [row for row in stored if row.version == last.version + 1 and row.type == _CREDIT_APPLIED]
    return len(following)


def log_answer(account_id: str, request: Request, given: GivenCommand) -> None:
    """Log what a command was answered, without who asked, what it costs and what it says."""
    if not _logger.isEnabledFor(logging.INFO):
        return
    facts = {
        "account": account_id,
        "command": type(request.command).__name__,
        "command_id": request.id,
        "outcome": given.answer.outcome,
        "code": given.answer.code,
        "version": given.version,
        "position": given.position,
    }
    _logger.info("command answered", extra=facts)


def must_wait(given: GivenCommand, attempt: Attempt) -> bool:
    """Whether it was refused for a payment of another command, which may be answered at any moment (R16): not
    for one that waits for the customer (R96)."""
    payment = None if attempt.state is None else attempt.state.payment
    if payment is not None and payment.waits_until is not None:
        return False
    return given.answer.code == "payment_in_progress" and not attempt.begun


def too_early(request: Request, state: Account | None) -> InvalidInput | None:
    """The refusal of a command on a test clock that comes before what has happened. One that was recorded
    before is answered again all the same, and one on the wrong clock is refused for that."""
    if state is None or isinstance(request.command, OpenAccount) or request.id in state.commands:
        return None
    if request.clock != "test" or state.clock != "test" or request.at >= state.last_at:
        return None
    last = local_text(state.last_at, state.time_zone)
    message = f"the account's last instant is {last}: nothing happens on it before that"
    return InvalidInput("at_too_early", "$.at", message)


def first_recorded(found: list[StoredEvent]) -> StoredEvent | None:
    """The first event of a key that counts: a cancelled payment frees the key again (R16)."""
    first = None
    for stored in found:
        if stored.type == _CANCELLED:
            first = None
        elif first is None:
            first = stored
    return first
