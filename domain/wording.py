"""The sentences in which a command's answer speaks to a person (R19)."""

from __future__ import annotations

from domain import events as e

Upgrade = e.PlanPurchased | e.AddonPurchased | e.PlanChanged


def message_of(event: e.Event, language: str) -> str:
    """What came of a command, as a sentence for a person: in French for `fr`, else in English (R19)."""
    if isinstance(event, Upgrade) and event.invoice is not None:
        return _confirmation(event, language)
    return _sentence(event)


def _confirmation(event: Upgrade, language: str) -> str:
    """The page's confirmation, with what was bought and its renewal date."""
    renews_on = None if event.cycle is None else event.cycle.end
    if language == "fr":
        renews = "" if renews_on is None else f" Renouvellement le {renews_on:%d/%m/%Y}."
        return f"Mission accomplie ! Votre plan a bien été mis à niveau. {event.product} est actif.{renews}"
    renews = "" if renews_on is None else f" It renews on {renews_on}."
    return f"Mission accomplished! Your plan has been upgraded. {event.product} is active.{renews}"


def _sentence(event: e.Event) -> str:  # noqa: C901 - one case an event
    match event:
        case e.PlanChanged():
            return f"Your plan is now {event.product} ({event.tier}); nothing was charged."
        case e.FreePlanStarted():
            return f"{event.product} is active; it is free."
        case e.DowngradeScheduled():
            return f"{event.product} becomes {event.to_product} ({event.to_tier}) on {event.on}."
        case e.PlanCancelled():
            return (
                f"{event.product} ends on {event.on}; until then it can be used, and the cancellation undone."
            )
        case e.PlanEnded():
            return f"{event.product} has ended."
        case e.PlanPaused():
            if not event.still_billed:
                return f"{event.product} is paused."
            still = ", ".join(f"{u.product} ({u.amount} on {u.date})" for u in event.still_billed)
            return f"{event.product} is paused. Still billed until removed one by one: {still}."
        case e.PlanResumed():
            return f"{event.product} is active again. It renews on {event.cycle.end}."
        case e.AddonRemoved():
            return f"{event.product} is removed; it can be used until {event.on}."
        case e.AddonRemovalWithdrawn() | e.PlanCancellationWithdrawn() | e.DowngradeWithdrawn():
            return f"{event.product} goes on as before; nothing was charged."
        case e.BlocksChanged():
            return f"From {event.on} {event.blocks} blocks are renewed."
        case e.BlocksToppedUp():
            return f"{event.e_mails} e-mails were added until the cycle's end."
        case e.CreditsPurchased():
            return f"{event.credits} credits were added; they expire on {event.expires_on}."
        case e.InvoicePaid():
            return f"Invoice {event.number} is paid."
        case e.AccountClosed():
            return "The account is closed; nothing is refunded."
        case e.AccountOpened():
            return f"The account is open, in {event.currency} and {event.time_zone}."
        case e.PriceOverridden():
            return f"{event.product} costs {event.price} from now on."
        case _:
            return "Done."
