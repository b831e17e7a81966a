"""One attempt at a conversation with the domain (`domain.process`), its steps done at the log and at the
payment gateway.

The order of steps is what kills cannot break: the intent is in the log before the charge or the refund, the
answer's events after it, and the key is the intent's event id. Another payment method is saved at the gateway
before the log says so: doing that twice changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from domain import events as e
from domain.charges import charge_of_invoice, charges_of
from domain.conclude import AnsweredPayment
from domain.evolve import evolve
from domain.process import Conversation, RefundAnswer
from domain.state import Account, PendingPayment, PendingRefund
from eventlog.codec import domain_codec
from eventlog.records import NewEvent
from service.account_log import AccountLog
from service.accounts import Accounts, LoadedAccount
from service.completing import OffLoop, blocking_call, blocking_sleep, own_task_to_the_end, to_the_end
from service.driving import drive
from service.errors import GatewayUnavailable, PaymentUnanswered
from service.event_ids import new_event_id
from service.gateways.port import (
    PRESENT,
    RENEWING,
    SAVED_METHOD,
    Charged,
    Confirmation,
    Means,
    PaymentGateway,
)
from service.turns import NO_TURNS, Turns

Returned = TypeVar("Returned")
Reached = TypeVar("Reached")

_codec = domain_codec()

FINISH_PAUSES = (0.05, 0.25, 1.0)
"""Seconds between the questions what became of a charge whose answer was lost."""


_INTENTS = (e.PaymentStarted, e.CyclesRenewed)


class Ports(msgspec.Struct, frozen=True):
    """What an attempt works on. The defaults are for ports that block; tasks of an event loop need those of
    `service.off_loop` and `service.turns`. `sleep` is called in seconds. `test_gateway`: where it is not
    `gateway`, the one that accounts on a test clock pay at, which are nobody's money (R97)."""

    log: AccountLog
    accounts: Accounts
    gateway: PaymentGateway
    sleep: Callable[[float], Awaitable[None]] = blocking_sleep
    off_loop: OffLoop = blocking_call
    turns: Turns = NO_TURNS
    test_gateway: PaymentGateway | None = None

    def gateway_of(self, state: Account) -> PaymentGateway:
        """Where the account pays."""
        if state.clock == "test" and self.test_gateway is not None:
            return self.test_gateway
        return self.gateway


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
        method: Confirmation | None = None,
        actor: str | None = None,
    ) -> None:
        """`confirmed`: the state was at the log's head when the attempt began. `means`, `method` (the one
        that it saves, R56) and `actor` are the command's; what falls due by itself is paid by the saved
        method."""
        self._ports = ports
        self.account_id = account_id
        self._means = means
        self._method = method
        self._actor = actor
        self._key: UUID | None = None
        self._interrupted = False
        self._given_up = False
        self.loaded = loaded
        self._began_at = loaded.head.version
        self.confirmed = confirmed
        self.begun = False
        """Something was given to the log, so a failure leaves a fate unknown."""
        self.recorded = 0
        """Events that were recorded."""
        self.position: int | None = None
        """Of the last event that was recorded."""
        self.own_version: int | None = None
        """The version of the first event of the command itself, once it is recorded."""
        self.left_at: int | None = None
        """The account's version as the command's own events left it; what a refund came to follows."""
        self.reference: str | None = None
        """What the customer's browser needs to consent to the command's payment (R96)."""

    @property
    def state(self) -> Account | None:
        """The account now."""
        return self.loaded.state

    @property
    def _gateway(self) -> PaymentGateway:
        assert self.state is not None
        return self._ports.gateway_of(self.state)

    @property
    def left_open(self) -> int | None:
        """The intent of a payment that this attempt has begun and not concluded."""
        payment = None if self.loaded.state is None else self.loaded.state.payment
        if payment is None or payment.intent <= self._began_at or payment.waits_until is not None:
            return None
        return payment.intent

    async def run(self, conversation: Conversation[Returned]) -> Returned:
        """Take each step of the conversation as it comes, and return what it returns. A caller that is
        cancelled while a payment is open is, once that is concluded: else the account would wait for it."""
        try:
            return await drive(
                conversation,
                append=self._record,
                charge=self._charge,
                cancel=self._cancel,
                refund=self._refund,
            )
        finally:
            if self._given_up:
                raise asyncio.CancelledError

    async def _record(self, events: tuple[e.Event, ...]) -> Account:
        before = self.loaded
        rows = [new_event(event, self._actor) for event in events]
        if self._method is not None and any(isinstance(event, e.PaymentMethodSet) for event in events):
            await self._gateway.save_method(self.account_id, self._method)
        self.begun = True
        appending = self._ports.log.append(self.account_id, before.head, rows)
        pays = self.left_open is not None or any(isinstance(event, _INTENTS) for event in events)
        if pays:
            stored, cancelled = await own_task_to_the_end(appending)
            self._given_up = self._given_up or cancelled
        else:
            stored = await appending
        state = before.state
        for event in events:
            state = evolve(state, event)
        assert state is not None
        self.loaded = LoadedAccount(state, stored[-1].head)
        self.confirmed = True
        self.recorded += len(stored)
        self.position = stored[-1].position
        await self._ports.accounts.keep(self.account_id, self.loaded, since=before)
        own = [row for row, event in zip(stored, events, strict=True) if event.command is not None]
        if own and not self._concludes_another(before, state):
            self.own_version = own[0].version if self.own_version is None else self.own_version
            self.left_at = state.version
        payment = state.payment
        if payment is not None and payment.intent >= stored[0].version:
            self._key = stored[payment.intent - stored[0].version].event_id
        elif payment is None and self._interrupted:
            raise PaymentUnanswered(self.account_id)
        return state

    def _concludes_another(self, before: LoadedAccount, after: Account) -> bool:
        """Whether what was recorded has ended a payment that was there before the attempt. A correction
        leaves it as it was."""
        payment = None if before.state is None else before.state.payment
        return payment is not None and payment.intent <= self._began_at and after.payment != payment

    async def _charge(self, payment: PendingPayment) -> AnsweredPayment:
        """The answer to the payment whose intent was just recorded. Where the gateway gives none, what
        `finish` says; a payment due by itself that it cancels then is left for a later attempt, so that a
        provider that is away is not asked for ever."""
        assert self._key is not None, "a payment is charged after its intent is recorded, by whom recorded it"
        assert self.state is not None
        means = _customers(self._means) if payment.role is not None else _saved(payment)
        gateway, currency = self._gateway, self.state.currency
        self.reference = None
        try:
            charging = gateway.charge(self._key, self.account_id, payment.amount, currency, means)
            charged = await self._to_the_end(charging)
            self.reference = charged.reference if payment.role is not None else None
        except GatewayUnavailable:
            charged = await self._to_the_end(self._finish(self._key))
            self._interrupted = charged.answer == "cancelled" and payment.role is None
        try:
            return (await without_consent(gateway, self._key, payment, charged)).told
        except GatewayUnavailable as error:
            raise PaymentUnanswered(self.account_id) from error

    async def _to_the_end(self, work: Coroutine[Any, Any, Reached]) -> Reached:
        reached, cancelled = await to_the_end(work)
        self._given_up = self._given_up or cancelled
        return reached

    async def _cancel(self, payment: PendingPayment) -> AnsweredPayment:
        """How the payment that waits for the customer ends, which is given up (R96)."""
        key = await key_of(self._ports.log, self.account_id, payment.intent)
        try:
            return (await self._gateway.cancel(key)).told
        except GatewayUnavailable as error:
            raise PaymentUnanswered(self.account_id) from error

    async def _refund(self, refund: PendingRefund) -> RefundAnswer:
        """What became of the refund, asked for under the id of its intent (R62)."""
        assert self.state is not None
        key = await key_of(self._ports.log, self.account_id, refund.intent)
        charge = await charge_paying(self._ports.log, self.account_id, refund.invoice)
        amount, currency = refund.amount, self.state.currency
        try:
            return await self._gateway.refund(key, charge, self.account_id, amount, currency)
        except GatewayUnavailable:
            return "unknown"

    async def _finish(self, key: UUID) -> Charged:
        for pause in FINISH_PAUSES:
            try:
                return await self._gateway.finish(key)
            except GatewayUnavailable:
                await self._ports.sleep(pause)
        try:
            return await self._gateway.finish(key)
        except GatewayUnavailable as error:
            raise PaymentUnanswered(self.account_id) from error


async def without_consent(
    gateway: PaymentGateway, key: UUID, payment: PendingPayment, charged: Charged
) -> Charged:
    """The answer; where it asks for consent and nobody is there to give it, the charge is given up first, so
    that what counts as declined (R96) is not paid later all the same.

    Raises GatewayUnavailable.
    """
    if charged.answer != "action_required" or payment.role is not None:
        return charged
    ended = await gateway.cancel(key)
    return charged if ended.answer == "cancelled" else ended


def _customers(means: Means) -> Means:
    """What pays a command: the customer who gives it may consent to the saved method's charge (R96)."""
    return PRESENT if means == SAVED_METHOD else means


def _saved(payment: PendingPayment) -> Means:
    """What pays that fell due by itself: a renewal may be answered late (R98)."""
    return RENEWING if payment.purpose == "renewal" else SAVED_METHOD


async def charge_paying(log: AccountLog, account_id: str, invoice: int) -> UUID:
    """The key of the charge whose money pays the invoice."""
    stored = await log.read_account(account_id)
    charges = charges_of((row.version, _codec.read(row)) for row in stored)
    paying = charge_of_invoice(charges, invoice)
    assert paying is not None, "what a method did not pay is not refunded to it (R62)"
    return stored[paying.intent - 1].event_id


async def key_of(log: AccountLog, account_id: str, intent: int) -> UUID:
    """The key under which the payment gateway knows the payment or refund of that intent."""
    stored = await log.event(account_id, intent)
    assert stored is not None, "a state is folded from events that are there"
    return stored.event_id


def new_event(event: e.Event, actor: str | None) -> NewEvent:
    """The row of an event, with a new id. What fell due by itself has neither command nor actor."""
    event_type, schema_version, state = _codec.encode(event)
    command = event.command
    return NewEvent(
        event_id=new_event_id(),
        command_id=None if command is None else command.id,
        type=event_type,
        schema_version=schema_version,
        effective_at=event.at,
        actor=None if command is None else actor,
        state=state,
    )
