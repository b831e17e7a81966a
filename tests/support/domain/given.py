"""An account and what happens to it, for given/when/then on the domain alone.

    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    answer = account.give(c.PurchaseAddon("custom_domain"), "2026-04-05", payment="declined")
    assert answer.code == "payment_declined"

Every payment is paid unless a test says otherwise; `payment=None` leaves it without an answer.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.calendar import parse_moment
from domain.catalog import Catalog, Catalogues
from domain.conclude import PaymentReply, conclude
from domain.decide import Repeated
from domain.evolve import evolve
from domain.process import Conversation, handle, late_answered, settle_due
from domain.state import Account, PendingPayment
from tests.support.domain.catalogs import SHIPPED
from tests.support.domain.conversing import drive_until_unanswered


class GivenAccount:
    """One account in Paris that pays in euros, unless said otherwise."""

    def __init__(
        self,
        currency: str = "EUR",
        zone: str = "Europe/Paris",
        catalog: Catalog = SHIPPED,
        at: str = "2026-01-01",
        clock: Literal["wall", "test"] = "test",
    ) -> None:
        self.zone, self.clock = zone, clock
        self.catalogues = Catalogues.always(catalog)
        self.events: list[e.Event] = []
        self._state: Account | None = None
        self.give(c.OpenAccount(currency, zone, clock), at)

    @property
    def state(self) -> Account:
        """The account's state."""
        assert self._state is not None
        return self._state

    def give(
        self,
        command: c.Command,
        at: str,
        *,
        payment: PaymentReply | None = "paid",
        due: PaymentReply | None = "paid",
        **request: Any,
    ) -> Answer:
        """Give the command: `payment` answers its own payment, `due` those that fell due before it."""
        answer = self.give_raw(self.request(command, at, **request), payment=payment, due=due)
        assert isinstance(answer, Answer)
        return answer

    def give_raw(
        self,
        request: c.Request,
        *,
        payment: PaymentReply | None = "paid",
        due: PaymentReply | None = "paid",
    ) -> Answer | Repeated | None:
        """Give the request; None if a payment was left without an answer."""
        answer: Answer | Repeated | None = self._converse(
            handle(self._state, request, self.catalogues), payment, due
        )
        return answer

    def request(self, command: c.Command, at: str, **fields: Any) -> c.Request:
        """The command as a confirmed request of the owner, on the account's clock."""
        given: dict[str, Any] = {"cvv": True, "billing": True, **fields}
        if isinstance(given.get("expected_total"), str):
            given["expected_total"] = Decimal(given["expected_total"])
        return c.Request(command, parse_moment(at, self.zone), given.pop("clock", self.clock), **given)

    def settle(self, until: str, *, due: PaymentReply | None = "paid") -> None:
        """Settle what is due; with `due=None` the first payment is left without an answer."""
        self._converse(settle_due(self.state, parse_moment(until, self.zone), self.catalogues), due, due)

    def answer_late(self, invoice: int, at: str, *, paid: bool) -> None:
        """A late payment ends (R98)."""
        moment = parse_moment(at, self.zone)
        self._converse(late_answered(self.state, invoice, moment, self.catalogues, paid=paid), None, None)

    def answer(self, payment: PaymentReply) -> tuple[e.Event, ...]:
        """Answer the payment that waits."""
        events = conclude(self.state, payment, self.catalogues)
        self.append(*events)
        return events

    def append(self, *events: e.Event) -> Account:
        """Add these events to the account's history."""
        for event in events:
            self._state = evolve(self._state, event)
        self.events += events
        return self.state

    def names(self, last: int = 0) -> list[str]:
        """The types of the last events."""
        return [e.type_name(event) for event in self.events[-last:]]

    def _converse(
        self, conversation: Conversation[Any], own: PaymentReply | None, due: PaymentReply | None
    ) -> Any:
        def charge(payment: PendingPayment) -> PaymentReply | None:
            return own if payment.purpose in ("purchase", "balance") else due

        return drive_until_unanswered(conversation, lambda events: self.append(*events), charge)


def standard_with_domain() -> GivenAccount:
    """An account with Standard since 20 March, and a custom domain since 5 April."""
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    return account
