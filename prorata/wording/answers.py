"""What a caller is told, in their language: made of an answer's code, facts and events alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

from domain.calendar import CivilDate
from prorata.wording.language import Wording, message


class Said(Protocol):
    """The parts of an answer that its sentence is made of: `domain.answers.Answer`, or a line's answer."""

    @property
    def outcome(self) -> str: ...
    @property
    def code(self) -> str | None: ...
    @property
    def message(self) -> str: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def charged(self) -> Decimal | str | None: ...
    @property
    def renews_on(self) -> CivilDate | None: ...
    @property
    def events(self) -> Sequence[str]: ...


REFUSALS: Final[dict[str, str]] = {
    "unknown_account": message("There is no such account."),
    "account_exists": message("An account with this id was opened before; ids are never used again."),
    "command_id_reused": message("The command id {id} was used for another command: choose a new one."),
    "wrong_clock": message("The account lives on another clock ({clock})."),
    "forbidden": message("The role {role} may not do this: owner and admin may."),
    "account_closed": message("The account is closed."),
    "payment_in_progress": message(
        "The answer to a payment of this account is not known yet: send the command again later."
    ),
    "unknown_product": message("The catalogue has no {asked}."),
    "no_catalogue": message("Nothing is sold: no catalogue is in force."),
    "no_price": message("{product} has no price in {currency}."),
    "own_process": message("{product} is sold by a process of its own."),
    "already_active": message("{product} is active already."),
    "not_held": message("The account does not hold it."),
    "plan_paused": message("{product} is paused: resume it first."),
    "not_paused": message("{product} is not paused."),
    "already_paused": message("{product} is already paused."),
    "not_pausable": message("A plan of this family cannot be paused."),
    "cancellation_pending": message("{product} ends on {on}: undo that first."),
    "change_pending": message("{product} changes on {on}: undo that first."),
    "pause_limit": message(
        "{product} was paused twice in twelve months: it can be paused again from {allowed_from}."
    ),
    "invalid_date": message("A pause can end on a date after today; {resume_on} is not one."),
    "free_already_used": message("The move down to a Free plan is allowed once in an account's life."),
    "monthly_plan_active": message("{product} is active: credits are for accounts without it."),
    "nothing_to_undo": message("Nothing is pending for {product}."),
    "nothing_due": message("No invoice is open."),
    "balance_due": message("Invoice {invoice} of {amount} is unpaid: pay the balance first."),
    "prerequisite_missing": message("{product} needs an active plan: {requires}."),
    "past_due": message("Invoice {invoice} of {amount} is unpaid: pay the balance first."),
    "payment_locked": message(
        "Several payments were declined within 24 hours: the next attempt is possible at {until}."
    ),
    "confirmation_required": message("{total} would be charged now: confirm {missing}."),
    "quote_changed": message("It would cost {total} now, not {expected_total}."),
    "payment_declined": message(
        "The payment of {amount} was declined; nothing was changed. Try another card."
    ),
    "payment_cancelled": message("The payment was never made; nothing was changed. Send the command again."),
}
"""By the code of a refusal, with its facts."""

OUTCOMES: Final[dict[str, str]] = {
    "account_opened": message("The account is open."),
    "free_plan_started": message("{product} is active; it is free."),
    "downgrade_scheduled": message("{product} changes on {on}."),
    "plan_cancelled": message(
        "{product} ends on {on}; until then it can be used, and the cancellation undone."
    ),
    "plan_ended": message("{product} has ended."),
    "plan_resumed": message("{product} is active again. It renews on {renews_on}."),
    "addon_removed": message("{product} is removed; it can be used until {access_until}."),
    "addon_removal_withdrawn": message("{product} goes on as before; nothing was charged."),
    "plan_cancellation_withdrawn": message("{product} goes on as before; nothing was charged."),
    "downgrade_withdrawn": message("{product} goes on as before; nothing was charged."),
    "blocks_changed": message("Blocks a cycle from {on}: {blocks}."),
    "blocks_topped_up": message("The e-mails were added until the cycle's end."),
    "credits_purchased": message("{credits} credits were added; they expire on {expires_on}."),
    "invoice_paid": message("Invoice {invoice} is paid."),
    "account_closed": message("The account is closed; nothing is refunded."),
    "price_overridden": message("{product} has another price from now on."),
}
"""By the type of the last event, with the answer's facts."""

UPGRADES: Final = frozenset(["plan_purchased", "addon_purchased", "plan_changed"])

MISSING: Final = {"cvv": message("the card's security code"), "billing": message("the billing details")}

_DATES = frozenset(["on", "renews_on", "access_until", "expires_on", "allowed_from", "resume_on", "today"])
_AMOUNTS = frozenset(["amount", "total", "expected_total"])


def said(answer: Said, say: Wording, currency: str | None = None) -> str:
    """The answer's sentence; where it says less than the English one of the domain needs, that one.

    `currency`: of the account, for amounts that the facts give without one.
    """
    values = _values(answer, say, currency)
    try:
        if answer.code is not None:
            sentence = REFUSALS.get(answer.code)
            return answer.message if sentence is None else say.say(sentence, **values)
        if answer.outcome == "unchanged":
            return say.say("It is so already: nothing was changed, nothing charged.")
        return _done(answer, values, say, currency)
    except KeyError:  # a fact that this sentence speaks of is not among the answer's
        return answer.message


def _done(answer: Said, values: dict[str, Any], say: Wording, currency: str | None) -> str:
    last = answer.events[-1] if answer.events else ""
    if last in UPGRADES:
        return _upgraded(answer, values, say)
    if last == "plan_paused":
        return _paused(answer, values, say, currency)
    sentence = OUTCOMES.get(last)
    return answer.message if sentence is None else say.say(sentence, **values)


def _upgraded(answer: Said, values: dict[str, Any], say: Wording) -> str:
    """The page's confirmation (R19); a change at the same price charges nothing."""
    if "invoice" not in answer.facts:
        return say.say("Your plan is now {product}; nothing was charged.", **values)
    confirmed = [
        say.say("Mission accomplished! Your plan has been upgraded."),
        say.say("{product} is active.", **values),
    ]
    if answer.renews_on is not None:
        confirmed.append(say.say("It renews on {renews_on}.", **values))
    return " ".join(confirmed)


def _paused(answer: Said, values: dict[str, Any], say: Wording, currency: str | None) -> str:
    """With everything that is still billed (R32)."""
    paused = say.say("{product} is paused.", **values)
    still = [
        say.say(
            "{product} ({amount} on {date})",
            product=say.product(item["product"]),
            amount=_amount(item["amount"], currency, say),
            date=say.day(date.fromisoformat(item["date"])),
        )
        for item in answer.facts.get("still_billed", ())
    ]
    if not still:
        return paused
    return f"{paused} " + say.say(
        "Still billed until removed one by one: {products}.", products=say.listed(still)
    )


def _values(answer: Said, say: Wording, currency: str | None) -> dict[str, Any]:
    facts = answer.facts
    currency = facts.get("currency", currency)
    values: dict[str, Any] = {} if answer.renews_on is None else {"renews_on": say.day(answer.renews_on)}
    for name, value in facts.items():
        if name == "product":
            values[name] = say.product(value)
        elif name in _DATES:
            values[name] = say.day(date.fromisoformat(value))
        elif name in _AMOUNTS:
            values[name] = _amount(value, currency, say)
        elif name == "requires":
            values[name] = say.listed(map(say.product, value), either=True)
        elif name == "missing":
            values[name] = say.listed([say.say(MISSING[what]) for what in value])
        elif name == "credits":
            values[name] = say.number(value)
        else:
            values[name] = value
    return values


def _amount(text: str, currency: str | None, say: Wording) -> str:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return text
    return say.price(amount) if currency is None else say.amount(amount, currency)
