"""Why a line costs what it costs, which rule an event follows, and an invoice's whole story: for people who
look at an invoice and wonder.

    >>> arithmetic(line)
    '10.00 × 15/31 days = 4.84'
    >>> invoice_story(events, 2).status
    'paid'
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec

from domain import events as e
from domain.events import InvoiceStatus
from domain.evolve import evolve
from domain.invoices import invoice_changes
from domain.state import Account


def arithmetic(line: e.Line) -> str:
    """The calculation of a line, spelled out (R6, R47)."""
    sign = "−" if line.kind == "credit_line" else ""
    price = f"{sign}{line.unit_price}"
    if line.quantity is not None:
        return f"{price} × {line.quantity} blocks = {line.amount}"
    if line.days is None or line.days == line.of_days:
        return f"{price}"
    return f"{price} × {line.days}/{line.of_days} days = {line.amount}"


def rule_of_line(event: e.Event, line: e.Line, before: Account | None = None) -> str:
    """The rule by which the event charged the line. `before`: the state that the event met, which alone says
    whether a full first charge met an account anchor of the same day."""
    by_days = line.days is not None
    full = line.days == line.of_days
    match event:
        case e.CyclesRenewed():
            return "R20" if line.kind == "blocks" else ("R23" if full else "R23 stub")
        case e.PlanPurchased():
            anchored = event.account_anchor != event.cycle.start if before is None else _anchored(before)
            return ("R14" if full else "R11") if anchored else "R10"
        case e.AddonPurchased():
            if event.blocks is not None:
                return "R20"
            anchored = event.cycle.anchor != event.cycle.start if before is None else _anchored(before)
            return ("R14" if full else "R12") if anchored else "R13"
        case e.PlanChanged():
            return "R29" if by_days else "R29 full difference"
        case e.PlanResumed():
            return "R34"
        case e.BlocksToppedUp():
            return "R20"
        case e.CreditsPurchased():
            return "R21"
        case _:
            return "R47"


def _anchored(state: Account) -> bool:
    return state.anchor is not None


def rule_of_event(event: e.Event) -> str:  # noqa: C901 - one case an event
    """The rule, or rules, that the event follows."""
    match event:
        case e.CyclesRenewed():
            return "R23, R24"
        case e.InvoicePaid():
            return "R40" if event.restored else "R24"
        case e.AccountOpened():
            return "R3"
        case e.PriceOverridden() | e.CatalogChanged():
            return "R8"
        case e.PrerequisiteChanged():
            return "R28, R44"
        case e.PlanPurchased():
            return "R10" if event.account_anchor == event.cycle.start else "R11"
        case e.FreePlanStarted():
            return "R22"
        case e.PlanChanged() | e.DowngradeScheduled() | e.DowngradeWithdrawn():
            return "R29"
        case e.PlanCancelled():
            return "R28"
        case e.PlanCancellationWithdrawn() | e.AddonRemovalWithdrawn():
            return "R27"
        case e.PlanEnded():
            return "R28"
        case e.PlanPaused():
            return "R31, R32"
        case e.PlanResumed():
            return "R36" if event.scheduled else ("R35" if event.invoice is None else "R34")
        case e.ResumeDropped():
            return "R36"
        case e.AddonPurchased():
            if event.blocks is not None:
                return "R20"
            return "R13" if event.cycle.anchor == event.cycle.start else "R12"
        case e.AddonRemoved():
            return "R26"
        case e.AddonEnded():
            return "R28" if event.reason == "prerequisite_ended" else "R26"
        case e.BlocksChanged() | e.BlocksToppedUp():
            return "R20"
        case e.CreditsPurchased() | e.CreditsExpired():
            return "R21"
        case e.PaymentStarted() | e.PaymentDeclined() | e.PaymentCancelled():
            return "R16"
        case e.RenewalDeclined():
            return "R38"
        case e.ItemsLapsed():
            return "R41"
        case e.AccountClosed():
            return "R42"
        case _:
            return _rule_of_second_part(event)


def _rule_of_second_part(event: e.SecondPart) -> str:  # noqa: C901 - one case an event
    match event:
        case e.CreditNoteIssued():
            return {"not_supplied": "R41a", "upgrade": "R75"}.get(event.reason, "R61, R62")
        case e.InvoiceReissued():
            return "R67"
        case e.RefundConcluded():
            return "R62"
        case e.CreditApplied() | e.CreditPaidOut():
            return "R63"
        case e.PaymentRecorded():
            return "R57" if event.recovered is None else "R68"
        case e.InvoiceWrittenOff():
            return "R68"
        case e.TryDeclined():
            return "R52, R53"
        case e.TriesStopped():
            return "R54"
        case e.PaymentReminder():
            return "R55"
        case e.PaymentMethodSet():
            return "R56"
        case e.PaymentActionRequired():
            return "R96"
        case e.PaymentLate() | e.LatePaymentFailed():
            return "R98"
        case e.DisputeOpened() | e.DisputeWon() | e.DisputeLost():
            return "R58"
        case e.TaxProfileSet():
            return "R70"
        case e.DiscountGranted():
            return "R85" if event.nonprofit else ("R86" if event.carried else "R79")
        case e.DiscountWithdrawn():
            return "R85"
        case e.DiscountEnds():
            return "R87"
        case e.CreditsReturned():
            return "R64"
        case _:
            assert_never(event)


# ---- an invoice's story ----------------------------------------------------


class ExplainedLine(msgspec.Struct, frozen=True):
    """A line with its calculation and rule. `because`: the versions of the earlier events that made the item
    what it was: bought, changed, repriced, and what set the date that the line runs to."""

    line: e.Line
    arithmetic: str
    rule: str
    because: tuple[int, ...]


class InvoiceStory(msgspec.Struct, frozen=True):
    """How an invoice came to be and what became of it. `issued`: the version of the event that issued it;
    `payment`: of the events of its payment, in order; `status` as the events end."""

    invoice: e.Invoice
    status: InvoiceStatus
    issued: int
    payment: tuple[int, ...]
    lines: tuple[ExplainedLine, ...]


def invoice_story(events: Sequence[e.Event], number: int) -> InvoiceStory | None:
    """The story of that invoice in an account's events, the first of which is version 1; None: there is no
    such invoice."""
    state: Account | None = None
    background = _Background()
    for version, event in enumerate(events, 1):
        issued = invoice_changes(event)[0]
        if issued is not None and issued.number == number:
            lines = tuple([_explained(event, line, state, background) for line in issued.lines])
            payment, status = _payment(events, version, number)
            return InvoiceStory(issued, status, version, payment, lines)
        state = evolve(state, event)
        background.take(version, event, state)
    return None


class _Background:
    """Per product the versions of the events that an invoice line of it rests on."""

    def __init__(self) -> None:
        self._products: dict[str, tuple[int, ...]] = {}
        self._anchor: tuple[int, object] = (0, None)

    def of(self, product: str) -> tuple[int, ...]:
        return self._products.get(product, ())

    @property
    def anchor(self) -> tuple[int, ...]:
        """The event that set the account anchor."""
        version, anchor = self._anchor
        return () if anchor is None else (version,)

    def take(self, version: int, event: e.Event, state: Account) -> None:
        known = self._products
        match event:
            case e.PlanPurchased() | e.AddonPurchased() | e.CreditsPurchased():
                known[event.product] = (version,)
            case e.PlanChanged():
                known[event.product] = (*self.of(event.from_product), version)
            case e.DowngradeScheduled():
                known[event.to_product] = (*self.of(event.product), version)
            case e.PlanPaused() | e.PlanResumed() | e.BlocksChanged() | e.PriceOverridden():
                known[event.product] = (*self.of(event.product), version)
            case _:
                pass
        if state.anchor != self._anchor[1]:
            self._anchor = (version, state.anchor)


def _explained(
    event: e.Event, line: e.Line, before: Account | None, background: _Background
) -> ExplainedLine:
    bought = isinstance(event, e.PlanPurchased | e.AddonPurchased)
    because = background.anchor if bought and line.kind != "blocks" else background.of(line.product)
    if isinstance(event, e.PlanChanged):
        because = background.of(event.from_product)
    return ExplainedLine(line, arithmetic(line), rule_of_line(event, line, before), because)


def _payment(events: Sequence[e.Event], issued: int, number: int) -> tuple[tuple[int, ...], InvoiceStatus]:
    """The versions of the payment's events, and how it ended. An invoice charged at once was paid before it
    was issued: its intent comes just before."""
    event = events[issued - 1]
    status = _status(event, number) or "open"
    if not isinstance(event, e.CyclesRenewed):
        intended = isinstance(events[issued - 2], e.PaymentStarted)  # the first is the opening
        return ((issued - 1, issued) if intended else ()), status
    versions: list[int] = []
    asked = True  # the issued invoice is the intent of its first payment
    for version, event in enumerate(events[issued:], issued + 1):
        match event:
            case e.PaymentStarted():
                asked = event.invoice_number == number
                mine = asked
            case e.RenewalDeclined() | e.InvoicePaid() | e.ItemsLapsed():
                mine = event.number == number
            case e.CreditNoteIssued():
                mine = event.invoice == number
            case e.CreditApplied() | e.PaymentRecorded():
                mine = any(share.invoice == number for share in event.shares)
            case e.DisputeOpened() | e.DisputeWon() | e.DisputeLost() | e.InvoiceWrittenOff():
                mine = event.number == number
            case e.PaymentDeclined() | e.PaymentCancelled():
                mine = asked
            case _:
                mine = False
        if mine:
            versions.append(version)
            status = _status(event, number) or status
    return tuple(versions), status


def _status(event: e.Event, number: int) -> InvoiceStatus | None:
    return dict(invoice_changes(event)[1]).get(number)
