"""What a caller is told: a refusal, or what was done. An answer is made of the recorded events alone, so a
repeated command gets exactly its first answer (section 10)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from domain import events as e
from domain.calendar import CivilDate
from domain.money import zero

Outcome = Literal["accepted", "reinstated", "unchanged", "rejected"]
RefusalCode = Literal[
    "unknown_account", "account_exists", "command_id_reused", "wrong_clock", "forbidden", "account_closed",
    "payment_in_progress", "unknown_product", "no_catalogue", "no_price", "invalid_amount", "own_process",
    "already_active", "not_held", "plan_paused", "not_paused", "already_paused", "not_pausable",
    "cancellation_pending", "change_pending", "pause_limit", "invalid_date", "free_already_used",
    "monthly_plan_active",
    "nothing_to_undo", "nothing_due", "balance_due", "prerequisite_missing", "past_due", "payment_locked",
    "confirmation_required", "quote_changed", "payment_declined", "payment_cancelled",
]  # fmt: skip
"""Why a command was not done."""
Facts = dict[str, Any]

WITHDRAWALS = (e.AddonRemovalWithdrawn, e.PlanCancellationWithdrawn, e.DowngradeWithdrawn)


class Refusal(msgspec.Struct, frozen=True):
    """A command that was not done: a stable `code`, and the facts that a person is told (`prorata.wording`).

    `lines`: what it would have cost, where the refusal is about the confirmation or the quote.
    """

    code: RefusalCode
    facts: Facts = {}
    lines: tuple[e.Line, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """What came of a command (R19). `charged`: the amount charged now; None where refused. `events`: the
    types it recorded."""

    outcome: Outcome
    code: RefusalCode | None
    facts: Facts
    charged: Decimal | None
    lines: tuple[e.Line, ...]
    renews_on: CivilDate | None
    events: tuple[str, ...]


def refused(refusal: Refusal) -> Answer:
    """The answer to a command that recorded nothing."""
    return Answer("rejected", refusal.code, refusal.facts, None, refusal.lines, None, ())


def unchanged(facts: Facts, currency: str) -> Answer:
    """The answer to a command that found everything already so (section 10)."""
    return Answer("unchanged", None, facts, zero(currency), (), None, ())


def answer_of(events: Sequence[e.Event], currency: str) -> Answer:
    """The answer to the command that recorded these events, in order: an intent, if money moved, and what
    came of it."""
    names = tuple(e.type_name(event) for event in events)
    last = events[-1]
    if isinstance(last, e.PaymentDeclined):
        facts: Facts = {"amount": str(last.amount), "currency": currency}
        return Answer("rejected", "payment_declined", facts, None, (), None, names)
    if isinstance(last, e.PaymentCancelled):
        return Answer("rejected", "payment_cancelled", {}, None, (), None, names)
    if isinstance(last, e.PaymentStarted):
        return Answer("rejected", "payment_in_progress", {}, None, (), None, names)
    invoice = getattr(last, "invoice", None)
    charged, lines = (zero(currency), ()) if invoice is None else (invoice.total, invoice.lines)
    if isinstance(last, e.InvoicePaid):
        charged = last.amount
    outcome: Outcome = "reinstated" if isinstance(last, WITHDRAWALS) else "accepted"
    return Answer(outcome, None, _facts(last), charged, lines, _renews_on(last), names)


def _renews_on(event: e.Event) -> CivilDate | None:
    """The end of the paid cycle of what was bought, changed or resumed (R19)."""
    match event:
        case e.PlanPurchased() | e.PlanResumed() | e.AddonPurchased():
            return event.cycle.end
        case e.PlanChanged():
            return None if event.cycle is None else event.cycle.end
        case _:
            return None


def _facts(event: e.Event) -> Facts:
    """The dates and amounts that the answer's sentence speaks of, and what else the caller must be told (R28,
    R32)."""
    match event:
        case e.PlanPaused():
            still = [
                {"product": u.product, "date": u.date.isoformat(), "amount": str(u.amount)}
                for u in event.still_billed
            ]
            resume = {} if event.resume_on is None else {"resume_on": event.resume_on.isoformat()}
            return {"product": event.product, "still_billed": still, **resume}
        case e.PlanCancelled() | e.DowngradeScheduled():
            ending = [{"product": a.product, "on": a.on.isoformat()} for a in event.ending_addons]
            return {"product": event.product, "on": event.on.isoformat(), "ending_addons": ending}
        case e.AddonRemoved():
            return {"product": event.product, "access_until": event.on.isoformat()}
        case e.BlocksChanged():
            return {"product": event.product, "blocks": event.blocks, "on": event.on.isoformat()}
        case e.InvoicePaid():
            return {"invoice": event.number}
        case e.CreditsPurchased():
            facts = {
                "product": event.product,
                "credits": event.credits,
                "expires_on": event.expires_on.isoformat(),
            }
            return {**facts, "invoice": event.invoice.number}
        case e.PlanPurchased() | e.PlanChanged() | e.PlanResumed() | e.AddonPurchased() | e.BlocksToppedUp():
            return {"product": event.product} | (
                {} if event.invoice is None else {"invoice": event.invoice.number}
            )
        case _:
            product = getattr(event, "product", None)
            return {} if product is None else {"product": product}
