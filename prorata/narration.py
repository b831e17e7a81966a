"""What an event says, as a sentence an auditor reads."""

from __future__ import annotations

from typing import assert_never

from domain import events as e
from domain.explain import arithmetic


def narrated(event: e.Event) -> str:  # noqa: C901 - one case an event
    """One sentence; what was charged with its arithmetic."""
    match event:
        case e.CyclesRenewed():
            renewed = ", ".join(f"{r.product} to {r.cycle.end}" for r in event.renewals)
            return f"renewed {renewed}; {_invoice(event.invoice)}"
        case e.InvoicePaid():
            restored = f"; usable again: {', '.join(event.restored)}" if event.restored else ""
            return f"invoice {event.number} paid, {event.amount}{restored}"
        case e.AccountOpened():
            return f"account opened in {event.currency}, {event.time_zone}, on the {event.clock} clock"
        case e.PlanPurchased():
            return (
                f"{event.product} ({event.tier}) bought, paid to {event.cycle.end}; {_invoice(event.invoice)}"
            )
        case e.FreePlanStarted():
            replaced = "" if event.replaces is None else f" in place of {event.replaces}"
            return f"{event.product} started{replaced}"
        case e.PlanChanged():
            charged = "nothing charged" if event.invoice is None else _invoice(event.invoice)
            return (
                f"{event.from_product} ({event.from_tier}) became {event.product} ({event.tier}); {charged}"
            )
        case e.DowngradeScheduled():
            ending = _ending(event.ending_addons)
            return f"{event.product} becomes {event.to_product} ({event.to_tier}) on {event.on}{ending}"
        case e.DowngradeWithdrawn():
            return f"downgrade of {event.product} withdrawn"
        case e.PlanCancelled():
            return f"{event.product} cancelled, ends on {event.on}{_ending(event.ending_addons)}"
        case e.PlanCancellationWithdrawn():
            return f"cancellation of {event.product} withdrawn"
        case e.PlanEnded():
            return f"{event.product} ended: {event.reason}"
        case e.PlanPaused():
            until = "" if event.resume_on is None else f" until {event.resume_on}"
            still = ", ".join(f"{u.product} {u.amount} on {u.date}" for u in event.still_billed)
            return f"{event.product} paused{until}; still billed: {still or 'nothing'}"
        case e.PlanResumed():
            charged = "nothing charged" if event.invoice is None else _invoice(event.invoice)
            return f"{event.product} resumed, paid to {event.cycle.end}; {charged}"
        case e.ResumeDropped():
            return f"{event.product} stays paused: {event.reason}"
        case e.AddonPurchased():
            blocks = "" if event.blocks is None else f" with {event.blocks} blocks"
            return f"{event.product}{blocks} bought, paid to {event.cycle.end}; {_invoice(event.invoice)}"
        case e.AddonRemoved():
            return f"{event.product} removed, usable until {event.on}"
        case e.AddonRemovalWithdrawn():
            return f"removal of {event.product} withdrawn"
        case e.AddonEnded():
            return f"{event.product} ended: {event.reason}"
        case e.BlocksChanged():
            return f"{event.product}: {event.blocks} blocks from {event.on}"
        case e.BlocksToppedUp():
            return f"{event.product} topped up by {event.e_mails} e-mails; {_invoice(event.invoice)}"
        case e.CreditsPurchased():
            return f"{event.product} bought, expires on {event.expires_on}; {_invoice(event.invoice)}"
        case e.CreditsExpired():
            return f"{event.product}: {event.credits} credits expired"
        case e.PaymentStarted():
            what = event.purpose.replace("_", " ")
            return f"payment of {event.amount} {event.currency} started ({what})"
        case e.PaymentDeclined():
            return f"payment of {event.amount} declined"
        case e.PaymentCancelled():
            return f"payment cancelled ({event.purpose.replace('_', ' ')}): it was never made"
        case e.RenewalDeclined():
            return f"payment of invoice {event.number} declined; suspended: {', '.join(event.suspended)}"
        case e.ItemsLapsed():
            rest = f"; invoice {event.number} written off" if event.written_off else ""
            return f"ended unpaid: {', '.join(event.items)}{rest}"
        case e.AccountClosed():
            return "account closed"
        case e.PriceOverridden():
            tier = "" if event.tier is None else f" ({event.tier})"
            return f"{event.product}{tier} costs {event.price} from now on (test clock)"
        case _:
            assert_never(event)


def _invoice(invoice: e.Invoice) -> str:
    parts = "; ".join(f"{line.product} {arithmetic(line)}" for line in invoice.lines)
    return f"invoice {invoice.number} of {invoice.date}: {invoice.total} {invoice.currency} ({parts})"


def _ending(addons: tuple[e.Ending, ...]) -> str:
    return "; ends with it: " + ", ".join(f"{a.product} on {a.on}" for a in addons) if addons else ""
