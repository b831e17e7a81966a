"""A provider of direct debits: it takes renewals on and knows weeks later whether they were paid.

    bank = LateGateway()
    complete(bank.charge(key, "main/a1", Decimal("20.00"), "EUR", RENEWING))        # pending, by ANSWER_BY
    bank.ends(key, "paid"); bank.charges_back(key)
    body = bank.sent[0]                                   # its messages, to be given in any order and twice

Cards are answered at once, as at the test gateways.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.calendar import CivilDate
from domain.errors import InvalidInput
from domain.events import DeclineReason
from service.errors import GatewayUnavailable
from service.gateways.memory import MemoryTestGateway
from service.gateways.played import PlayedMethod
from service.gateways.port import (
    Charged,
    ChargeMessage,
    DisputeMessage,
    Means,
    Movement,
    ProviderMessage,
    RefundMade,
)

ANSWER_BY: Final = CivilDate(2026, 4, 10)
SIGNED: Final = "signed by the bank"

Dispute = Literal["opened", "won", "lost"]


class LateGateway(MemoryTestGateway):
    """A SettableGateway and MessageReader whose saved methods are debits. As providers do, its messages name
    what has changed, and how that stands is looked up when they are read."""

    _usual = PlayedMethod(pending=True)

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        """The messages that it has sent, in order."""
        self.reads_fail = False
        """Messages cannot be looked up."""
        self._disputes: dict[UUID, Dispute] = {}

    def ends(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        """The debit ends so: settled, or returned unpaid."""
        with self._lock:
            if self._answer(key) == "pending":
                reason: DeclineReason | None = "insufficient_funds" if answer == "declined" else None
                self._charged[key] = Charged(answer, decline_reason=reason)
        self._send("charge", key)

    def disputes(self, key: UUID, stands: Dispute) -> None:
        """The customer's bank wants a settled debit or a card's charge back, and how that went."""
        with self._lock:
            self._disputes[key] = stands
        self._send("dispute", key)

    def charges_back(self, key: UUID) -> None:
        """A settled debit is taken back at once, as banks may for months."""
        self.disputes(key, "lost")

    async def read_message(self, body: bytes, signature: str) -> ProviderMessage | None:
        if signature != SIGNED:
            raise InvalidInput("invalid_message", "", "the bank did not sign it")
        if self.reads_fail:
            raise GatewayUnavailable("away")
        kind, text = msgspec.json.decode(body, type=tuple[str, UUID])
        listed = self._listed.get(text)
        account = None if listed is None else listed.account_id
        if account is None:
            return None
        if kind == "charge":
            return ChargeMessage(account, text)
        return DisputeMessage(account, text, self._disputes[text], datetime.now(UTC))

    async def movements(self, day: CivilDate) -> AsyncIterator[Movement]:
        async for movement in super().movements(day):
            yield movement
            stands = self._disputes.get(movement.key) if movement.key is not None else None
            if stands is not None and movement.kind == "charge":
                yield replace(
                    movement,
                    kind="dispute",
                    status=f"dispute_{stands}",
                    reference=f"dispute_{movement.reference}",
                    at=movement.at + timedelta(microseconds=1),
                )

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        made = await super().refund(key, charge, account_id, amount, currency)
        self._send("charge", charge)
        return made

    def _played(self, method: PlayedMethod, means: Means) -> Charged:
        charged = super()._played(method, means)
        return replace(charged, answer_by=ANSWER_BY) if charged.answer == "pending" else charged

    def _send(self, kind: Literal["charge", "dispute"], key: UUID) -> None:
        self.sent.append(msgspec.json.encode((kind, key)))
