"""The shapes of what is seen of an account: those of the domain, with what is told beside them. The
description of the API is made of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from domain import events as e
from domain.arithmetic import TaxGroup
from domain.billing_page import Balance, HeldCredits, Removal
from domain.calendar import CivilDate, Instant
from domain.event_parts import CreditedLine, CreditReason
from domain.events import Clock, InvoiceStatus, Line
from domain.invoice_story import ExplainedLine
from domain.owing import HeldDiscount
from domain.shop import Offer, OwnProcess, Today
from domain.statement import StatementKind, StatementLine
from domain.views import AccountSummary
from projections.billed import RefundState
from projections.history.changes import FieldChange
from prorata.wording.changes import ChangeSaid


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """Of which account, and at which instant. `code` is `no_catalogue` where nothing is sold."""

    account: str
    at: str
    currency: str
    time_zone: str
    code: str | UnsetType = UNSET


class TodayShown(Today, frozen=True, kw_only=True):
    """What buying would answer now (R48), with its sentence."""

    message: str


class OfferShown(Offer, frozen=True):
    """Something sold, with its price and what it would cost today."""

    today: TodayShown


class ShelfShown(msgspec.Struct, frozen=True):
    """The plans of a family, each tier an offer."""

    family: str
    name: str
    plans: tuple[OfferShown, ...]


class OwnProcessShown(OwnProcess, frozen=True):
    """What is sold by a process of its own (R20)."""

    first_block: TodayShown


class ShopAnswer(Heading, frozen=True, kw_only=True):
    """What the account can buy (R49), in the catalogue's order."""

    plans: tuple[ShelfShown, ...]
    add_ons: tuple[OfferShown, ...]
    credits: tuple[OfferShown, ...]
    own_processes: tuple[OwnProcessShown, ...]


class RemovalShown(Removal, frozen=True, kw_only=True):
    """What removing asks to confirm (R26)."""

    sentence: str


class HeldItemShown(msgspec.Struct, frozen=True, kw_only=True):
    """A plan or add-on held, and what can be done with it (R50)."""

    product: str
    name: str
    kind: Literal["plan", "add_on"]
    tier: str | None
    status: Literal["active", "ending", "paused", "suspended", "ended"]
    price: Decimal | None
    next_charge: e.Upcoming | None
    access_until: str | None
    allowance: int | None
    actions: tuple[str, ...]
    removal: RemovalShown | None
    free_until: CivilDate | None


class CreditNoteBrief(msgspec.Struct, frozen=True):
    """A credit note, and where its money is by now (R62)."""

    number: str
    date: CivilDate
    invoice: int
    reason: CreditReason
    net: Decimal
    tax: Decimal
    total: Decimal
    lowered: Decimal
    refunded: Decimal
    to_account: Decimal


class BillingAnswer(Heading, frozen=True, kw_only=True):
    """The billing page (R50)."""

    standing: AccountSummary
    items: tuple[HeldItemShown, ...]
    credits: tuple[HeldCredits, ...]
    balance: Balance | None
    next_invoice: e.Invoice | None
    credit: Decimal
    discounts: tuple[HeldDiscount, ...]
    disputed: tuple[int, ...]
    waits_until: str | None
    credit_notes: tuple[CreditNoteBrief, ...]


class ForecastAnswer(Heading, frozen=True, kw_only=True):
    """What will be billed as things stand, every charge taken as paid: the first charge of each item, the
    next invoice, and the invoices of twelve months."""

    next_charges: tuple[e.Upcoming, ...]
    next_invoice: e.Invoice | None
    invoices: tuple[e.Invoice, ...]


class InvoiceShown(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as issued (R47, R51), what is due of it and whether it is paid."""

    number: int
    date: CivilDate
    issued_at: Instant
    currency: str
    net: Decimal | None
    tax: Decimal | None
    total: Decimal
    credit: Decimal | None
    due: Decimal | None
    status: InvoiceStatus
    charged_back: bool
    disputed: bool
    clock: Clock | None
    lines: tuple[Line, ...]
    version: int


class InvoicesAnswer(msgspec.Struct, frozen=True):
    """A page of invoices, in order of their numbers."""

    items: list[InvoiceShown]
    next: str | None


class CreditNoteShown(CreditNoteBrief, frozen=True, kw_only=True):
    """A credit note (R61): what it takes back, and where its money is by now (R62)."""

    issued_at: Instant
    currency: str
    refund: RefundState | None
    reissue: int | None
    ticket: str | None
    clock: Clock | None
    lines: tuple[CreditedLine, ...]
    version: int


class CreditNotesAnswer(msgspec.Struct, frozen=True):
    """A page of credit notes, in order of their numbers."""

    items: list[CreditNoteShown]
    next: str | None


class EventTold(msgspec.Struct, frozen=True, kw_only=True):
    """An event that an explanation names by its version."""

    version: int
    type: str
    effective_at: str
    recorded_at: Instant
    position: int
    rule: str
    sentence: str


class LineTold(ExplainedLine, frozen=True, kw_only=True):
    """A line with its calculation, rule and sentence."""

    sentence: str


class TaxTold(TaxGroup, frozen=True, kw_only=True):
    """A tax with its calculation and sentence."""

    arithmetic: str
    sentence: str


class ExplanationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Why an invoice is what it is: of each line the rule, the arithmetic and the events that it rests on."""

    account: str
    invoice: e.Invoice
    status: InvoiceStatus
    due: Decimal
    issued: int
    payment: tuple[int, ...]
    lines: tuple[LineTold, ...]
    taxes: tuple[TaxTold, ...]
    taxes_because: tuple[int, ...]
    credit_because: tuple[int, ...]
    events: tuple[EventTold, ...]


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The statement of the days from `from` to `until`, exclusive (R95): what was owed, all that changed it,
    what is owed then. `totals`: the sums of the lines by kind."""

    account: str
    currency: str
    from_date: CivilDate = msgspec.field(name="from")
    until: CivilDate
    opening: Decimal
    lines: tuple[StatementLine, ...]
    totals: dict[StatementKind, Decimal]
    closing: Decimal


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the log has it, with its rule and sentence."""

    position: int
    account: str
    version: int
    event_id: str
    command_id: str | None
    type: str
    schema_version: int
    recorded_at: Instant
    effective_at: Instant
    actor: str | None
    event: dict[str, Any]
    previous_hash: str
    hash: str
    rule: str | None
    sentence: str | None


class HistoryAnswer(msgspec.Struct, frozen=True):
    """A page of an account's events, in order of their versions."""

    items: list[HistoryItem]
    next: str | None


class EventBrief(msgspec.Struct, frozen=True, kw_only=True):
    """An event in a look or between two of them."""

    type: str
    effective_at: Instant
    rule: str
    sentence: str
    version: int | UnsetType = UNSET
    position: int | UnsetType = UNSET
    recorded_at: Instant | UnsetType = UNSET


class LookShown(msgspec.Struct, frozen=True, kw_only=True):
    """The moment of a look, and the last event that counts for it."""

    at: Instant
    known_at: Instant | None
    version: int
    position: int
    recorded_at: Instant
    effective_at: Instant


class StateAnswer(LookShown, frozen=True, kw_only=True):
    """An account as it was at an instant, as it was known at another: its state, and what was shown of it."""

    account: str
    state: dict[str, Any]
    entitlements: dict[str, Any]
    access_windows: dict[str, Any]
    invoices: list[dict[str, Any]]
    credit_notes: list[dict[str, Any]]
    usable: tuple[str, ...]
    in_grace: tuple[str, ...]
    by_time: tuple[EventBrief, ...]
    awaited: list[dict[str, Any]]


class DiffAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What changed of an account between two looks, in fields and in sentences, and which events did it."""

    account: str
    from_look: LookShown = msgspec.field(name="from")
    to: LookShown
    changes: tuple[FieldChange, ...]
    sentences: list[ChangeSaid]
    direction: Literal["back", "forth"]
    events: tuple[EventBrief, ...]
