"""A command's way to its answer: load, let the domain decide, record, charge, record; on a lost race, anew.

    given = await service.handle("main/a1", request, means=Confirmation(token), actor="u-7")
    given.answer.outcome, given.version

What is promised: a command with an id is done once at most, however often and by however many processes it
is given, and is always answered alike (section 10); nothing is charged without a durable intent and nothing
activated without an answer (R16).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from msgspec.structs import replace

from domain.answers import Answer, Refusal, refused
from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.commands import AbandonPayment, ChangeCatalog, PayBalance, Request
from domain.decide import BOOKKEEPING, Repeated, admit
from domain.money import zero
from domain.process import (
    handle,
    note_prerequisites,
    preview,
    refund_pending,
    settle_due,
)
from domain.state import Account
from domain.tax import TaxUnavailable
from eventlog.errors import LogUnavailable, VersionConflict
from service.answered_payments import AnsweredPayments, waits_for_the_customer
from service.answering import GivenCommand, log_answer, must_wait
from service.attempting import Decide
from service.conversing import Attempt, key_of
from service.errors import (
    Fate,
    GatewayUnavailable,
    PaymentUnanswered,
    Unanswered,
    VersionChanged,
)
from service.gateways.port import SAVED_METHOD, Confirmation, Means, SettableGateway
from service.recovery import UnansweredPayment

PROVIDER_AWAY = Refusal("payment_in_progress")
"""A payment that fell due before could not be made, since the payment provider gives no answer."""

NO_TAXES = Refusal("tax_unavailable")
"""Something fell due before, and whoever decides its taxes has no answer (R71)."""

_OUT_OF_TURN = (*BOOKKEEPING, AbandonPayment)
"""What does not wait for a payment that is under way."""


class BillingService(AnsweredPayments):
    """Takes commands to their answers; tasks (and, with ports that block, threads) share it, processes each
    make their own. `service.blocking` is the synchronous door.

    `recover_after`: see `service.recovery`. `payment_wait`: seconds for which a command waits for the
    answer to another one's payment before it is refused (R16); people bear that long. `attempts`: how
    often a command begins anew because the account changed meanwhile, each time by an append that won.
    `test_clocks` False: nothing is done on a test clock, nor any account opened on one (R97). `wall_clock`
    False: nothing is done on the wall clock, since the gateway is the test gateway, which moves no money.
    """

    # ---- commands ------------------------------------------------------------

    async def handle(
        self,
        account_id: str,
        request: Request,
        *,
        means: Means = SAVED_METHOD,
        method: Confirmation | None = None,
        actor: str | None = None,
        if_version: int | None = None,
    ) -> GivenCommand:
        """Do the command and say what came of it. On the wall clock it happens at max(now, the account's
        last instant), whatever `request.at` says; on a test clock at `request.at`. `method`: the provider's
        token of the payment method that it saves (R56). `if_version`: the account's version that it was
        decided on; a command that was recorded before is answered all the same.

        Raises InvalidInput `at_too_early` (test clock), Contended, VersionChanged, and Unanswered where the
        log was lost.
        """
        if (
            request.cvv
            and not isinstance(means, Confirmation)
            and not isinstance(request.command, PayBalance)
        ):
            raise ValueError("a confirmation is given with its token")
        waiting = UnansweredPayment(self._payment_wait)
        begun = False

        async def give(attempt: Attempt) -> GivenCommand | None:
            nonlocal begun
            try:
                if await self._has_learned(attempt, request):
                    return None
                if if_version is not None and not await self._is_decided_on(attempt, request, if_version):
                    return None
                given = await self._give(attempt, request, self._decider(attempt))
            except PaymentUnanswered:
                version = None if attempt.state is None else attempt.state.version
                return GivenCommand(refused(PROVIDER_AWAY), version)
            finally:
                begun = begun or attempt.begun
            if given is not None and must_wait(given, attempt):
                return (
                    None
                    if await self._recovery.wait_or_take_over(attempt.account_id, attempt.loaded, waiting)
                    else given
                )
            return await self._with_reference(attempt, given)

        try:
            if isinstance(request.command, _OUT_OF_TURN):
                given = await self._won(account_id, give, means, method, actor)
            else:
                given = await self._until_won(account_id, give, means, method, actor, waiting=waiting)
        except LogUnavailable as error:
            fate: Fate = "fate_unknown" if begun else "unreachable"
            raise Unanswered(fate, account_id, request.id, error.reason) from error
        log_answer(account_id, request, given)
        return given

    async def preview(self, account_id: str, request: Request) -> GivenCommand:
        """What `handle` would answer now, every charge taken as paid; nothing is changed (R48)."""
        waiting = UnansweredPayment(self._payment_wait)

        async def look(attempt: Attempt) -> GivenCommand | None:
            given = await self._give(attempt, request, _previewed)
            if given is not None and must_wait(given, attempt):
                changed = await self._recovery.wait(attempt.account_id, attempt.loaded, waiting)
                return None if changed else given
            return given

        return await self._won(account_id, look)

    async def settle(self, account_id: str, until: Instant) -> int:
        """Settle what is due, refunds and a payment without an answer first; the number of events recorded.
        One whose payment waits for the customer is left until that is answered, or its time over (R96).

        Raises PaymentUnanswered while that payment may be a living process's own, or the provider is away;
        TaxUnavailable (R71).
        """
        recorded = 0

        async def settle(attempt: Attempt) -> int | None:
            nonlocal recorded
            state = attempt.state
            if state is None:
                return 0
            self.check_clock(state.clock)
            try:
                if not await self._settle(attempt, state, until):
                    recorded += 1
                    return None
            finally:
                recorded += attempt.recorded
            return recorded

        return await self._until_won(account_id, settle, fresh=True)

    async def _settle(self, attempt: Attempt, state: Account, until: Instant) -> bool:
        """False: the account's payment has ended, so it is another account now."""
        if state.standing.refunds:
            state = await attempt.run(refund_pending(state))
        if state.payment is None:
            state = await attempt.run(settle_due(state, until, self._catalogues.series_for(state)))
        elif state.payment.waits_until is not None:
            if await self._recovery.learn(attempt.account_id, attempt.loaded, until):
                return False
        elif await self._recovery.take_over(attempt.account_id, attempt.loaded):
            return False
        else:
            raise PaymentUnanswered(attempt.account_id)
        if state.standing.refunds:
            raise PaymentUnanswered(attempt.account_id)
        return True

    async def note_prerequisites(self, account_id: str) -> int:
        """Record what the add-ons of an account on the wall clock need by the versions known now (R44); the
        number of events. One whose payment has no answer is left as it is."""

        async def note(attempt: Attempt) -> int:
            state = attempt.state
            if state is None or state.clock != "wall":
                return 0
            at = max(self._clock.now(), state.last_at)
            return await attempt.run(note_prerequisites(state, at, self._catalogues.series_for(state)))

        return await self._until_won(account_id, note, fresh=True)

    async def play(
        self, account_id: str, at: Instant, then: Callable[[SettableGateway, Account], Awaitable[None]]
    ) -> GivenCommand:
        """On a test clock: settle what is due at the instant, then let the test gateway do something for the
        account as it is then (docs/scenarios.md, `payment_method`, `payment_answer`).

        Raises InvalidInput `at_too_early`.
        """
        gateway = self._ports.test_gateway or self._ports.gateway
        if not isinstance(gateway, SettableGateway):
            raise TypeError(f"{type(gateway).__name__} plays nothing")
        waiting = UnansweredPayment(self._payment_wait)
        request = Request(AbandonPayment(), at, "test")

        async def settle_and_play(attempt: Attempt) -> GivenCommand | None:
            given = await self._give(attempt, request, self._settler(attempt))
            if given is not None and must_wait(given, attempt):
                return (
                    None
                    if await self._recovery.wait_or_take_over(account_id, attempt.loaded, waiting)
                    else given
                )
            if given is not None and given.answer.outcome == "accepted":
                assert attempt.state is not None
                await then(gateway, attempt.state)
            return given

        return await self._until_won(account_id, settle_and_play, fresh=True, waiting=waiting)

    async def payment_key(self, account_id: str, state: Account) -> UUID | None:
        """The key under which the gateway knows the payment of the account that has not ended; None: all
        have."""
        return (
            None if state.payment is None else await key_of(self._ports.log, account_id, state.payment.intent)
        )

    async def play_refunds(self, account_id: str, *, work: bool) -> None:
        """Let refunds to an account on a test clock be made from now on, or fail."""
        state = await self.last_seen(account_id)
        gateway = None if state is None or state.clock == "wall" else self._ports.gateway_of(state)
        if isinstance(gateway, SettableGateway):
            await gateway.set_refunds(account_id, work=work)

    # ---- one attempt ---------------------------------------------------------

    def _decider(self, attempt: Attempt) -> Decide:
        """The conversation as a decision. Where another process concluded the command's own payment first, or
        its answer is not known, what is recorded is the answer."""

        async def decide(
            state: Account | None, request: Request, catalogues: Catalogues
        ) -> Answer | Repeated:
            if isinstance(request.command, ChangeCatalog) and state is not None:
                pin = partial(self._catalogues.pin_versions, catalogues, state, request.command, request.at)
                await self.off_loop(pin)
            try:
                return await attempt.run(handle(state, request, catalogues))
            except VersionConflict:
                if attempt.own_version is None:
                    raise
                await self._conclude_left_open(attempt)
            except PaymentUnanswered:
                if attempt.own_version is None:
                    return refused(PROVIDER_AWAY)
            return Repeated(attempt.own_version)

        return decide

    def _settler(self, attempt: Attempt) -> Decide:
        async def decide(
            state: Account | None, request: Request, catalogues: Catalogues
        ) -> Answer | Repeated:
            refusal = admit(state, request)
            if isinstance(refusal, Refusal) and refusal.code != "account_closed":
                return refused(refusal)
            assert state is not None
            try:
                await attempt.run(settle_due(state, request.at, catalogues))
            except PaymentUnanswered:
                return refused(PROVIDER_AWAY)
            except TaxUnavailable:
                return refused(NO_TAXES)
            return Answer("accepted", None, {}, zero(state.currency), (), None, ())

        return decide

    async def _is_decided_on(self, attempt: Attempt, request: Request, version: int) -> bool:
        """Whether the account is at that version, or has recorded the command before. False: it may be, for
        what was recalled is stale. Raises VersionChanged."""
        state = await self._with_forgotten_id(attempt.account_id, attempt.state, request)
        if state is None or state.version == version or request.id in state.commands:
            return True
        if not attempt.confirmed and state.version < version:
            return False
        raise VersionChanged(attempt.account_id, version, state.version)

    async def _has_learned(self, attempt: Attempt, request: Request) -> bool:
        """Whether the payment that waits for the customer has ended, as the next command learns, too (R96).
        Giving it up is a command of its own."""
        state = attempt.state
        if state is None or not waits_for_the_customer(state) or state.clock != request.clock:
            return False
        if isinstance(request.command, AbandonPayment):
            return False
        self.check_clock(request.clock)
        at = self._instant(state, request.at)
        return await self._recovery.learn(attempt.account_id, attempt.loaded, at)

    async def _with_reference(self, attempt: Attempt, given: GivenCommand | None) -> GivenCommand | None:
        """The answer, where its payment waits for the customer with the provider's reference, which is asked
        for anew where it came with no charge of this attempt. None: the payment has ended meanwhile."""
        if given is None or given.answer.outcome != "action_required":
            return given
        reference = attempt.reference
        if reference is None:
            state = await self.account(attempt.account_id)
            key = None if state is None else await self.payment_key(attempt.account_id, state)
            try:
                if state is not None and key is not None:
                    reference = await self._ports.gateway_of(state).reference(key)
            except GatewayUnavailable:
                return given
        return None if reference is None else replace(given, reference=reference)


async def _previewed(state: Account | None, request: Request, catalogues: Catalogues) -> Answer | Repeated:
    return preview(state, request, catalogues)
