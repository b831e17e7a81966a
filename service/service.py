"""A command's way to its answer: load, let the domain decide, record, charge, record; on a lost race, anew.

    given = service.handle("main/a1", request, means=Confirmation(token), actor="u-7")
    given.answer.outcome, given.version

What is promised: a command with an id is done once at most, however often and by however many processes it
is given, and is always answered alike (section 10); nothing is charged without a durable intent and nothing
activated without an answer (R16).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import timedelta
from itertools import takewhile
from typing import TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.answers import Answer, Refusal, answer_of, refused
from domain.calendar import Instant, local_text
from domain.catalog import Catalogues
from domain.commands import ChangeCatalog, Command, OpenAccount, PayBalance, Request
from domain.decide import Repeated, admit
from domain.errors import InvalidCatalog, InvalidInput
from domain.events import Clock as ClockName
from domain.money import zero
from domain.process import handle, note_prerequisites, preview, settle_due
from domain.state import Account, RecordedCommand
from eventlog.codec import domain_codec
from eventlog.errors import LogUnavailable, VersionConflict
from eventlog.records import StoredEvent
from service.accounts import LoadedAccount
from service.catalogues import CatalogueLibrary
from service.clock import Clock
from service.conversing import Attempt, Ports
from service.errors import Contended, Fate, PaymentUnanswered, Unanswered
from service.gateway import SAVED_METHOD, Confirmation, Means, SettableGateway
from service.recovery import Recovery, UnansweredPayment

Result = TypeVar("Result")
Decide: TypeAlias = Callable[[Account | None, Request, Catalogues], Answer | Repeated]

_logger = logging.getLogger(__name__)

EVENTS_OF_A_COMMAND = 100
"""At most: an intent, what came of it, and what follows of that."""

PROVIDER_AWAY = Refusal("payment_in_progress")
"""A payment that fell due before could not be made, since the payment provider gives no answer."""


class GivenCommand(msgspec.Struct, frozen=True):
    """The answer to a command, and the account's version after it (None: there is no account). `position`: of
    the last event that was recorded for it here, None if none was."""

    answer: Answer
    version: int | None
    position: int | None = None


class BillingService:
    """Takes commands to their answers; threads share it, processes each make their own.

    `recover_after`: see `service.recovery`. `payment_wait`: seconds for which a command waits for the
    answer to another one's payment before it is refused (R16); people bear that long. `attempts`: how
    often a command begins anew because the account changed meanwhile, each time by an append that won.
    `test_clocks` False: nothing is done on a test clock, nor any account opened on one (R97).
    """

    def __init__(
        self,
        ports: Ports,
        catalogues: CatalogueLibrary,
        clock: Clock,
        *,
        recover_after: timedelta = timedelta(seconds=30),
        payment_wait: timedelta = timedelta(seconds=2),
        attempts: int = 100,
        test_clocks: bool = True,
    ) -> None:
        self._ports = ports
        self._catalogues = catalogues
        self._clock = clock
        self._recovery = Recovery(ports, clock, recover_after, catalogues.series_for)
        self._payment_wait = payment_wait
        self._attempts = attempts
        self._test_clocks = test_clocks
        self._codec = domain_codec()

    def account(self, account_id: str) -> Account | None:
        """The account as it is in the log now; None: never opened."""
        return self._ports.accounts.load(account_id).state

    def last_seen(self, account_id: str) -> Account | None:
        """The account as last seen: good for what never changes (currency, zone, clock, catalogue)."""
        recalled = self._ports.accounts.recall(account_id)
        return self.account(account_id) if recalled is None else recalled.state

    # ---- commands ------------------------------------------------------------

    def handle(
        self,
        account_id: str,
        request: Request,
        *,
        means: Means = SAVED_METHOD,
        actor: str | None = None,
    ) -> GivenCommand:
        """Do the command and say what came of it. On the wall clock it happens at max(now, the account's
        last instant), whatever `request.at` says; on a test clock at `request.at`.

        Raises InvalidInput `at_too_early` (test clock), Contended, and Unanswered where the log was lost.
        """
        if (
            request.cvv
            and not isinstance(means, Confirmation)
            and not isinstance(request.command, PayBalance)
        ):
            raise ValueError("a confirmation is given with its token")
        waiting = UnansweredPayment(self._payment_wait)
        begun = False

        def give(attempt: Attempt) -> GivenCommand | None:
            nonlocal begun
            try:
                given = self._give(attempt, request, self._decider(attempt))
            finally:
                begun = begun or attempt.begun
            if given is not None and _must_wait(given, attempt):
                return (
                    None
                    if self._recovery.wait_or_take_over(attempt.account_id, attempt.loaded, waiting)
                    else given
                )
            return given

        try:
            given = self._until_won(account_id, give, means, actor)
        except LogUnavailable as error:
            fate: Fate = "fate_unknown" if begun else "unreachable"
            raise Unanswered(fate, account_id, request.id, error.reason) from error
        _log_answer(account_id, request, given)
        return given

    def preview(self, account_id: str, request: Request) -> GivenCommand:
        """What `handle` would answer now, every charge taken as paid; nothing is changed (R48)."""
        waiting = UnansweredPayment(self._payment_wait)

        def look(attempt: Attempt) -> GivenCommand | None:
            given = self._give(attempt, request, preview)
            if given is not None and _must_wait(given, attempt):
                changed = self._recovery.wait(attempt.account_id, attempt.loaded, waiting)
                return None if changed else given
            return given

        return self._until_won(account_id, look)

    def settle(self, account_id: str, until: Instant) -> int:
        """Settle what is due, a payment without an answer first; the number of events recorded.

        Raises PaymentUnanswered while that payment may be a living process's own, or the provider is away.
        """
        recorded = 0

        def settle(attempt: Attempt) -> int | None:
            nonlocal recorded
            state = attempt.state
            if state is None:
                return 0
            self.check_clock(state.clock)
            if state.payment is not None:
                if not self._recovery.take_over(account_id, attempt.loaded):
                    raise PaymentUnanswered(account_id)
                recorded += 1
                return None
            try:
                attempt.run(settle_due(state, until, self._catalogues.series_for(state)))
            finally:
                recorded += attempt.recorded
            return recorded

        return self._until_won(account_id, settle, fresh=True)

    def note_prerequisites(self, account_id: str) -> int:
        """Record what the add-ons of an account on the wall clock need by the versions known now (R44); the
        number of events. One whose payment has no answer is left as it is."""

        def note(attempt: Attempt) -> int:
            state = attempt.state
            if state is None or state.clock != "wall":
                return 0
            at = max(self._clock.now(), state.last_at)
            return attempt.run(note_prerequisites(state, at, self._catalogues.series_for(state)))

        return self._until_won(account_id, note, fresh=True)

    def set_saved_method(self, account_id: str, at: Instant, *, works: bool) -> GivenCommand:
        """On a test clock: settle what is due at the instant, then let every payment of the account be
        answered so (docs/scenarios.md, `payment_method`).

        Raises InvalidInput `at_too_early`.
        """
        gateway = self._ports.gateway
        if not isinstance(gateway, SettableGateway):
            raise TypeError(f"{type(gateway).__name__} has no saved methods that can be set")
        waiting = UnansweredPayment(self._payment_wait)
        request = Request(PayBalance(), at, "test")

        def set_method(attempt: Attempt) -> GivenCommand | None:
            given = self._give(attempt, request, self._settler(attempt))
            if given is not None and _must_wait(given, attempt):
                return (
                    None if self._recovery.wait_or_take_over(account_id, attempt.loaded, waiting) else given
                )
            if given is not None and given.answer.outcome == "accepted":
                gateway.set_saved_method(account_id, works=works)
            return given

        return self._until_won(account_id, set_method, fresh=True)

    def check_clock(self, clock: ClockName) -> None:
        """Raise InvalidInput `test_clocks_refused` where that clock is forbidden here (R97)."""
        if clock == "test" and not self._test_clocks:
            message = "this system takes no accounts on a test clock (PRORATA_TEST_CLOCKS=refused)"
            raise InvalidInput("test_clocks_refused", "", message)

    # ---- one attempt ---------------------------------------------------------

    def _until_won(
        self,
        account_id: str,
        work: Callable[[Attempt], Result | None],
        means: Means = SAVED_METHOD,
        actor: str | None = None,
        *,
        fresh: bool = False,
    ) -> Result:
        """What the work returns once it loses no race. Where it returns None the account has changed, and it
        is done again."""
        lost = 0
        for _ in range(self._attempts):
            recalled = None if fresh else self._ports.accounts.recall(account_id)
            loaded = recalled or self._ports.accounts.load(account_id)
            attempt = Attempt(
                self._ports, account_id, loaded, confirmed=recalled is None, means=means, actor=actor
            )
            try:
                result = work(attempt)
            except VersionConflict:
                result = None
                lost += 1
                self._ports.sleep(random.uniform(0, min(0.2, 0.002 * 2**lost)))  # noqa: S311 - jitter
            if result is not None:
                return result
            fresh = True
        raise Contended(account_id, self._attempts)

    def _give(self, attempt: Attempt, request: Request, decide: Decide) -> GivenCommand | None:
        """The answer on the attempt's state. None: the state was stale and the answer records nothing, so it
        is given only at the log's head."""
        self.check_clock(request.clock)
        state = self._with_forgotten_id(attempt.account_id, attempt.state, request)
        request = self._at_its_instant(request, state)
        early = _too_early(request, state)
        outcome: Answer | Repeated | InvalidInput
        try:
            outcome = early or decide(state, request, self._catalogues.series_for(state))
        except InvalidCatalog as error:  # what a `catalog` command makes of the account's own
            outcome = error
        if not attempt.confirmed and not self._at_head(attempt.account_id, attempt.loaded):
            return None
        if isinstance(outcome, InvalidInput):
            raise outcome
        if isinstance(outcome, Repeated):
            assert state is not None
            return self._as_recorded(attempt.account_id, request.command, outcome.version)
        version = None if attempt.state is None else attempt.state.version
        return GivenCommand(outcome, version, attempt.position)

    def _decider(self, attempt: Attempt) -> Decide:
        """The conversation as a decision. Where another process concluded the command's own payment first, or
        its answer is not known, what is recorded is the answer."""

        def decide(state: Account | None, request: Request, catalogues: Catalogues) -> Answer | Repeated:
            if isinstance(request.command, ChangeCatalog) and state is not None:
                self._catalogues.pin_versions(catalogues, state, request.command, request.at)
            try:
                return attempt.run(handle(state, request, catalogues))
            except VersionConflict:
                if attempt.own_intent is None:
                    raise
            except PaymentUnanswered:
                if attempt.own_intent is None:
                    return refused(PROVIDER_AWAY)
            return Repeated(attempt.own_intent)

        return decide

    def _settler(self, attempt: Attempt) -> Decide:
        def decide(state: Account | None, request: Request, catalogues: Catalogues) -> Answer | Repeated:
            refusal = admit(state, request)
            if isinstance(refusal, Refusal) and refusal.code != "account_closed":
                return refused(refusal)
            assert state is not None
            try:
                attempt.run(settle_due(state, request.at, catalogues))
            except PaymentUnanswered:
                return refused(PROVIDER_AWAY)
            return Answer("accepted", None, {}, zero(state.currency), (), None, ())

        return decide

    def _with_forgotten_id(self, account_id: str, state: Account | None, request: Request) -> Account | None:
        """The state with the request's command id, where it is one of those that states forget."""
        if (
            state is None
            or request.id is None
            or not state.forgotten_commands
            or request.id in state.commands
        ):
            return state
        first = _first_recorded(self._ports.log.find_command(account_id, request.id))
        if first is None:
            return state
        command = self._codec.read(first).command
        assert command is not None
        assert command.fingerprint is not None
        recorded = RecordedCommand(first.version, command.fingerprint)
        return replace(state, commands={**state.commands, request.id: recorded})

    def _at_its_instant(self, request: Request, state: Account | None) -> Request:
        """The request at its instant."""
        if request.clock == "test":
            return request
        now = self._clock.now()
        return replace(request, at=now if state is None else max(now, state.last_at))

    def _at_head(self, account_id: str, loaded: LoadedAccount) -> bool:
        head = self._ports.log.head(account_id)
        return (head.version, head.hash) == (loaded.head.version, loaded.head.hash)

    def _as_recorded(self, account_id: str, command: Command, version: int) -> GivenCommand:
        """The answer that the recorded events of a command make, the first of which is this version: of the
        account as they left it, by the catalogues known then."""
        stored = _own_events(self._ports.log.read_account(account_id, version - 1, EVENTS_OF_A_COMMAND))
        last = stored[-1]
        state = self._ports.accounts.as_of(account_id, last.version)
        known = self._catalogues.series_for(state, known_at=last.effective_at)
        events = [self._codec.read(row) for row in stored]
        return GivenCommand(answer_of(command, events, state, known), last.version)


def _own_events(stored: list[StoredEvent]) -> list[StoredEvent]:
    """Of events from a command's first one on, those that it made: those of its id, or without one its intent
    and what came of it."""
    first = stored[0]
    if first.command_id is None:
        return stored[: 2 if first.type == e.PaymentStarted.__struct_config__.tag else 1]
    return list(takewhile(lambda row: row.command_id == first.command_id, stored))


def _log_answer(account_id: str, request: Request, given: GivenCommand) -> None:
    """Log what a command was answered, without who asked, what it costs and what it says."""
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


def _must_wait(given: GivenCommand, attempt: Attempt) -> bool:
    """Whether it was refused for a payment of another command, which may be answered at any moment (R16)."""
    return given.answer.code == "payment_in_progress" and not attempt.begun


def _too_early(request: Request, state: Account | None) -> InvalidInput | None:
    """The refusal of a command on a test clock that comes before what has happened. One that was recorded
    before is answered again all the same, and one on the wrong clock is refused for that."""
    if state is None or isinstance(request.command, OpenAccount) or request.id in state.commands:
        return None
    if request.clock != "test" or state.clock != "test" or request.at >= state.last_at:
        return None
    last = local_text(state.last_at, state.time_zone)
    message = f"the account's last instant is {last}: nothing happens on it before that"
    return InvalidInput("at_too_early", "$.at", message)


def _first_recorded(found: list[StoredEvent]) -> StoredEvent | None:
    """The first event of a key that counts: a cancelled payment frees the key again (R16)."""
    first = None
    for stored in found:
        if stored.type == e.PaymentCancelled.__struct_config__.tag:
            first = None
        elif first is None:
            first = stored
    return first
