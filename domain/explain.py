"""Why a line costs what it costs, and which rule an event follows: for people who look at an invoice and
wonder.

    >>> arithmetic(line)
    '10.00 × 15/31 days = 4.84'
"""

from __future__ import annotations

from typing import assert_never

from domain import events as e


def arithmetic(line: e.Line) -> str:
    """The calculation of a line, spelled out (R6, R47)."""
    sign = "−" if line.kind == "credit_line" else ""
    price = f"{sign}{line.unit_price}"
    if line.quantity is not None:
        return f"{price} × {line.quantity} blocks = {line.amount}"
    if line.days is None or line.days == line.of_days:
        return f"{price}"
    return f"{price} × {line.days}/{line.of_days} days = {line.amount}"


def rule_of_line(event: e.Event, line: e.Line) -> str:
    """The rule by which the event charged the line."""
    by_days = line.days is not None
    full = line.days == line.of_days
    match event:
        case e.CyclesRenewed():
            return "R20" if line.kind == "blocks" else ("R23" if full else "R23 stub")
        case e.PlanPurchased():
            return "R10" if event.account_anchor == event.cycle.start else ("R14" if full else "R11")
        case e.AddonPurchased():
            if event.blocks is not None:
                return "R20"
            return "R12" if not full else ("R13" if event.cycle.anchor == event.cycle.start else "R14")
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


def rule_of_event(event: e.Event) -> str:  # noqa: C901 - one case an event
    """The rule, or rules, that the event follows."""
    match event:
        case e.CyclesRenewed():
            return "R23, R24"
        case e.InvoicePaid():
            return "R40" if event.restored else "R24"
        case e.AccountOpened() | e.PriceOverridden():
            return "R8" if isinstance(event, e.PriceOverridden) else "R3"
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
            assert_never(event)
