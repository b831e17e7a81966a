"""What the adapter reads of Stripe's objects, checked as it is read; what it does not read may change."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import stripe

T = TypeVar("T", bound=msgspec.Struct)


class Codes(msgspec.Struct, frozen=True):
    """An error of a card, or of a method like it."""

    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came of a charge. `reason`: where it failed, the decline code."""

    reason: str | None = None
    advice_code: str | None = None


class Charge(msgspec.Struct, frozen=True):
    """One attempt to collect an intent's amount."""

    id: str
    status: str
    failure_code: str | None = None
    outcome: Outcome | None = None

    @property
    def codes(self) -> Codes:
        """Why it failed."""
        outcome = self.outcome or Outcome()
        return Codes(self.failure_code, outcome.reason, outcome.advice_code)


class Intent(msgspec.Struct, frozen=True):
    """A payment intent, with its latest charge where that was asked for."""

    id: str
    status: str
    amount: int
    currency: str
    created: int
    metadata: dict[str, str] = {}
    client_secret: str | None = None
    payment_method: str | None = None
    setup_future_usage: str | None = None
    last_payment_error: Codes | None = None
    latest_charge: Charge | str | None = None

    @property
    def failed(self) -> Codes | None:
        """Why it was declined, if it was: a cancelled one still has its charge."""
        if self.last_payment_error is not None:
            return self.last_payment_error
        charge = self.latest_charge
        return charge.codes if isinstance(charge, Charge) and charge.status == "failed" else None

    def __repr__(self) -> str:
        return f"Intent(id={self.id!r}, status={self.status!r}, …)"


class Setup(msgspec.Struct, frozen=True):
    """A setup intent: a method is saved without a payment."""

    id: str
    status: str
    metadata: dict[str, str] = {}
    payment_method: str | None = None
    last_setup_error: Codes | None = None


class Method(msgspec.Struct, frozen=True):
    """A payment method, as it is saved."""

    id: str
    type: str
    customer: str | None = None


class Customer(msgspec.Struct, frozen=True):
    """A customer."""

    id: str


class Refund(msgspec.Struct, frozen=True):
    """A refund, with its payment intent where that was asked for."""

    id: str
    status: str
    amount: int
    currency: str
    created: int
    metadata: dict[str, str] | None = None
    payment_intent: Intent | str | None = None


class Dispute(msgspec.Struct, frozen=True):
    """A dispute, with its payment intent."""

    id: str
    status: str
    amount: int
    currency: str
    created: int
    payment_intent: Intent | None = None


class Event(msgspec.Struct, frozen=True):
    """A message of Stripe's: what it is about."""

    id: str
    type: str
    livemode: bool
    created: int
    data: dict[str, dict[str, Any]]


def read(kind: type[T], seen: stripe.StripeObject) -> T:
    """The object as that kind."""
    return msgspec.convert(seen.to_dict(), kind)
