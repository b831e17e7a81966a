"""An account's way through a run: loaded with others, settled by the domain's one path, its events appended
with those of others, its charge asked for, and what the answer makes of it appended again.

Stages hand accounts on and never wait for one. What is found waits for room. Charges that are more than can
be asked for are set aside, so that issuing goes on; their accounts are loaded again when it is their turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain import events as e
from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.evolve import evolve_all
from domain.process import AppendStep, ChargeStep, Reply
from domain.settle import next_due
from domain.state import Account
from domain.tax import TaxUnavailable
from eventlog.errors import LogUnavailable, VersionConflict, WrongDatabase
from eventlog.port import Outcome
from eventlog.records import NewEvent, StoredEvent
from service.billing.collecting import Answer, Question
from service.billing.hands import Hand
from service.billing.kept import InvoicesUnread, encoded
from service.billing.report import Failed, Tally
from service.billing.settling import Answered, FinishStep, settling
from service.billing.states import BilledAccount, KeptState, Loaded
from service.conversing import new_event
from service.errors import ClockAhead, PaymentUnanswered

LOSSES: Final = 5
"""How often an account may change meanwhile before it is settled alone, which is more patient."""

NOBODY_CAN: Final = (LogUnavailable, WrongDatabase, ClockAhead)
"""What ends the run, since no account could go on."""

_INTENTS: Final = frozenset({e.CyclesRenewed, e.PaymentStarted})

_logger = logging.getLogger(__name__)


class ToAppend(msgspec.Struct, frozen=True, gc=False):
    """Events of an account in hand, as rows too."""

    hand: Hand
    events: tuple[e.Event, ...]
    rows: tuple[NewEvent, ...]


class Stages(msgspec.Struct, frozen=True):
    """Where an account goes next. `load`: its state is read anew. `alone`: settled by whatever its state asks
    for, apart from the others. `left`: it is not in hand any more; whether a later run has to come back."""

    append: Callable[[ToAppend], None]
    ask: Callable[[Question, Hand], None]
    load: Callable[[Hand], None]
    alone: Callable[[Hand], None]
    keep: Callable[[KeptState], None]
    left: Callable[[Hand, bool], None]


class Way:
    """What becomes of each account in hand, step by step. `now`: the machine's clock, checked."""

    def __init__(
        self,
        stages: Stages,
        tally: Tally,
        until: Instant,
        recover_after: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._stages = stages
        self._tally = tally
        self._until = until
        self._recover_after = recover_after
        self._now = now

    # ---- begun ---------------------------------------------------------------

    def begin(self, hand: Hand, loaded: Loaded, catalogues: Catalogues) -> None:
        """Go on with an account as it is in the log now."""
        if isinstance(loaded, Exception):
            self.failed(hand, loaded)
            return
        if loaded is None:
            self._stages.alone(hand)
            return
        hand.state, hand.head, hand.kept_at = loaded.state, loaded.head, loaded.kept_at
        if loaded.state.standing.refunds:
            self._stages.alone(hand)
            return
        unfinished: FinishStep | ChargeStep | Answered | None = None
        payment = loaded.state.payment
        if payment is not None:
            ours = payment.intent == hand.intent
            if ours and hand.answered is not None:
                unfinished = hand.answered
            elif payment.role is not None or payment.waits_until is not None or not _is_last(loaded):
                self._stages.alone(hand)
                return
            elif ours:
                unfinished = ChargeStep(payment)
            elif self._is_young(loaded):
                self._waits(hand)
                return
            else:
                hand.intent, hand.key = payment.intent, loaded.last_id
                unfinished = FinishStep(payment)
        hand.conversation = settling(loaded.state, self._until, catalogues, unfinished)
        self._go_on(hand, None)

    def _is_young(self, loaded: BilledAccount) -> bool:
        """Whether a living process may be at the payment still."""
        assert loaded.head.recorded_at is not None
        return self._now() - loaded.head.recorded_at < self._recover_after

    def _go_on(self, hand: Hand, reply: Reply | None) -> None:
        assert hand.conversation is not None
        try:
            step = hand.conversation.send(reply)
        except StopIteration:
            self._settled(hand)
        except Exception as error:  # noqa: BLE001 - it concerns this account alone
            self._stopped_by(hand, error)
        else:
            if isinstance(step, AppendStep):
                rows = tuple([new_event(event, None) for event in step.events])
                self._stages.append(ToAppend(hand, step.events, rows))
            elif isinstance(step, ChargeStep | FinishStep):
                assert hand.state is not None
                assert hand.key is not None
                assert step.payment.intent == hand.intent
                currency, finish = hand.state.currency, isinstance(step, FinishStep)
                question = Question(hand.account_id, hand.key, step.payment, currency, finish)
                self._stages.ask(question, hand)
            else:
                self._stages.alone(hand)

    # ---- appended ------------------------------------------------------------

    def appended(self, given: ToAppend, outcome: Outcome) -> None:
        """Go on with an account whose events are stored, or were not since it has changed."""
        hand = given.hand
        if isinstance(outcome, VersionConflict):
            self._lost(hand)
        elif isinstance(outcome, NOBODY_CAN):
            raise outcome
        elif isinstance(outcome, Exception):
            self.failed(hand, outcome)
        else:
            self._recorded(hand, given.events, outcome)

    def _recorded(self, hand: Hand, events: tuple[e.Event, ...], stored: Sequence[StoredEvent]) -> None:
        hand.recorded, hand.answered = True, None
        for event, row in zip(events, stored, strict=True):
            if type(event) in _INTENTS:
                hand.intent, hand.key = row.version, row.event_id
        try:
            state = evolve_all(hand.state, events)
            assert state is not None
            self._tally.recorded(events, state)
        except Exception as error:  # noqa: BLE001 - it concerns this account alone
            self._stopped_by(hand, error)
            return
        hand.state, hand.head = state, stored[-1].head
        if hand.interrupted and state.payment is None:
            self._waits(hand)
        else:
            self._go_on(hand, state)

    def _lost(self, hand: Hand) -> None:
        """Someone else has changed the account: what it is now decides."""
        hand.losses += 1
        hand.put_down()
        if hand.losses > LOSSES:
            self._stages.alone(hand)
        else:
            self._stages.load(hand)

    # ---- answered ------------------------------------------------------------

    def answered(self, hand: Hand, answer: Answer) -> None:
        """Go on with an account whose payment was answered, or was not."""
        if answer.fault is not None:
            self._stopped_by(hand, answer.fault)
            return
        if answer.reply is None:
            self._waits(hand)
            return
        hand.answered, hand.interrupted = Answered(hand.intent, answer.reply), answer.interrupted
        self._go_on(hand, answer.reply)

    def settled_alone(
        self, hand: Hand, outcome: Sequence[e.Event] | Exception, state: Account | None
    ) -> None:
        """An account was settled apart from the others."""
        if isinstance(outcome, NOBODY_CAN):
            raise outcome
        if isinstance(outcome, Exception):
            self._stopped_by(hand, outcome)
            return
        if outcome and state is not None:
            hand.recorded = True
            self._tally.recorded(outcome, state)
        self._leave(hand, later=False)

    # ---- ended ---------------------------------------------------------------

    def _settled(self, hand: Hand) -> None:
        state = hand.state
        assert state is not None
        if hand.head.version > hand.kept_at and state.payment is None:
            due = next_due(state)
            due_at = None if due is None else due[1]
            # Encoded here and not with the others of its batch: by then it would have left the CPU's caches.
            self._stages.keep(KeptState(hand.account_id, hand.head, due_at, encoded(state)))
        self._leave(hand, later=False)

    def _stopped_by(self, hand: Hand, error: Exception) -> None:
        if isinstance(error, NOBODY_CAN):
            raise error
        if isinstance(error, InvoicesUnread) and not hand.whole:
            hand.whole = True
            hand.put_down()
            self._stages.load(hand)
        elif isinstance(error, TaxUnavailable):
            self._tally.untaxed.append(hand.account_id)
            self._leave(hand, later=True)
        elif isinstance(error, PaymentUnanswered):
            self._waits(hand)
        else:
            self.failed(hand, error)

    def _waits(self, hand: Hand) -> None:
        self._tally.waiting.append(hand.account_id)
        self._leave(hand, later=True)

    def failed(self, hand: Hand, error: Exception) -> None:
        """Report an account that cannot be settled; the others go on."""
        account_id = hand.account_id
        _logger.error(
            "account %s could not be settled", account_id, exc_info=error, extra={"account": account_id}
        )
        self._tally.failed.append(Failed(account_id, f"{type(error).__name__}: {error}"))
        self._leave(hand, later=True)

    def _leave(self, hand: Hand, *, later: bool) -> None:
        if hand.recorded or later:
            self._tally.accounts += 1
        hand.put_down()
        self._stages.left(hand, later)


def _is_last(loaded: BilledAccount) -> bool:
    """Whether the payment's intent is the account's last event, whose id is at hand."""
    payment = loaded.state.payment
    return payment is not None and payment.intent == loaded.head.version and loaded.last_id is not None
