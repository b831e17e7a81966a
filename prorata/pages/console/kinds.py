"""By which kinds a story is filtered."""

from __future__ import annotations

from typing import Final

from domain import events as e

KINDS: Final[dict[str, frozenset[type[e.Event]]]] = {
    "account": frozenset(
        [e.AccountOpened, e.AccountImported, e.AccountClosed, e.CatalogChanged, e.PriceOverridden]
    ),
    "buying": frozenset(
        [
            e.PlanPurchased,
            e.FreePlanStarted,
            e.PlanChanged,
            e.DowngradeScheduled,
            e.DowngradeWithdrawn,
            e.AddonPurchased,
            e.BlocksChanged,
            e.BlocksToppedUp,
            e.CreditsPurchased,
        ]
    ),
    "ending": frozenset(
        [
            e.PlanCancelled,
            e.PlanCancellationWithdrawn,
            e.PlanEnded,
            e.AddonRemoved,
            e.AddonRemovalWithdrawn,
            e.AddonEnded,
            e.CreditsExpired,
            e.ItemsLapsed,
            e.PrerequisiteChanged,
        ]
    ),
    "pausing": frozenset([e.PlanPaused, e.PlanResumed, e.ResumeDropped]),
    "renewing": frozenset([e.CyclesRenewed, e.RenewalDeclined]),
    "payments": frozenset(
        [
            e.PaymentStarted,
            e.PaymentDeclined,
            e.PaymentCancelled,
            e.PaymentActionRequired,
            e.PaymentLate,
            e.LatePaymentFailed,
            e.InvoicePaid,
            e.TryDeclined,
            e.TriesStopped,
            e.PaymentReminder,
            e.PaymentMethodSet,
            e.DisputeOpened,
            e.DisputeWon,
            e.DisputeLost,
        ]
    ),
    "correcting": frozenset(
        [
            e.CreditNoteIssued,
            e.InvoiceReissued,
            e.RefundConcluded,
            e.CreditApplied,
            e.CreditPaidOut,
            e.CreditsReturned,
            e.PaymentRecorded,
            e.InvoiceWrittenOff,
        ]
    ),
    "terms": frozenset(
        [e.TaxProfileSet, e.DiscountGranted, e.DiscountWithdrawn, e.DiscountEnds],
    ),
}
"""By which events are filtered: each is of one kind."""

MONEY: Final = "money"
"""The filter for events that changed what is owed."""
