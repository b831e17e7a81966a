"""Payments whose end the provider knows after the charge was answered: they waited for the customer (R96),
are answered late (R98), or were left without an answer. `service.messages` says what a provider's message
is."""

from __future__ import annotations

from contextlib import suppress

from msgspec import UNSET

from domain.calendar import Instant
from domain.process import late_answered, settle_due
from domain.state import Account
from domain.tax import TaxUnavailable
from service.attempting import Attempting
from service.conversing import Attempt, key_of
from service.errors import PaymentUnanswered
from service.gateways.port import Charged


class AnsweredPayments(Attempting):
    """Asks the provider how such payments have ended, and records it; each end once."""

    async def payment_answered(self, account_id: str, at: Instant | None = None) -> bool:
        """The provider's own message came, or the customer has returned: ask how the payment that waits has
        ended, and record it (R96). `at`: the instant on a test clock. False: nothing waits, or it still does.
        """

        async def learn(attempt: Attempt) -> bool:
            state = attempt.state
            if state is None or not waits_for_the_customer(state):
                return False
            return await self._recovery.learn(account_id, attempt.loaded, self._instant(state, at))

        return await self._until_won(account_id, learn, fresh=True)

    async def late_payment_answered(
        self, account_id: str, invoice: int, *, paid: bool, at: Instant | None = None
    ) -> int:
        """The provider's message of how the late payment of that invoice ended (R98); the number of events
        recorded, 0 where none was awaited. What fell due before comes first."""

        async def answer(attempt: Attempt) -> int:
            return await self._end_late(attempt, invoice, at, Charged("paid" if paid else "declined"))

        return await self._until_won(account_id, answer, fresh=True)

    async def ask_late_payment(self, account_id: str, intent: int, *, charged_back: bool = False) -> bool:
        """Ask how the late payment with that intent has ended, and record it (R98). `charged_back`: the
        provider says that it was taken back again, which is its end whatever it was before. False: it has
        been recorded before, or has not ended.

        Raises GatewayUnavailable.
        """

        async def ask(attempt: Attempt) -> bool:
            state = attempt.state
            late = [] if state is None else [r for r in state.records.values() if r.late_intent == intent]
            if state is None or not late or not late[0].late:
                return False
            charged = Charged("declined")
            if not charged_back:
                key = await key_of(self._ports.log, account_id, intent)
                charged = await self._ports.gateway_of(state).finish(key)
            if charged.answer in ("pending", "action_required"):
                return False
            return await self._end_late(attempt, late[0].number, None, charged) > 0

        return await self._until_won(account_id, ask, fresh=True)

    async def _end_late(self, attempt: Attempt, invoice: int, at: Instant | None, charged: Charged) -> int:
        """Settle what fell due before, then record the end; the number of events recorded."""
        state = attempt.state
        if state is None:
            return 0
        instant = self._instant(state, at)
        catalogues = self._catalogues.series_for(state)
        if state.payment is None:
            with suppress(TaxUnavailable, PaymentUnanswered):
                await attempt.run(settle_due(state, instant, catalogues))
        assert attempt.state is not None
        paid = charged.answer == "paid"
        reason = UNSET if charged.decline_reason is None else charged.decline_reason
        end = late_answered(attempt.state, invoice, instant, catalogues, paid=paid, decline_reason=reason)
        await attempt.run(end)
        return attempt.recorded

    async def take_over_payment(self, account_id: str) -> bool:
        """Record what became of the account's payment without an answer, if it is abandoned. True: none is
        left, or it has ended."""

        async def take_over(attempt: Attempt) -> bool:
            payment = None if attempt.state is None else attempt.state.payment
            if payment is None or payment.waits_until is not None:
                return True
            return await self._recovery.take_over(account_id, attempt.loaded)

        return await self._until_won(account_id, take_over, fresh=True)


def waits_for_the_customer(state: Account) -> bool:
    """The account's payment waits for the customer's consent."""
    return state.payment is not None and state.payment.waits_until is not None
