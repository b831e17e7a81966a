"""The payment port: what Prorata asks of a payment provider.

    (await gateway.charge(key, "main/a1", Decimal("20.00"), "EUR", Confirmation(token))).answer   # "paid"
    await gateway.finish(key)                                                       # "paid", for ever
    await gateway.refund(key_of_the_credit_note, "main/a1", Decimal("4.84"), "EUR")  # "refunded"

The key is the event id of the intent. Exactly one of charge and finish wins a key: after `finish` a key not
yet charged is forbidden for ever (R16). A charge that waits for the customer (R96), or that is answered late
(R98), is decided later; from then on it has its answer for ever too. Under one key a refund is made once
(R62).

Adapters are modules beside this one. Where an adapter's calls block instead of suspending, `complete` of
`service.completing` runs them without an event loop.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

import msgspec

from domain.calendar import CivilDate
from domain.conclude import PaymentAnswer

RefundMade: TypeAlias = Literal["refunded", "failed"]


class Confirmation(msgspec.Struct, frozen=True):
    """A token of the provider's, which stands for a confirmation (R15) or for another payment method (R56).
    It is shown nowhere, not even in a repr."""

    token: str

    def __repr__(self) -> str:
        return "Confirmation(token=…)"


class SavedMethod(msgspec.Struct, frozen=True):
    """The method that the provider keeps for the account: renewals, scheduled resumes, tries, `pay_balance`.
    `late`: it may be answered later (R98)."""

    late: bool = False


Means: TypeAlias = Confirmation | SavedMethod
SAVED_METHOD: Final = SavedMethod()
RENEWING: Final = SavedMethod(late=True)


class Charged(msgspec.Struct, frozen=True):
    """The answer to a charge. `reference`: what the customer's browser needs to give consent, shown to the
    caller alone and kept nowhere (R96). `answer_by`: when a late answer is expected (R98)."""

    answer: PaymentAnswer
    reference: str | None = None
    answer_by: CivilDate | None = None

    def __repr__(self) -> str:
        return f"Charged(answer={self.answer!r}, …)"


class PaymentGateway(Protocol):
    """A payment provider, safe to share between tasks and threads. Every call may be repeated; each raises
    GatewayUnavailable where it has no answer."""

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        """Charge once under this key, whatever happens; a key decided before has its answer for ever, also
        `cancelled`.

        Raises GatewayUnavailable: whether it was charged is unknown.
        """
        ...

    async def finish(self, key: UUID) -> PaymentAnswer:
        """What became of the key; one not yet charged is `cancelled` now and can never be charged. One that
        waits for the customer, or for a late answer, still does."""
        ...

    async def reference(self, key: UUID) -> str | None:
        """The reference anew, of a charge that waits for the customer (R96); None: it does not wait."""
        ...

    async def cancel(self, key: UUID) -> PaymentAnswer:
        """Give up a charge that waits for the customer: `cancelled`, or how it ended before that (R96)."""
        ...

    async def refund(self, key: UUID, account_id: str, amount: Decimal, currency: str) -> RefundMade:
        """Give back by the account's payment method, once under this key, whatever happens (R62).

        Raises GatewayUnavailable: whether it was made is unknown.
        """
        ...

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        """From now on the account's saved method is the one that the token stands for (R56)."""
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
        """How a charge that waits for the customer ends; nothing, if it does not wait."""
        ...
