"""Payments without an answer: their process was killed, or is still at it (R16), or they wait for the
customer (R96).

Whoever takes one over asks the gateway to `finish` its key, never to charge: the token of the confirmation
is gone. The gateway lets exactly one of charge and finish win, so taking over too early can only cancel a
purchase that someone waits for; hence an intent is left alone until it is `recover_after` old. Two that take
over the same payment get the same answer, and one of them appends it.

A payment that waits for the customer has had its answer, so it is nobody's to take over: the provider is only
asked how it stands, and to give it up once its time is over. Whoever learns the end first records it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.collection import with_credit_applied
from domain.conclude import conclude
from domain.evolve import evolve_all
from domain.state import Account
from eventlog.errors import VersionConflict
from eventlog.records import StoredEvent
from service.accounts import LoadedAccount
from service.clock import Clock
from service.conversing import Ports, new_event, without_consent
from service.errors import GatewayUnavailable, PaymentUnanswered
from service.gateways.port import Charged

_CORRECTIONS_AT_ONCE: Final = 10
"""How often a payment's answer may lose its append to a correction before it is left to be taken over."""


class UnansweredPayment:
    """What is left of the seconds that a command waits for another one's payment."""

    def __init__(self, for_: timedelta) -> None:
        self.left = for_.total_seconds()
        self.pause = 0.01


class Recovery:
    """Takes payments over that no living process will answer. `recover_after`: the age at which an intent
    counts as abandoned. It is longer than a living process may take for a charge and its questions (the
    gateway's own time-out and about a second and a half)."""

    def __init__(
        self,
        ports: Ports,
        clock: Clock,
        recover_after: timedelta,
        catalogues: Callable[[Account], Catalogues],
    ) -> None:
        self._ports = ports
        self._catalogues = catalogues
        self._clock = clock
        self._recover_after = recover_after

    async def wait_or_take_over(
        self, account_id: str, loaded: LoadedAccount, waiting: UnansweredPayment
    ) -> bool:
        """Wait for the account's pending payment, or take it over. True: the account has changed."""
        return await self.take_over(account_id, loaded) or await self.wait(account_id, loaded, waiting)

    async def wait(self, account_id: str, loaded: LoadedAccount, waiting: UnansweredPayment) -> bool:
        """Wait for what its process makes of the pending payment. True: the account has changed."""
        while waiting.left > 0:
            await self._ports.sleep(waiting.pause)
            waiting.left -= waiting.pause
            waiting.pause = min(2 * waiting.pause, 0.1)
            if (await self._ports.log.head(account_id)).version != loaded.head.version:
                return True
        return False

    async def take_over(self, account_id: str, loaded: LoadedAccount) -> bool:
        """Finish the pending payment if it is abandoned, and record what came of it. False: it is too young,
        or the gateway gave no answer. True: the account has changed, by us or by someone else."""
        intent = await self._intent(account_id, loaded)
        if self._clock.now() - intent.recorded_at < self._recover_after:
            return False
        assert loaded.state is not None
        assert loaded.state.payment is not None
        gateway, key = self._ports.gateway_of(loaded.state), intent.event_id
        try:
            charged = await without_consent(gateway, key, loaded.state.payment, await gateway.finish(key))
        except GatewayUnavailable:
            return False
        await self._conclude(account_id, loaded, intent, charged)
        return True

    async def conclude_own(self, account_id: str, intent: int) -> None:
        """Record the answer to a payment of this process, whose append lost to a correction: those do not
        wait for a payment (section 19). Where the gateway gives no answer it is left to be taken over."""
        for _ in range(_CORRECTIONS_AT_ONCE):
            loaded = await self._ports.accounts.load(account_id)
            state = loaded.state
            payment = None if state is None else state.payment
            if (
                state is None
                or payment is None
                or payment.intent != intent
                or payment.waits_until is not None
            ):
                return
            stored = await self._intent(account_id, loaded)
            gateway, key = self._ports.gateway_of(state), stored.event_id
            try:
                charged = await without_consent(gateway, key, payment, await gateway.finish(key))
            except GatewayUnavailable:
                return
            await self._conclude(account_id, loaded, stored, charged)

    async def learn(self, account_id: str, loaded: LoadedAccount, at: Instant) -> bool:
        """Ask how the payment that waits for the customer stands at that instant of the account, and give it
        up if its time is over (R96). True: it has ended, and the account has changed.

        Raises PaymentUnanswered where its time is over and the provider gives no answer.
        """
        assert loaded.state is not None
        assert loaded.state.payment is not None
        until = loaded.state.payment.waits_until
        assert until is not None
        intent, gateway = await self._intent(account_id, loaded), self._ports.gateway_of(loaded.state)
        try:
            over = at >= until
            charged = await gateway.cancel(intent.event_id) if over else await gateway.finish(intent.event_id)
        except GatewayUnavailable as error:
            if at < until:
                return False
            raise PaymentUnanswered(account_id) from error
        if charged.answer == "action_required":
            return False
        await self._conclude(account_id, loaded, intent, charged)
        return True

    async def _intent(self, account_id: str, loaded: LoadedAccount) -> StoredEvent:
        assert loaded.state is not None
        assert loaded.state.payment is not None
        intent = await self._ports.log.event(account_id, loaded.state.payment.intent)
        assert intent is not None, "a state is folded from events that are there"
        return intent

    async def _conclude(
        self, account_id: str, loaded: LoadedAccount, intent: StoredEvent, charged: Charged
    ) -> None:
        """Record what the answer makes of the pending payment, unless someone else has."""
        state = loaded.state
        assert state is not None
        events = with_credit_applied(state, conclude(state, charged.told, self._catalogues(state)))
        try:
            stored = await self._ports.log.append(
                account_id, loaded.head, [new_event(event, intent.actor) for event in events]
            )
        except VersionConflict:
            return
        after = LoadedAccount(evolve_all(state, events), stored[-1].head)
        await self._ports.accounts.keep(account_id, after, since=loaded)
