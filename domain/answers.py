"""What a caller is told: a refusal, or what was done. An answer is made of the recorded events, the state
after them and the versions of the catalogue known then, so a repeated command gets exactly its first answer
(section 10)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, get_args

import msgspec
from msgspec import UNSET

from domain import commands as c
from domain import events as e
from domain.booking_facts import booking_facts
from domain.calendar import CivilDate, local_text
from domain.catalog import Catalogues
from domain.facts import Facts, facts_after
from domain.money import zero
from domain.state import Account, PendingPayment

Outcome = Literal["accepted", "reinstated", "unchanged", "action_required", "rejected"]
RefusalCode = Literal[
    "unknown_account", "account_exists", "command_id_reused", "wrong_clock", "forbidden", "account_closed",
    "payment_in_progress", "unknown_product", "no_catalogue", "no_price", "invalid_amount", "own_process",
    "already_active", "not_held", "plan_paused", "not_paused", "already_paused", "not_pausable",
    "cancellation_pending", "change_pending", "pause_limit", "invalid_date", "free_already_used",
    "monthly_plan_active",
    "nothing_to_undo", "nothing_due", "balance_due", "prerequisite_missing", "past_due", "payment_locked",
    "confirmation_required", "quote_changed", "payment_declined", "payment_cancelled",
    "product_changed",
    "dispute_open", "billing_details_missing", "tax_unavailable", "unknown_discount", "discount_over",
    "already_used",
    "unknown_invoice", "not_creditable", "over_credited", "limit_exceeded",
]  # fmt: skip
"""Why a command was not done."""

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


def unchanged(command: c.Command, facts: Facts, state: Account, catalogues: Catalogues) -> Answer:
    """The answer to a command that found everything already so (section 10)."""
    after = facts_after(command, facts.get("product"), state, catalogues)
    return _done("unchanged", facts | after, zero(state.currency), (), ())


def still_waiting(payment: PendingPayment, state: Account) -> Answer:
    """The answer to a command sent again while its payment waits for the customer (R96)."""
    assert payment.waits_until is not None
    facts = {"until": local_text(payment.waits_until, state.time_zone)}
    return Answer("action_required", None, facts, None, (), None, ())


def answer_of(
    command: c.Command, events: Sequence[e.Event], state: Account, catalogues: Catalogues
) -> Answer:
    """The answer to the command that recorded these events, in order: an intent, if money moved, and what
    came of it. `state` is the account after them, `catalogues` are the versions known then."""
    names = tuple([e.type_name(event) for event in events])
    main = _main(events, names)
    match main:
        case e.PaymentActionRequired():
            facts: Facts = {"until": local_text(main.until, state.time_zone)}
            return Answer("action_required", None, facts, None, (), None, names)
        case e.PaymentDeclined():
            facts = {"amount": str(main.amount), "currency": state.currency}
            if main.decline_reason is not UNSET:
                facts["decline_reason"] = main.decline_reason
            return Answer("rejected", "payment_declined", facts, None, (), None, names)
        case e.PaymentCancelled() if not isinstance(command, c.AbandonPayment):
            return Answer("rejected", "payment_cancelled", {}, None, (), None, names)
        case e.PaymentStarted():
            return Answer("rejected", "payment_in_progress", {}, None, (), None, names)
        case _:
            pass
    lines: tuple[e.Line, ...] = ()
    if isinstance(main, e.Activation) and main.invoice is not None:
        charged, lines = main.invoice.charge, main.invoice.lines
    else:
        paid = [event.amount for event in events if isinstance(event, e.InvoicePaid)]
        charged = sum(paid, zero(state.currency))
    facts = _facts(main) | booking_facts(main, events, state)
    if not isinstance(command, c.OpenAccount | c.OverridePrice | c.ChangeCatalog):
        facts |= facts_after(command, facts.get("product"), state, catalogues)
    outcome: Outcome = "reinstated" if isinstance(main, WITHDRAWALS) else "accepted"
    return _done(outcome, facts, charged, lines, names)


def what_was_done(types: Sequence[str]) -> str | None:
    """Of the types of the events that a command recorded, the one of what it was given for: a purchase, whose
    discount and credit notes come before it, a write-off, whose items end before it, else the first that is
    no intent. None: it recorded an intent alone, or nothing."""
    first = next((name for name in types if name in _GIVEN_FOR), None)
    after = [name for name in types if name != _INTENT]
    if len(after) > 1 and after[0] == _WAITS:
        after = after[1:]
    return first or next(iter(after), None)


_INTENT = "payment_started"
_WAITS = "payment_action_required"
_GIVEN_FOR = frozenset(
    [str(kind.__struct_config__.tag) for kind in (*get_args(e.Activation), e.InvoiceWrittenOff)]
)


def _main(events: Sequence[e.Event], names: tuple[str, ...]) -> e.Event:
    """What the command did (`what_was_done`); where nothing is known yet, its intent."""
    done = what_was_done(names)
    return events[-1 if done is None else names.index(done)]


def _done(
    outcome: Outcome, facts: Facts, charged: Decimal, lines: tuple[e.Line, ...], names: tuple[str, ...]
) -> Answer:
    day = facts.get("renews_on")
    renews_on = None if day is None else CivilDate.fromisoformat(day)
    return Answer(outcome, None, facts, charged, lines, renews_on, names)


def _facts(event: e.Event) -> Facts:
    """What the event itself says that the answer's sentence speaks of."""
    match event:
        case e.PlanPurchased() | e.PlanChanged() | e.PlanResumed() | e.AddonPurchased() | e.BlocksToppedUp():
            return {"product": event.product} | (
                {} if event.invoice is None else {"invoice": event.invoice.number}
            )
        case e.PlanPaused():
            resume = {} if event.resume_on is None else {"resume_on": event.resume_on.isoformat()}
            return {"product": event.product, **resume}
        case e.PlanCancelled():
            return {"product": event.product, "on": event.on.isoformat()}
        case e.DowngradeScheduled():
            becomes = {"to_product": event.to_product, "to_tier": event.to_tier}
            return {"product": event.product, **becomes, "on": event.on.isoformat()}
        case e.BlocksChanged():
            return {"product": event.product, "blocks": event.blocks, "on": event.on.isoformat()}
        case e.InvoicePaid():
            return {"invoice": event.number}
        case e.ItemsLapsed():
            return {"product": event.items[0]}
        case e.CreditsPurchased():
            facts = {
                "product": event.product,
                "credits": event.credits,
                "expires_on": event.expires_on.isoformat(),
            }
            return {**facts, "invoice": event.invoice.number}
        case _:
            product = getattr(event, "product", None)
            return {} if product is None else {"product": product}
