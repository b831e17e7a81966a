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
from typing import TypeVar

import msgspec

from domain import events as e
from domain.answers import Answer, answer_of, refused, unchanged
from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.commands import Request
from domain.conclude import PaymentAnswer, conclude
from domain.decide import Decision, Repeated, admit, decide
from domain.evolve import evolve_all
from domain.proposals import Unchanged
from domain.renewal import prerequisite_changes
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
Conversation = Generator[Step, Reply | None, Returned]


def drive(
    conversation: Conversation[Returned],
    *,
    append: Callable[[tuple[e.Event, ...]], Account],
    charge: Callable[[PendingPayment], PaymentAnswer],
) -> Returned:
    """What the conversation returns, once each of its steps is taken. `append` records the events and returns
    the state after them; `charge` returns the payment's answer. What either raises ends the conversation."""
    reply: Reply | None = None
    try:
        while True:
            try:
                step = conversation.send(reply)
            except StopIteration as done:
                returned: Returned = done.value
                return returned
            reply = append(step.events) if isinstance(step, AppendStep) else charge(step.payment)
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
    if admitted is not None:
        return refused(admitted)
    if state is not None:
        state = yield from settle_due(state, request.at, catalogues)
    decided = decide(state, request, catalogues)
    if isinstance(decided, Unchanged):
        assert state is not None
        return unchanged(request.command, decided.facts, state, catalogues)
    if not isinstance(decided, Decision):
        return refused(decided)
    state = yield from _append(decided.events)
    recorded = decided.events
    if state.payment is not None:
        concluded = yield from _charged(state, state.payment)
        state = yield from _append(concluded)
        recorded += concluded
    return answer_of(request.command, recorded, state, catalogues)


def settle_due(
    state: Account, until: Instant, catalogues: Catalogues, *, on_time: bool = False
) -> Conversation[Account]:
    """Settle everything due up to the instant, its boundaries included, one date after the other (R25), and
    return the state then. Invoices are issued at that instant, or, `on_time`, each on its own date."""
    while events := settle(state, until, catalogues, on_time=on_time):
        state = yield from _append(events)
        if state.payment is not None:
            state = yield from _append((yield from _charged(state, state.payment)))
    return state


def note_prerequisites(state: Account, at: Instant, catalogues: Catalogues) -> Conversation[int]:
    """Record what the account's add-ons will need by a version that became known; the number of events. A
    payment without an answer comes first: then nothing is recorded."""
    events = () if state.payment is not None else prerequisite_changes(state, catalogues, at)
    if events:
        yield from _append(events)
    return len(events)


def _charged(state: Account, payment: PendingPayment) -> Conversation[tuple[e.Event, ...]]:
    """The events that the payment's answer makes."""
    answer = yield ChargeStep(payment)
    assert isinstance(answer, str)
    return conclude(state, answer)


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
