"""The payment port: what Prorata asks of a payment provider.

    (await gateway.charge(key, "main/a1", Decimal("20.00"), "EUR", Confirmation(token))).answer   # "paid"
    (await gateway.finish(key)).answer                                              # "paid", for ever
    await gateway.refund(note_key, key, "main/a1", Decimal("4.84"), "EUR")          # "refunded"

The key of a charge is the event id of its intent, that of a refund the id of its credit note. Exactly one of
charge and finish wins a key: after `finish` a key not yet charged is forbidden for ever (R16). A charge that
waits for the customer (R96), or that is answered late (R98), is decided later; from then on it has its answer
for ever too. Under one key a refund is made once (R62).

Providers forget their own idempotency keys after a day or a month. What an adapter needs to keep these
promises it keeps in a table of its own, committed before the charge.

Adapters are modules beside this one. Where an adapter's calls block instead of suspending, `complete` of
`service.completing` runs them without an event loop. Each passes `tests/contract/service/gateway`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

import msgspec

from domain.calendar import CivilDate, Instant
from domain.conclude import AnsweredPayment, PaymentAnswer
from domain.events import DeclineReason

RefundMade: TypeAlias = Literal["refunded", "failed"]


class Confirmation(msgspec.Struct, frozen=True):
    """A token of the provider's, which stands for a confirmation (R15) or for another payment method (R56).
    It is shown nowhere, not even in a repr."""

    token: str

    def __repr__(self) -> str:
        return "Confirmation(token=…)"


class SavedMethod(msgspec.Struct, frozen=True):
    """The method that the provider keeps for the account: renewals, scheduled resumes, tries, `pay_balance`.
    `late`: it may be answered later (R98). `present`: the customer is there to consent (R96)."""

    late: bool = False
    present: bool = False


Means: TypeAlias = Confirmation | SavedMethod
SAVED_METHOD: Final = SavedMethod()
RENEWING: Final = SavedMethod(late=True)
PRESENT: Final = SavedMethod(present=True)


class Charged(msgspec.Struct, frozen=True):
    """How a charge stands. `reference`: what the customer's browser needs to give consent, shown to the
    caller alone and kept nowhere (R96). `answer_by`: by when a late answer is expected (R98).
    `decline_reason`: of a declined one, where the provider says why."""

    answer: PaymentAnswer
    reference: str | None = None
    answer_by: CivilDate | None = None
    decline_reason: DeclineReason | None = None

    @property
    def told(self) -> AnsweredPayment:
        """What of it may be recorded."""
        return AnsweredPayment(self.answer, self.decline_reason, self.answer_by)

    def __repr__(self) -> str:
        return f"Charged(answer={self.answer!r}, …)"


MovementStatus: TypeAlias = Literal[
    "paid", "pending", "action_required", "declined", "cancelled",
    "refunded", "refund_failed",
    "dispute_opened", "dispute_won", "dispute_lost",
]  # fmt: skip


class Movement(msgspec.Struct, frozen=True):
    """A line of the provider's own books: a charge, a refund or a dispute as it stands now.

    `reference`: the provider's name of it, unique. `key`: ours, of the charge or refund; of a dispute that of
    the disputed charge; None: the provider has none of ours. `at`: when it was made there.
    """

    kind: Literal["charge", "refund", "dispute"]
    status: MovementStatus
    reference: str
    key: UUID | None
    account_id: str | None
    amount: Decimal
    currency: str
    at: Instant


class PaymentGateway(Protocol):
    """A payment provider, safe to share between tasks and threads. Every call may be repeated; each raises
    GatewayUnavailable where it has no answer, with `retry_after` where the provider says when to come again.
    """

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        """Charge once under this key, whatever happens; a key decided before has its answer for ever, also
        `cancelled`.

        Raises GatewayUnavailable: whether it was charged is unknown.
        """
        ...

    async def finish(self, key: UUID) -> Charged:
        """What became of the key; one not yet charged is `cancelled` now and can never be charged. One that
        waits for the customer, or for a late answer, still does."""
        ...

    async def reference(self, key: UUID) -> str | None:
        """The reference anew, of a charge that waits for the customer (R96); None: it does not wait."""
        ...

    async def cancel(self, key: UUID) -> Charged:
        """Give up a charge that waits for the customer: `cancelled`, or how it ended before that (R96)."""
        ...

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        """Give back a part of what was charged under the key `charge`, once under the refund's own key,
        whatever happens (R62). `failed` where that charge was not paid, or less of it is left.

        Raises GatewayUnavailable: whether it was made is unknown.
        """
        ...

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        """From now on the account's saved method is the one that the token stands for (R56)."""
        ...

    def movements(self, day: CivilDate) -> AsyncIterator[Movement]:
        """The provider's own list of what was begun on that day (UTC), in any order. What never moved money
        may be missing."""
        ...


class OpenedGateway(PaymentGateway, Protocol):
    """A gateway with connections of its own."""

    def close(self) -> None:
        """Close them."""
        ...


class GatewayFactory(Protocol):
    """What `PRORATA_GATEWAY=module:factory` names. It reads what else it needs (secrets) from the environment
    and keeps what it must in tables of that database."""

    def __call__(self, database_url: str, *, patience: float) -> OpenedGateway:
        """Open it. `patience`: seconds after which a call that has no answer raises GatewayUnavailable.

        Raises InvalidInput where the environment lacks something.
        """
        ...


class ChargeMessage(msgspec.Struct, frozen=True, tag="charge"):
    """The provider says that a charge has changed: a hint to ask how it stands."""

    account_id: str
    key: UUID


class DisputeMessage(msgspec.Struct, frozen=True, tag="dispute"):
    """The provider says how a dispute of a charge stands (R58); a late payment that was charged back is
    `lost` at once (R98). `at`: when the provider says that it happened."""

    account_id: str
    key: UUID
    status: Literal["opened", "won", "lost"]
    at: Instant


ProviderMessage: TypeAlias = ChargeMessage | DisputeMessage
"""A message of a provider, in no provider's terms. It may come late, twice, or in any order."""


@runtime_checkable
class MessageReader(Protocol):
    """A gateway whose provider sends messages of its own."""

    async def read_message(self, body: bytes, signature: str) -> ProviderMessage | None:
        """The message, once its signature was checked; None: it is about nothing that we ask for.

        Raises InvalidInput `invalid_message` where the provider did not sign it, or it cannot be read.
        """
        ...


@runtime_checkable
class MethodTakeOver(Protocol):
    """A gateway whose provider may have had the customer before Prorata did."""

    async def take_over_method(self, account_id: str, reference: Confirmation) -> None:
        """From now on the account's saved method is one that the provider has already, by its reference: for
        `prorata import accounts`, never for a customer, who could name another one's."""
        ...


@runtime_checkable
class SettableGateway(PaymentGateway, Protocol):
    """A gateway that plays what a story says (docs/scenarios.md)."""

    async def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        """How every payment of the account is answered from now on, purchases included. `final`: its declines
        are for good; `pending`: renewals are answered late."""
        ...

    async def set_refunds(self, account_id: str, *, work: bool) -> None:
        """Whether refunds to the account are made from now on, or fail."""
        ...

    async def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        """How a charge that waits for the customer, or is answered late, ends; nothing, if it has ended."""
        ...
