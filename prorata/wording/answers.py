"""What a caller is told, in their language: made of an answer's code, facts and events alone.

    answer_said(answer, Wording("fr", names), "EUR")   # 'Custom domain est déjà actif.'

Of several sentences for one code or outcome, the first whose facts the answer has is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from string import Formatter
from typing import Any, Final, Protocol

from domain.answers import what_was_done
from prorata.wording.booking import (
    ACTION_REQUIRED,
    BOOKING_AMOUNTS,
    BOOKING_OUTCOMES,
    BOOKING_REFUSALS,
    BOOKING_TAILS,
    BOOKING_UNCHANGED,
    booking_word,
)
from prorata.wording.declining import DECLINE_REASONS
from prorata.wording.events import charge_said, tiered
from prorata.wording.language import Wording, amount_written, message


class Said(Protocol):
    """The parts of an answer that its sentence is made of: `domain.answers.Answer`, a line's answer, or what
    the shop says of today."""

    @property
    def outcome(self) -> str: ...
    @property
    def code(self) -> str | None: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def events(self) -> Sequence[str]: ...


REFUSALS: Final[dict[str, tuple[str, ...]]] = {
    "unknown_account": (message("There is no such account."),),
    "account_exists": (message("An account with this id was opened before; ids are never used again."),),
    "command_id_reused": (message("The command id {id} was used for another command: choose a new one."),),
    "wrong_clock": (message("The account lives on another clock ({clock})."),),
    "forbidden": (message("The role {role} may not do this; roles that may: {allowed}."),),
    "account_closed": (message("The account is closed."),),
    "payment_in_progress": (
        message("The answer to a payment of this account is not known yet: send the command again later."),
    ),
    "unknown_product": (message("The catalogue has no {kind} {asked}."),),
    "no_catalogue": (message("Nothing is sold: no catalogue is in force."),),
    "no_price": (message("{product} has no price in {currency}."),),
    "invalid_amount": (
        message("{price} is not an amount in {currency}."),
        message("{given_amount} is not an amount in {currency}."),
    ),
    "own_process": (message("{product} is sold by a process of its own."),),
    "already_active": (
        message("{product} is active already; it renews on {renews_on}."),
        message("{product} is active already."),
    ),
    "not_held": (message("The account holds no {kind} ({asked})."),),
    "plan_paused": (message("{product} is paused: resume it first."),),
    "not_paused": (message("{product} is not paused."),),
    "already_paused": (message("{product} is already paused."),),
    "not_pausable": (message("A plan of the family {family} cannot be paused."),),
    "cancellation_pending": (message("{product} ends on {on}: undo that first."),),
    "change_pending": (message("{product} changes on {on}: undo that first."),),
    "pause_limit": (
        message("{product} was paused twice in twelve months: it can be paused again from {allowed_from}."),
    ),
    "invalid_date": (message("A pause can end on a date after today; {resume_on} is not one."),),
    "free_already_used": (message("The move down to a Free plan is allowed once in an account's life."),),
    "monthly_plan_active": (message("{product} is active: credits are for accounts without it."),),
    "nothing_to_undo": (message("Nothing is pending for {product}."),),
    "nothing_due": (message("No invoice is open."),),
    "balance_due": (message("Invoice {invoice} of {amount} is unpaid: pay the balance first."),),
    "prerequisite_missing": (message("{product} needs an active plan: {requires}."),),
    "product_changed": (
        message("{product} cannot become something else: what a product is never changes ({place})."),
    ),
    "past_due": (message("Invoice {invoice} of {amount} is unpaid: pay the balance first."),),
    "payment_locked": (
        message("Several payments were declined within 24 hours: the next attempt is possible at {until}."),
    ),
    "confirmation_required": (message("{total} would be charged now: confirm {missing}."),),
    "quote_changed": (message("It would cost {total} now, not {expected_total}."),),
    "payment_declined": (
        message("The payment of {amount} was declined ({decline_reason}); nothing was changed."),
        message("The payment of {amount} was declined; nothing was changed. Try another card."),
    ),
    "payment_cancelled": (
        message("The payment was never made; nothing was changed. Send the command again."),
    ),
    **BOOKING_REFUSALS,
}
"""By the code of a refusal, `domain.answers.RefusalCode`."""

GOES_ON: Final = (
    message("{product} goes on as before; nothing was charged. It renews on {renews_on}."),
    message("{product} goes on as before; nothing was charged."),
)
"""What was to end does not (R17, R19, R27)."""

PAYMENT_METHOD: Final = ""
"""The key of the outcome that has no event: the test clock's saved payment method was set."""

OUTCOMES: Final[dict[str, tuple[str, ...]]] = {
    PAYMENT_METHOD: (message("Payments are answered so from now on."),),
    "account_opened": (message("The account is open."),),
    "free_plan_started": (message("{product} is active; it is free."),),
    "plan_changed": (message("Your plan is now {product}; nothing was charged."),),
    "downgrade_scheduled": (message("{product} becomes {to_product} on {on}."),),
    "plan_cancelled": (
        message("{product} ends on {on}; until then it can be used, and the cancellation undone."),
        message("{product} ends on {on}; until then the cancellation can be undone."),
    ),
    "plan_ended": (message("{product} has ended."),),
    "plan_paused": (
        message("{product} is paused. Still billed until removed one by one: {still_billed}."),
        message("{product} is paused."),
    ),
    "plan_resumed": (message("{product} is active again. It renews on {renews_on}."),),
    "addon_removed": (
        message("{product} is removed; it can be used until {access_until}."),
        message("{product} is removed; it could be used until {used_until}."),
    ),
    "items_lapsed": (message("{product} has ended; it could be used until {used_until}."),),
    "addon_removal_withdrawn": GOES_ON,
    "plan_cancellation_withdrawn": GOES_ON,
    "downgrade_withdrawn": GOES_ON,
    "blocks_changed": (message("Blocks a cycle from {on}: {blocks}."),),
    "blocks_topped_up": (message("The e-mails were added; they can be used until {access_until}."),),
    "credits_purchased": (message("{credits} credits were added; they expire on {expires_on}."),),
    "invoice_paid": (message("Invoices {invoices} are paid."), message("Invoice {invoice} is paid.")),
    "account_closed": (
        message("The account is closed. {credit} of account credit are left to be paid out."),
        message("The account is closed; nothing is refunded."),
    ),
    "price_overridden": (message("{product} has another price from now on."),),
    "catalog_changed": (message("Another version of the catalogue is in force from now on."),),
    **BOOKING_OUTCOMES,
}
"""By the type of the event by which the command did what it was given for."""

UPGRADED: Final = (
    message(
        "Mission accomplished! Your plan has been upgraded. {product} is active. It renews on {renews_on}."
    ),
    message(
        "Mission accomplished! Your plan has been upgraded. {product} is active. "
        "It can be used until {access_until}."
    ),
)
"""The page's confirmation (R19), where a plan or an add-on was bought or upgraded; the second where it is
not to renew, since the plan that it needs ends."""

TAILS: Final = {
    "resume_on": message("It resumes on {resume_on}."),
    "ending": message("With it ends: {ending}."),
    "stay_paused": message("Paused until resumed by hand: {stay_paused}."),
    **BOOKING_TAILS,
}
"""What is said after the sentence, of each fact that the answer has (R28, R36, R62, R63, R87)."""

UPGRADES: Final = frozenset(["plan_purchased", "addon_purchased", "plan_changed"])

UNCHANGED: Final = (
    message("Nothing was changed: {product} becomes {to_product} on {on} already."),
    message("Nothing was changed: blocks a cycle from {on} are {blocks} already."),
    message("Nothing was changed: {product} ends on {on} already."),
    message("Nothing was changed: {product} is removed already; it can be used until {access_until}."),
    message("Nothing was changed: {product} is removed already; it could be used until {used_until}."),
    *BOOKING_UNCHANGED,
)
"""What was so already."""

MISSING: Final = {"cvv": message("the card's security code"), "billing": message("the billing details")}

KINDS: Final = {
    "product": message("product"),
    "product with tiers": message("product with tiers"),
    "plan": message("plan"),
    "monthly plan": message("monthly plan"),
    "tier": message("tier"),
    "plan family": message("plan family"),
    "add-on": message("add-on"),
    "plan or add-on": message("plan or add-on"),
    "credit pack": message("credit pack"),
}

_DATES = frozenset(["on", "renews_on", "expires_on", "allowed_from", "resume_on", "today", "last_day"])
_LISTS = frozenset(["ending", "still_billed", "stay_paused"])
_USABLE = frozenset(["active", "ending"])
_AMOUNTS = frozenset(["amount", "total", "expected_total"]) | BOOKING_AMOUNTS


def answer_said(answer: Said, say: Wording, currency: str | None = None) -> str:
    """The answer's sentence. `currency`: of the account, for amounts that the facts give without one."""
    values = _values(answer, say, currency)
    said = [next(one for one in sentences(answer) if facts_of(one) <= values.keys())]
    if answer.code is None:
        said += [tail for fact, tail in TAILS.items() if fact in values]
    return " ".join([say.say(sentence, **values) for sentence in said])


def sentences(answer: Said) -> Sequence[str]:
    """The sentences for the answer's code or outcome, the one with the most facts first."""
    if answer.code is not None:
        return REFUSALS[answer.code]
    if answer.outcome == "unchanged":
        return UNCHANGED
    if answer.outcome == "action_required":
        return ACTION_REQUIRED
    done = what_was_done(answer.events) or PAYMENT_METHOD
    if done == "plan_cancelled" and answer.facts.get("status") not in _USABLE:
        return OUTCOMES[done][1:]
    return UPGRADED if done in UPGRADES and "invoice" in answer.facts else OUTCOMES[done]


@cache
def facts_of(sentence: str) -> frozenset[str]:
    """The facts that the sentence speaks of."""
    return frozenset([name for _, name, _, _ in Formatter().parse(sentence) if name])


def _values(answer: Said, say: Wording, currency: str | None) -> dict[str, Any]:
    """The facts as they are written in the language; without those that say that there is nothing."""
    facts = answer.facts
    currency = facts.get("currency", currency)
    values: dict[str, Any] = {}
    for name, value in facts.items():
        if value is None or (name in _LISTS and not value):
            continue
        if name in _DATES:
            values[name] = say.day(date.fromisoformat(value))
        elif name in _AMOUNTS:
            known = "given_amount" if name == "amount" and answer.code == "invalid_amount" else name
            values[known] = amount_written(value, currency, say)
        elif name == "access_until":
            usable = facts.get("status") in _USABLE
            values["access_until" if usable else "used_until"] = say.local(value)
        else:
            values[name] = _word(name, value, facts, currency, say)
    return values


def _word(name: str, value: Any, facts: Mapping[str, Any], currency: str | None, say: Wording) -> Any:
    match name:
        case "until":
            return say.local(value)
        case "still_billed":
            return say.listed([_charge(item, currency, say) for item in value])
        case "ending":
            return say.listed([_ending(item, say) for item in value])
        case "stay_paused":
            return say.products(value)
        case "product":
            return say.product(value)
        case "to_product":
            return tiered(value, facts.get("to_tier"), say)
        case "requires":
            return say.listed(map(say.product, value), either=True)
        case "missing":
            return say.listed([say.say(MISSING[what]) for what in value])
        case "kind":
            return say.say(KINDS[value])
        case "credits":
            return say.number(value)
        case "decline_reason":
            return say.say(DECLINE_REASONS[value])
        case _:
            return booking_word(name, value, currency, say)


def _charge(item: Mapping[str, str], currency: str | None, say: Wording) -> str:
    amount, day = Decimal(item["amount"]), date.fromisoformat(item["on"])
    return charge_said(item["product"], amount, day, currency, say)


def _ending(item: Mapping[str, str], say: Wording) -> str:
    product, day = say.product(item["product"]), say.day(date.fromisoformat(item["on"]))
    return say.say("{product} ({date})", product=product, date=day)
