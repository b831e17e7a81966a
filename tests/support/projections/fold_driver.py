"""Drive `domain.process` on any event log, as the service does, but without its caches, retries and recovery.

    billing = Billing(MemoryEventLog())
    billing.open("acme/a-1", "2026-03-20")
    billing.give("acme/a-1", PurchasePlan("standard"), "2026-03-20")
    billing.settle("acme/a-1", "2026-05-01")

Accounts are in Paris on a test clock unless opened otherwise; moments are in Paris' time. `pay` is the answer
to every payment; None: it never comes. What owners may not do is done by finance. With `billing.catalogues =
TAXED` invoices have taxes from then on; `billing.refunds` is the answer to every refund.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import uuid4

import msgspec

from domain.answers import Answer
from domain.calendar import Instant, parse_moment
from domain.catalog import Catalogues
from domain.commands import (
    Command,
    CreditNote,
    GrantDiscount,
    OpenAccount,
    PayOut,
    RecordPayment,
    Reissue,
    Request,
    StopTries,
    WithdrawDiscount,
    WriteOff,
)
from domain.conclude import PaymentAnswer, conclude
from domain.decide import Repeated
from domain.events import Clock, Event
from domain.evolve import evolve_all
from domain.process import Conversation, RefundAnswer, handle, refund_pending, settle_due
from domain.state import Account
from domain.tax import TaxRow, TaxTable
from eventlog import EventLog, NewEvent, StoredEvent
from eventlog.codec import domain_codec
from tests.support.domain.catalogs import SHIPPED
from tests.support.domain.conversing import drive_until_unanswered

CATALOGUES = Catalogues.always(SHIPPED)
TAXED = msgspec.structs.replace(
    CATALOGUES,
    taxes=TaxTable(
        "FR",
        (
            TaxRow("FR", Decimal(20), date(2026, 1, 1)),
            TaxRow("DE", Decimal(19), date(2026, 1, 1)),
            TaxRow("DE", Decimal("1.5"), date(2026, 1, 1), "HEL"),
        ),
    ),
)
BY_STAFF: Final = (
    CreditNote,
    GrantDiscount,
    PayOut,
    RecordPayment,
    Reissue,
    StopTries,
    WithdrawDiscount,
    WriteOff,
)
CODEC = domain_codec()
ZONE = "Europe/Paris"
ACCOUNT = "acme/a-1"
"""The account of tests that need only one."""

Returned = TypeVar("Returned")


class Billing:
    """Gives commands to the accounts of a log."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.states: dict[str, Account] = {}
        self.catalogues = CATALOGUES
        self.refunds: RefundAnswer = "refunded"

    def open(
        self,
        account_id: str,
        at: str,
        *,
        clock: Clock = "test",
        currency: str = "EUR",
        time_zone: str = ZONE,
    ) -> None:
        """Open the account."""
        answer = self.give(account_id, OpenAccount(currency, time_zone, clock), at)
        assert answer is not None
        assert answer.outcome == "accepted"

    def give(
        self, account_id: str, command: Command, at: str, *, pay: PaymentAnswer | None = "paid"
    ) -> Answer | None:
        """Give the command; return its answer, or None if its payment has none."""
        state = self.states.get(account_id)
        clock: Clock = "test" if state is None else state.clock
        if isinstance(command, OpenAccount):
            clock = command.clock
        role = "finance" if isinstance(command, BY_STAFF) else "owner"
        request = Request(command, parse_moment(at, ZONE), clock, role, cvv=True, billing=True)
        answer = self._drive(account_id, handle(state, request, self.catalogues), pay)
        assert not isinstance(answer, Repeated)
        return answer

    def settle(self, account_id: str, until: str, *, pay: PaymentAnswer | None = "paid") -> None:
        """Settle what is due."""
        state = self.states[account_id]
        self._drive(account_id, settle_due(state, parse_moment(until, ZONE), self.catalogues), pay)

    def recover(self, account_id: str, answer: PaymentAnswer) -> None:
        """Answer the pending payment."""
        events = conclude(self.states[account_id], answer, self.catalogues)
        self.record(account_id, *events)
        self.states[account_id] = self._evolved(account_id, events)

    def refunded(self, account_id: str) -> None:
        """Ask for the refunds without an answer again; they are made."""
        self.refunds = "refunded"
        self._drive(account_id, refund_pending(self.states[account_id]), None)

    def record(self, account_id: str, *events: Event) -> list[StoredEvent]:
        """Append events, whether they make sense or not."""
        return self.append(account_id, *[_new(event) for event in events])

    def append(self, account_id: str, *events: NewEvent) -> list[StoredEvent]:
        """Append bytes that may not be an event at all."""
        return self.log.append(account_id, self.log.head(account_id), events)

    def _drive(
        self, account_id: str, conversation: Conversation[Returned], pay: PaymentAnswer | None
    ) -> Returned | None:
        def append(events: tuple[Event, ...]) -> Account:
            self.record(account_id, *events)
            state = self.states[account_id] = self._evolved(account_id, events)
            return state

        return drive_until_unanswered(conversation, append, lambda _: pay, self.refunds)

    def _evolved(self, account_id: str, events: tuple[Event, ...]) -> Account:
        state = evolve_all(self.states.get(account_id), events)
        assert state is not None
        return state


def _new(event: Event) -> NewEvent:
    event_type, schema_version, state = CODEC.encode(event)
    command_id = None if event.command is None else event.command.id
    return NewEvent(uuid4(), command_id, event_type, schema_version, event.at, None, state)


def instant(text: str) -> Instant:
    """The moment in Paris."""
    return parse_moment(text, ZONE)


def wire(document: object) -> Any:
    """The document as a reader of its JSON sees it."""
    return msgspec.json.decode(msgspec.json.encode(document))


def unreadable(event_type: str = "account_opened", state: bytes = b"{") -> NewEvent:
    """Bytes that no decoder can read."""
    return NewEvent(uuid4(), None, event_type, 1, parse_moment("2026-04-01", ZONE), None, state)
