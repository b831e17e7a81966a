"""The one path from a request to its answer, and of what falls due: a conversation without I/O.

The generators here say what must be done next, `AppendStep` these events or `ChargeStep` this payment, and
are sent what came of it: the state after the events, the payment's answer. `drive` takes each step as it
comes:

    answer = drive(handle(state, request, catalogues), append=record, charge=pay)

The service appends to the log and charges at the payment gateway, the simulation appends to a list and
answers as the story says, a preview takes every charge as paid (R48). Losing a race for an append ends the
conversation: the caller begins a new one on fresh state.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from domain import events as e
from domain.answers import Answer, Refusal, answer_of, refused, still_waiting, unchanged
from domain.calendar import Instant, date_of
from domain.catalog import Catalogues
from domain.collection import asks_nobody, with_credit_applied
from domain.commands import AbandonPayment, Request
from domain.conclude import PaymentReply, conclude
from domain.decide import Decision, Repeated, Waiting, admit, decide
from domain.disputes import items_of_today, reminding
from domain.evolve import evolve_all
from domain.proposals import Unchanged
from domain.renewal import prerequisite_changes
from domain.settle import settle
from domain.state import Account, PendingPayment, PendingRefund
from domain.tax import TaxUnavailable


class AppendStep(msgspec.Struct, frozen=True):
    """Record these events, all or nothing. The answer is the state after them."""

    events: tuple[e.Event, ...]


class ChargeStep(msgspec.Struct, frozen=True):
    """Charge this payment, whose intent is recorded. The answer is a `PaymentReply`."""

    payment: PendingPayment


class CancelStep(msgspec.Struct, frozen=True):
    """Give up this payment, which waits for the customer (R96). The answer is `cancelled`, or how it ended
    before that."""

    payment: PendingPayment


class RefundStep(msgspec.Struct, frozen=True):
    """Give this back by the payment method; its intent is recorded (R62). The answer is a `RefundAnswer`."""

    refund: PendingRefund


RefundAnswer = Literal["refunded", "failed", "unknown"]
"""`unknown`: it is asked again later, under the same key."""
Step = AppendStep | ChargeStep | CancelStep | RefundStep
Reply = Account | PaymentReply | RefundAnswer
Returned = TypeVar("Returned")
Conversation = Generator[Step, Reply | None, Returned]


def drive(
    conversation: Conversation[Returned],
    *,
    append: Callable[[tuple[e.Event, ...]], Account],
    charge: Callable[[PendingPayment], PaymentReply],
    cancel: Callable[[PendingPayment], PaymentReply] = lambda _: "cancelled",
    refund: Callable[[PendingRefund], RefundAnswer] = lambda _: "refunded",
) -> Returned:
    """What the conversation returns, once each of its steps is taken. `append` records the events and returns
    the state after them; the others return the provider's answer. What one of them raises ends the
    conversation."""
    reply: Reply | None = None
    try:
        while True:
            try:
                step = conversation.send(reply)
            except StopIteration as done:
                returned: Returned = done.value
                return returned
            match step:
                case AppendStep():
                    reply = append(step.events)
                case ChargeStep():
                    reply = charge(step.payment)
                case CancelStep():
                    reply = cancel(step.payment)
                case RefundStep():
                    reply = refund(step.refund)
    finally:
        conversation.close()


def handle(
    state: Account | None, request: Request, catalogues: Catalogues
) -> Conversation[Answer | Repeated]:
    """Give the command: admit it, settle what is due at its instant, decide, charge, conclude. `Repeated`: it
    was answered before, and the answer is looked up by its version."""
    admitted = admit(state, request)
    if isinstance(admitted, Repeated):
        return admitted
    if isinstance(admitted, Waiting):
        assert state is not None
        return still_waiting(admitted.payment, state)
    if admitted is not None:
        return refused(admitted)
    if state is not None:
        if isinstance(request.command, AbandonPayment) and _can_be_given_up(state, request.at):
            state, concluded = yield from given_up(state, catalogues)
            with suppress(TaxUnavailable):  # what fell due while it waited
                state = yield from settle_due(state, request.at, catalogues)
            return answer_of(request.command, concluded, state, catalogues)
        try:
            state = yield from settle_due(state, request.at, catalogues)
        except TaxUnavailable:
            return refused(Refusal("tax_unavailable"))
    decided = decide(state, request, catalogues)
    if isinstance(decided, Unchanged):
        assert state is not None
        return unchanged(request.command, decided.facts, state, catalogues)
    if not isinstance(decided, Decision):
        return refused(decided)
    recorded = decided.events
    before = None if state is None else state.payment
    state = yield from _append(state, recorded)
    if state.payment is not None and state.payment is not before:
        concluded = yield from _charged(state, state.payment, catalogues)
        state = yield from _append(state, concluded)
        recorded += concluded
    answer = answer_of(request.command, recorded, state, catalogues)
    if state.standing.refunds:
        yield from refund_pending(
            state
        )  # its end is another fact: the same key is answered alike (section 10)
    return answer


def _can_be_given_up(state: Account, at: Instant) -> bool:
    """A payment is under way; one that waits for the customer ends by itself at its time (R96)."""
    waits_until = None if state.payment is None else state.payment.waits_until
    return state.payment is not None and (waits_until is None or at < waits_until)


def settle_due(
    state: Account, until: Instant, catalogues: Catalogues, *, on_time: bool = False
) -> Conversation[Account]:
    """Settle everything due up to the instant, its boundaries included, one date after the other (R25), and
    return the state then. Invoices are issued at that instant, or, `on_time`, each on its own date."""
    if state.payment is not None and state.payment.waits_until is not None:
        if until < state.payment.waits_until:
            return state  # all waits for the customer (R96)
        state, _ = yield from given_up(state, catalogues)
    elif state.payment is not None:
        return state  # nothing is settled before its answer (R16); corrections do not wait for it
    tried = False
    while events := settle(state, until, catalogues, on_time=on_time, tried=tried):
        state = yield from _append(state, events)
        if state.payment is not None:
            tried = tried or state.payment.purpose == "balance_retry"
            concluded = yield from _charged(state, state.payment, catalogues)
            state = yield from _append(state, concluded)
    return state


def note_prerequisites(state: Account, at: Instant, catalogues: Catalogues) -> Conversation[int]:
    """Record what the account's add-ons will need by a version that became known; the number of events. A
    payment without an answer comes first: then nothing is recorded."""
    events = () if state.payment is not None else prerequisite_changes(state, catalogues, at)
    if events:
        yield from _append(state, events)
    return len(events)


def given_up(state: Account, catalogues: Catalogues) -> Conversation[tuple[Account, tuple[e.Event, ...]]]:
    """The payment that waits for the customer is cancelled, unless it has ended before that (R96). Returns
    the state then, and what is recorded."""
    assert state.payment is not None
    answer = yield CancelStep(state.payment)
    concluded = conclude(state, _payment_answer(answer), catalogues)
    state = yield from _append(state, concluded)
    return state, concluded


def consent_answered(state: Account, answer: PaymentReply, catalogues: Catalogues) -> Conversation[Account]:
    """The payment that waited for the customer was answered: the customer's return, or the provider's own
    message (R96)."""
    return (yield from _append(state, conclude(state, answer, catalogues)))


def late_answered(
    state: Account,
    number: int,
    at: Instant,
    catalogues: Catalogues,
    *,
    paid: bool,
    decline_reason: e.DeclineReason | UnsetType = UNSET,
) -> Conversation[Account]:
    """The late payment of the invoice was answered at the instant (R98); nothing, if none is awaited."""
    record = state.records.get(number)
    if record is None or not record.late or record.status != "open":
        return state
    if paid:
        event: e.Event = e.InvoicePaid(at=at, number=number, amount=record.due)
    else:
        suspended = items_of_today(state, number, date_of(at, state.time_zone))
        remind_before = reminding(catalogues.at(at))
        event = e.LatePaymentFailed(
            at=at,
            number=number,
            suspended=suspended,
            remind_before=remind_before,
            decline_reason=decline_reason,
        )
    return (yield from _append(state, (event,)))


def refund_pending(state: Account) -> Conversation[Account]:
    """Ask for the refunds whose answer is not known, and record the answers (R62)."""
    for refund in state.standing.refunds:
        answer = yield RefundStep(refund)
        if answer in ("refunded", "failed"):
            at = state.last_at
            concluded = e.RefundConcluded(
                at=at,
                note=refund.note,
                invoice=refund.invoice,
                amount=refund.amount,
                refunded=answer == "refunded",
            )
            state = yield from _append(state, (concluded,))
    return state


def _charged(
    state: Account, payment: PendingPayment, catalogues: Catalogues
) -> Conversation[tuple[e.Event, ...]]:
    """The events that the payment's answer makes. A method that is refused for good is not asked (R54)."""
    if asks_nobody(state, payment, catalogues):
        return conclude(state, "declined", catalogues)
    answer = yield ChargeStep(payment)
    return conclude(state, _payment_answer(answer), catalogues)


def _payment_answer(reply: Reply | None) -> PaymentReply:
    assert not isinstance(reply, Account | None)
    assert reply != "refunded"
    assert reply != "failed"
    assert reply != "unknown"
    return reply


def _append(state: Account | None, events: tuple[e.Event, ...]) -> Conversation[Account]:
    """Record the events; where account credit arises beside an amount due, it pays that with them (R63)."""
    events = events if state is None else with_credit_applied(state, events)
    recorded = yield AppendStep(events)
    assert isinstance(recorded, Account)
    return recorded


def preview(state: Account | None, request: Request, catalogues: Catalogues) -> Answer | Repeated:
    """What the command would answer at that moment, every charge taken as paid; nothing is changed (R48)."""
    return rehearse(state, request, catalogues)[0]


def rehearse(
    state: Account | None, request: Request, catalogues: Catalogues
) -> tuple[Answer | Repeated, Account | None]:
    """`preview`, and the account as it would be after the command."""
    rehearsal = Rehearsal(state)
    answer = rehearsal.run(handle(state, request, catalogues))
    return answer, rehearsal.state


class Rehearsal:
    """Runs conversations that change nothing: the events are kept here, every charge is taken as paid."""

    def __init__(self, state: Account | None) -> None:
        self.state = state
        """The account as the events leave it."""
        self.events: list[e.Event] = []

    def run(self, conversation: Conversation[Returned]) -> Returned:
        """What the conversation, begun from `state`, returns."""
        return drive(conversation, append=self.append, charge=lambda _: "paid")

    def append(self, events: tuple[e.Event, ...]) -> Account:
        """The state after the events."""
        state = evolve_all(self.state, events)
        assert state is not None
        self.state = state
        self.events += events
        return state
