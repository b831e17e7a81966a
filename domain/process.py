"""The one path from a request to its answer, and of what falls due: a conversation without I/O.

The generators here say what must be done next, `AppendStep` these events or `ChargeStep` this payment, and
are sent what came of it: the state after the events, the payment's answer. The service drives them with the
log and the payment gateway, simulation in memory, a preview by taking every charge as paid (R48). A driver
that loses a race for an append closes the conversation and begins anew.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import msgspec

from domain import events as e
from domain.answers import Answer, answer_of, refused, unchanged
from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.commands import Request
from domain.conclude import PaymentAnswer, conclude
from domain.decide import Decision, Repeated, admit, decide
from domain.evolve import evolve
from domain.proposals import Unchanged
from domain.settle import settle
from domain.state import Account, PendingPayment


class AppendStep(msgspec.Struct, frozen=True):
    """Record these events, all or nothing. The answer is the state after them."""

    events: tuple[e.Event, ...]


class ChargeStep(msgspec.Struct, frozen=True):
    """Charge this payment, whose intent is recorded. The answer is a `PaymentAnswer`."""

    payment: PendingPayment


Step = AppendStep | ChargeStep
Reply = Account | PaymentAnswer
Returned = TypeVar("Returned")
Conversation = Generator[Step, Reply, Returned]


def handle(
    state: Account | None, request: Request, catalogues: Catalogues
) -> Conversation[Answer | Repeated]:
    """Give the command: admit it, settle what is due at its instant, decide, charge, conclude. `Repeated`:
    look its answer up."""
    admitted = admit(state, request)
    if isinstance(admitted, Repeated):
        return admitted
    if admitted is not None:
        return refused(admitted)
    if state is not None:
        state = yield from settle_due(state, request.at, catalogues)
    decided = decide(state, request, catalogues)
    if isinstance(decided, Unchanged):
        assert state is not None
        return unchanged(decided.message, state.currency)
    if not isinstance(decided, Decision):
        return refused(decided)
    state = yield from _append(decided.events)
    recorded = decided.events
    if state.payment is not None:
        recorded += yield from _answer_payment(state)
    return answer_of(recorded, state.currency, request.language)


def settle_due(state: Account, until: Instant, catalogues: Catalogues) -> Conversation[Account]:
    """Settle everything due up to the instant, its boundaries included, one date after the other (R25).
    The answer is the state then."""
    while events := settle(state, until, catalogues):
        state = yield from _append(events)
        if state.payment is not None:
            answer = yield ChargeStep(state.payment)
            assert not isinstance(answer, Account)
            state = yield from _append(conclude(state, answer))
    return state


def _answer_payment(state: Account) -> Conversation[tuple[e.Event, ...]]:
    assert state.payment is not None
    answer = yield ChargeStep(state.payment)
    assert not isinstance(answer, Account)
    events = conclude(state, answer)
    yield from _append(events)
    return events


def _append(events: tuple[e.Event, ...]) -> Conversation[Account]:
    state = yield AppendStep(events)
    assert isinstance(state, Account)
    return state


def preview(state: Account | None, request: Request, catalogues: Catalogues) -> Answer | Repeated:
    """What the command would answer at that moment, every charge taken as paid; nothing is changed (R48)."""
    return rehearse(state, request, catalogues)[0]


def rehearse(
    state: Account | None, request: Request, catalogues: Catalogues
) -> tuple[Answer | Repeated, Account | None]:
    """`preview`, and the account as it would be after the command."""
    conversation = handle(state, request, catalogues)
    reply: Reply | None = None
    while True:
        try:
            step = conversation.send(reply)  # type: ignore[arg-type]
        except StopIteration as done:
            answer: Answer | Repeated = done.value
            return answer, state
        if isinstance(step, ChargeStep):
            reply = "paid"
        else:
            for event in step.events:
                state = evolve(state, event)
            assert state is not None
            reply = state
