"""One attempt at a conversation with the domain (`domain.process`), its steps done at the log and at the
payment gateway.

The order of steps is what kills cannot break: the intent is in the log before the charge, the answer's
events after it, and the key of the charge is the intent's event id.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid4

import msgspec

from domain import events as e
from domain.conclude import PaymentAnswer
from domain.evolve import evolve
from domain.process import Conversation, drive
from domain.state import Account, PendingPayment
from eventlog.codec import domain_codec
from eventlog.port import EventLog
from eventlog.records import NewEvent
from service.accounts import Accounts, LoadedAccount
from service.errors import GatewayUnavailable, PaymentUnanswered
from service.gateway import SAVED_METHOD, Means, PaymentGateway

Returned = TypeVar("Returned")

_codec = domain_codec()

FINISH_PAUSES = (0.05, 0.25, 1.0)
"""Seconds between the questions what became of a charge whose answer was lost."""


class Ports(msgspec.Struct, frozen=True):
    """What an attempt works on. `sleep` is called in seconds."""

    log: EventLog
    accounts: Accounts
    gateway: PaymentGateway
    sleep: Callable[[float], None] = time.sleep


class Attempt:
    """A conversation from one loaded state on. A lost append ends it with VersionConflict, a payment without
    an answer with PaymentUnanswered; what was recorded before stays."""

    def __init__(
        self,
        ports: Ports,
        account_id: str,
        loaded: LoadedAccount,
        *,
        confirmed: bool,
        means: Means = SAVED_METHOD,
        actor: str | None = None,
    ) -> None:
        """`confirmed`: the state was at the log's head when the attempt began. `means` and `actor` are the
        command's; what falls due by itself is paid by the saved method."""
        self._ports = ports
        self.account_id = account_id
        self._means = means
        self._actor = actor
        self._key: UUID | None = None
        self._interrupted = False
        self.loaded = loaded
        self.confirmed = confirmed
        self.begun = False
        """Something was given to the log, so a failure leaves a fate unknown."""
        self.recorded = 0
        """Events that were recorded."""
        self.position: int | None = None
        """Of the last event that was recorded."""
        self.own_intent: int | None = None
        """The version of the command's own payment's intent, once it is recorded."""

    @property
    def state(self) -> Account | None:
        """The account now."""
        return self.loaded.state

    def run(self, conversation: Conversation[Returned]) -> Returned:
        """Take each step of the conversation as it comes, and return what it returns."""
        return drive(conversation, append=self._record, charge=self._charge)

    def _record(self, events: tuple[e.Event, ...]) -> Account:
        before = self.loaded
        rows = [new_event(event, self._actor) for event in events]
        self.begun = True
        stored = self._ports.log.append(self.account_id, before.head, rows)
        state = before.state
        for event in events:
            state = evolve(state, event)
        assert state is not None
        self.loaded = LoadedAccount(state, stored[-1].head)
        self.confirmed = True
        self.recorded += len(stored)
        self.position = stored[-1].position
        self._ports.accounts.keep(self.account_id, self.loaded, since=before)
        payment = state.payment
        if payment is not None:
            self._key = stored[payment.intent - stored[0].version].event_id
            if payment.role is not None:
                self.own_intent = payment.intent
        elif self._interrupted:
            raise PaymentUnanswered(self.account_id)
        return state

    def _charge(self, payment: PendingPayment) -> PaymentAnswer:
        """The answer to the payment whose intent was just recorded. Where the gateway gives none, what
        `finish` says; a payment due by itself that it cancels then is left for a later attempt, so that a
        provider that is away is not asked for ever."""
        assert self._key is not None, "a payment is charged after its intent is recorded, by whom recorded it"
        assert self.state is not None
        means = self._means if payment.role is not None else SAVED_METHOD
        gateway, currency = self._ports.gateway, self.state.currency
        try:
            return gateway.charge(self._key, self.account_id, payment.amount, currency, means)
        except GatewayUnavailable:
            answer = self._finish(self._key)
        self._interrupted = answer == "cancelled" and payment.role is None
        return answer

    def _finish(self, key: UUID) -> PaymentAnswer:
        for pause in FINISH_PAUSES:
            try:
                return self._ports.gateway.finish(key)
            except GatewayUnavailable:
                self._ports.sleep(pause)
        try:
            return self._ports.gateway.finish(key)
        except GatewayUnavailable as error:
            raise PaymentUnanswered(self.account_id) from error


def new_event(event: e.Event, actor: str | None) -> NewEvent:
    """The row of an event, with a new id. What fell due by itself has neither command nor actor."""
    event_type, schema_version, state = _codec.encode(event)
    command = event.command
    return NewEvent(
        event_id=uuid4(),
        command_id=None if command is None else command.id,
        type=event_type,
        schema_version=schema_version,
        effective_at=event.at,
        actor=None if command is None else actor,
        state=state,
    )
