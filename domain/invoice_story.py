"""The whole story of an invoice: why it is what it is, and what happened to it.

    >>> story = invoice_story(events, 2)
    >>> story.status, story.record.due
    ('open', Decimal('20.00'))

The events are an account's, the first of which is version 1; events are named by their versions.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from domain import events as e
from domain.arithmetic import TaxGroup, arithmetic, tax_groups
from domain.events import InvoiceStatus
from domain.evolve import evolve
from domain.explain import rule_of_line
from domain.invoices import invoice_changes
from domain.resting import Background
from domain.state import Account, InvoiceRecord


class ExplainedLine(msgspec.Struct, frozen=True):
    """A line with its calculation and rule. `because`: the versions of the earlier events that made the item
    what it was: bought, changed, repriced, what set the date that the line runs to, the discounts that it
    has, and of a credit line what was taken back before."""

    line: e.Line
    arithmetic: str
    rule: str
    because: tuple[int, ...]


class InvoiceStory(msgspec.Struct, frozen=True):
    """How an invoice came to be and what became of it. `issued`: the version of the event that issued it;
    `taxes`: each of its taxes, and `taxes_because` the event that set the tax profile by which they are
    asked; `credit_because`: the events that made the account credit that it took. `payment`: of the events of
    its payment and of all that happened to it, in order. `status` and `record`: how it stands as the events
    end."""

    invoice: e.Invoice
    status: InvoiceStatus
    record: InvoiceRecord
    issued: int
    payment: tuple[int, ...]
    lines: tuple[ExplainedLine, ...]
    taxes: tuple[TaxGroup, ...]
    taxes_because: tuple[int, ...]
    credit_because: tuple[int, ...]


def invoice_story(events: Sequence[e.Event], number: int) -> InvoiceStory | None:
    """The story of that invoice; None: there is no such invoice."""
    state: Account | None = None
    background = Background()
    for version, event in enumerate(events, 1):
        issued = invoice_changes(event)[0]
        if issued is not None and issued.number == number:
            old = _issued_before(events, version)
            if old is None:
                lines = tuple([_explained(event, line, state, background) for line in issued.lines])
            else:
                lines = tuple(
                    [_anew(event, line, was) for line, was in zip(issued.lines, old.lines, strict=True)]
                )
            record = _last(events, version, state).record(number)
            taxes = tax_groups(issued.lines)
            return InvoiceStory(
                issued,
                record.status,
                record,
                version,
                _happened_to(events, version, issued),
                lines,
                taxes,
                background.tax_profile if taxes else (),
                () if not issued.credit_taken else background.credit if old is None else old.credit_because,
            )
        state = evolve(state, event)
        background.take(version, event, state)
    return None


def _issued_before(events: Sequence[e.Event], version: int) -> InvoiceStory | None:
    """Of an invoice that is issued anew, the story of the one whose lines and credit it has (R67)."""
    event = events[version - 1]
    if not isinstance(event, e.InvoiceReissued):
        return None
    return invoice_story(events[: version - 1], event.note.invoice)


def _last(events: Sequence[e.Event], version: int, before: Account | None) -> Account:
    """The state after all events, from that before the one of this version."""
    state = before
    for event in events[version - 1 :]:
        state = evolve(state, event)
    assert state is not None
    return state


def _explained(event: e.Event, line: e.Line, before: Account | None, background: Background) -> ExplainedLine:
    bought = isinstance(event, e.PlanPurchased | e.AddonPurchased)
    because = background.anchor if bought and line.kind != "blocks" else background.of(line.product)
    if isinstance(event, e.PlanChanged):
        because = background.of(event.from_product)
    if line.kind == "credit_line":
        because = (*because, *background.taken_back(line.product))
    because = (*because, *background.granted([taken.discount for taken in line.discounts or ()]))
    return ExplainedLine(line, arithmetic(line), rule_of_line(event, line, before), tuple(sorted(because)))


def _anew(event: e.Event, line: e.Line, before: ExplainedLine) -> ExplainedLine:
    return ExplainedLine(line, arithmetic(line), rule_of_line(event, line, None), before.because)


# ---- what happened to it ---------------------------------------------------


def _happened_to(events: Sequence[e.Event], issued: int, invoice: e.Invoice) -> tuple[int, ...]:
    """The versions of the payment's events and of what happened to the invoice. One that was charged at once
    was paid before it was issued: its intent comes first."""
    renewal = isinstance(events[issued - 1], e.CyclesRenewed)
    versions = [] if renewal else _paid_before(events, issued, invoice)
    asked = renewal  # the issued invoice is the intent of its first payment
    for version, event in enumerate(events[issued:], issued + 1):
        match event:
            case e.PaymentStarted():
                asked = event.invoice_number == invoice.number or any(
                    share.invoice == invoice.number for share in event.invoices or ()
                )
                mine = asked
            case e.PaymentDeclined() | e.PaymentCancelled() | e.PaymentActionRequired() | e.TryDeclined():
                mine = asked
            case _:
                mine = _is_about(event, invoice.number)
        if mine:
            versions.append(version)
    return tuple(versions)


def _paid_before(events: Sequence[e.Event], issued: int, invoice: e.Invoice) -> list[int]:
    """The intent of a charge, the wait for the customer's consent, and the event that issued the invoice;
    nothing where nothing was charged."""
    if not invoice.charge or isinstance(events[issued - 1], e.InvoiceReissued):
        return []
    versions = [issued]
    for version in range(issued - 1, 0, -1):
        match events[version - 1]:
            case e.PaymentStarted():
                return [version, *versions]
            case e.PaymentActionRequired():
                versions.insert(0, version)
            case _:
                pass
    return []


def _is_about(event: e.Event, number: int) -> bool:
    """Whether the event names the invoice."""
    match event:
        case e.CreditApplied():
            return any(share.invoice == number for share in event.shares)
        case e.PaymentRecorded():
            return event.recovered == number or any(share.invoice == number for share in event.shares)
        case e.CreditNoteIssued() | e.RefundConcluded() | e.PaymentReminder():
            return event.invoice == number
        case e.InvoiceReissued():
            return event.note.invoice == number
        case _:
            return isinstance(event, _NAME_ONE) and event.number == number


_NAME_ONE = (
    e.RenewalDeclined
    | e.InvoicePaid
    | e.ItemsLapsed
    | e.InvoiceWrittenOff
    | e.TriesStopped
    | e.PaymentLate
    | e.LatePaymentFailed
    | e.DisputeOpened
    | e.DisputeWon
    | e.DisputeLost
)
"""Events whose `number` is an invoice's."""
