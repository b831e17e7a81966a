"""By which rule a line is charged, and which rule an event follows: for people who look at an invoice and
wonder.

    >>> rule_of_line(event, line)
    'R12'
"""

from __future__ import annotations

from typing import assert_never

from domain import events as e
from domain.state import Account


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
        case e.InvoiceReissued():
            return "R67"
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
        case e.AccountImported():
            return "R3, R4"
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
            return "R41" if event.command is None else "R41a"
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
