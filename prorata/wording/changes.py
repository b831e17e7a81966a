"""What differs between two looks at an account, in sentences: one for what came or went, else one a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

import msgspec

from domain.booking_facts import terms_of
from domain.calendar import Cycle
from domain.catalog import BlockPrice
from domain.discounts import name_of
from domain.events import TaxProfileSet
from domain.state import (
    Brought,
    Discount,
    InvoiceRecord,
    OwnVersion,
    Pack,
    PendingDowngrade,
    PendingPayment,
    PendingRefund,
    Window,
)
from projections.history.changes import FieldChange
from projections.history.past import Past
from prorata.wording.events import PURPOSES, tiered
from prorata.wording.labels import ACCOUNT_STATUSES, INVOICES, STATUSES
from prorata.wording.language import Wording, message
from prorata.wording.second_part import CREDIT_REASONS, profile_said
from prorata.wording.terms import terms_said

FIELDS: Final = {
    "access_until": message("can be used until"),
    "allowance": message("e-mails"),
    "anchor": message("renewal dates are counted from"),
    "block_prices": message("price of blocks"),
    "brought": message("paid elsewhere for the present cycle"),
    "blocks": message("blocks a cycle"),
    "cancelled": message("cancelled"),
    "charged_back": message("charged back"),
    "credit": message("account credit"),
    "cycle": message("cycle"),
    "declines": message("declined payments"),
    "discounts": message("discounts"),
    "disputed": message("disputed"),
    "disputed_since": message("disputed since"),
    "downgrade": message("becomes at the end of its cycle"),
    "due": message("still to be paid"),
    "e_mails_per_block": message("e-mails a block"),
    "free_used": message("the move down to Free is used up"),
    "lines": message("invoice lines of the present price"),
    "method_refused": message("the payment method was declined for good"),
    "next_blocks": message("blocks from the next renewal"),
    "next_renewal": message("next renewal"),
    "open_invoice": message("open invoice"),
    "own_versions": message("later versions of its own catalogue began (test clock)"),
    "packs": message("credits"),
    "paused_at": message("paused since"),
    "pauses": message("pauses that count for the limit began"),
    "payment": message("payment without an answer"),
    "price": message("price"),
    "price_override": message("price by agreement (test clock)"),
    "refunds": message("refunds without an answer"),
    "removed": message("removed"),
    "renews": message("renews"),
    "requires": message("needs a plan"),
    "resume_at": message("resumes at"),
    "resume_on": message("resumes on"),
    "resume_set_aside": message("would resume on, were it not cancelled"),
    "support": message("support"),
    "tax_profile": message("taxed as"),
    "tier": message("tier"),
    "topped_up": message("e-mails topped up"),
    "unpaid_since": message("unpaid since"),
    "usable": message("can be used"),
    "windows": message("access windows"),
}
"""How each field is called."""

_IMPLIED: Final[Mapping[str, frozenset[str]]] = {
    "allowance": frozenset({"packs"}),
    "brought": frozenset({"price", "cycle", "tier"}),
    "cancelled": frozenset({"status"}),
    "cycle": frozenset({"access_until"}),
    "disputed_since": frozenset({"status"}),
    "lines": frozenset({"price", "cycle", "tier"}),
    "paused_at": frozenset({"status"}),
    "removed": frozenset({"status"}),
    "renews": frozenset({"status", "cancelled", "removed"}),
    "resume_at": frozenset({"resume_on"}),
    "topped_up": frozenset({"allowance"}),
    "unpaid_since": frozenset({"status"}),
    "usable": frozenset({"status"}),
    "windows": frozenset({"status", "access_until"}),
}
"""Fields that are not said where one of these has changed too: it says the same."""


class ChangeSaid(msgspec.Struct, frozen=True):
    """A sentence, and the versions of the events that it rests on; none: time alone."""

    sentence: str
    because: tuple[int, ...]


def changes_said(found: Sequence[FieldChange], before: Past, after: Past, say: Wording) -> list[ChangeSaid]:
    """The changes in their order, each thing by itself."""
    looks = _Looks(before, after, say)
    told: list[ChangeSaid] = []
    for (subject, of), group in groupby(found, key=lambda change: (change.subject, change.of)):
        changed = {change.field: change for change in group}
        if subject == "invoice":
            told += _invoice(of, changed, looks)
        elif subject == "credit_note":
            told.append(_credit_note(of, changed, looks))
        elif subject == "product" and (whole := _came_or_went(of, changed, looks)) is not None:
            told.append(whole)
        else:
            told += _one_by_one(of, changed, looks)
    return told


class _Looks:
    """The two looks, and how values of the account are written."""

    def __init__(self, before: Past, after: Past, say: Wording) -> None:
        self.say = say
        self.before, self.after = before, after
        self.currency, self.zone = after.state.currency, after.state.time_zone

    def amount(self, amount: Decimal) -> str:
        return self.say.amount(amount, self.currency)

    def written(self, value: Any) -> str:  # noqa: C901 - one case a type
        say = self.say
        match value:
            case None | ():
                return say.say("none")
            case bool():
                return say.say("yes") if value else say.say("no")
            case int():
                return say.number(value)
            case Decimal():
                return self.amount(value)
            case datetime():
                return say.moment(value, self.zone)
            case date():
                return say.day(value)
            case Cycle():
                return say.say("{start} to {end}", start=say.day(value.start), end=say.day(value.end))
            case Window(start, until):
                end = "…" if until is None else say.moment(until, self.zone)
                return say.say("{start} to {end}", start=say.moment(start, self.zone), end=end)
            case Pack():
                return say.say(
                    "{number} until {date}", number=say.number(value.credits), date=say.day(value.expires_on)
                )
            case PendingDowngrade(product, tier):
                return tiered(product, tier, say)
            case InvoiceRecord():
                return say.say(
                    "{amount} (invoice {number})", number=value.number, amount=self.amount(value.due)
                )
            case PendingPayment():
                purpose = say.say(PURPOSES[value.purpose])
                return say.say("{amount} for {purpose}", amount=self.amount(value.amount), purpose=purpose)
            case OwnVersion():
                return say.moment(value.effective_from, self.zone)
            case PendingRefund():
                return say.say(
                    "{amount} (invoice {number})", number=value.invoice, amount=self.amount(value.amount)
                )
            case Discount():
                return self.discount(value)
            case TaxProfileSet():
                return profile_said(value, say)
            case Brought():
                return self.amount(value.paid)
            case BlockPrice():
                return self.amount(value.price)
            case tuple():
                return say.listed([self.written(part) for part in value])
            case _:
                return str(value)

    def discount(self, held: Discount) -> str:
        """`D1: 15% once`, with what is left of a carried one."""
        say = self.say
        facts = [terms_said(terms_of(held.terms), self.currency, say)]
        if held.left is not None:
            facts.append(say.say("{amount} left", amount=self.amount(held.left)))
        if held.used or held.withdrawn:
            facts.append(say.say("over"))
        return say.say("{discount}: {terms}", discount=name_of(held.terms), terms=", ".join(facts))


def _invoice(number: str, changed: Mapping[str, FieldChange], looks: _Looks) -> list[ChangeSaid]:
    say, status = looks.say, changed.get("status")
    if status is not None and status.after is None:
        return [ChangeSaid(say.say("Invoice {number} was not issued yet.", number=number), status.because)]
    [invoice] = [one for one in looks.after.invoices if str(one.number) == number]
    amount, day = looks.amount(invoice.total), say.day(invoice.date)
    told = []
    if status is not None:
        now = say.say(INVOICES[status.after])
        if status.before is None:
            sentence = say.say(
                "Invoice {number} of {date} was issued: {amount}, {status}.",
                number=number,
                date=day,
                amount=amount,
                status=now,
            )
            return [ChangeSaid(sentence, status.because)]
        sentence = say.say(
            "Invoice {number} of {date}, {amount}, is {status}; before, it was {before}.",
            number=number,
            date=day,
            amount=amount,
            status=now,
            before=say.say(INVOICES[status.before]),
        )
        told.append(ChangeSaid(sentence, status.because))
    return told + [
        ChangeSaid(_of_invoice(number, change, looks), change.because)
        for name, change in changed.items()
        if name not in ("status", "total", "date") and (name != "due" or status is None)
    ]


def _of_invoice(number: str, change: FieldChange, looks: _Looks) -> str:
    return looks.say.say(
        "Invoice {number}, {field}: {value} (before: {before}).",
        number=number,
        field=looks.say.say(FIELDS[change.field]),
        value=looks.written(change.after),
        before=looks.written(change.before),
    )


def _credit_note(number: str, changed: Mapping[str, FieldChange], looks: _Looks) -> ChangeSaid:
    say, because = looks.say, _because(changed)
    total = changed.get("total")
    if total is not None and total.after is None:
        return ChangeSaid(say.say("Credit note C{number} was not issued yet.", number=number), because)
    [note] = [one for one in looks.after.credit_notes if str(one.number) == number]
    if total is not None:
        sentence = say.say(
            "Credit note C{note} takes back {total} of invoice {number} ({reason}).",
            note=number,
            total=looks.amount(note.total),
            number=note.invoice,
            reason=say.say(CREDIT_REASONS[note.reason]),
        )
        return ChangeSaid(sentence, because)
    return ChangeSaid(
        say.say(
            "Credit note C{number}: {refunded} to the payment method, {credit} to account credit.",
            number=number,
            refunded=looks.amount(note.refunded),
            credit=looks.amount(note.to_account),
        ),
        because,
    )


def _came_or_went(product: str, changed: Mapping[str, FieldChange], looks: _Looks) -> ChangeSaid | None:
    """A product that is held now and was not, or the reverse: one sentence for all of its fields."""
    status = changed.get("status")
    if status is None or {status.before, status.after}.isdisjoint({None, "ended"}):
        return None
    say, name = looks.say, looks.say.product(product)
    because = _because(changed)
    if status.after is None:
        return ChangeSaid(say.say("{product} was not held yet.", product=name), because)
    [now] = [e for e in looks.after.entitlements.entitlements if e.product == product]
    until = looks.written(now.access_until)
    if status.after == "ended":
        ended = say.say("{product} has ended: it could be used until {until}.", product=name, until=until)
        return ChangeSaid(ended, because)
    facts = [say.say(STATUSES[status.after])]
    item = next((item for item in looks.after.state.items if item.product == product), None)
    if item is not None and item.price is not None:
        facts.append(say.say("{price} a cycle", price=looks.amount(item.price)))
    if now.allowance is not None:
        facts.append(say.say("{number} e-mails", number=say.number(now.allowance)))
    if now.access_until is not None:
        facts.append(say.say("can be used until {until}", until=until))
    tier = getattr(item, "tier", None)
    again = status.before == "ended"
    sentence = (
        say.say(
            "{product} is held again: {facts}.", product=tiered(product, tier, say), facts=", ".join(facts)
        )
        if again
        else say.say("{product} is new: {facts}.", product=tiered(product, tier, say), facts=", ".join(facts))
    )
    return ChangeSaid(sentence, because)


def _one_by_one(of: str, changed: Mapping[str, FieldChange], looks: _Looks) -> list[ChangeSaid]:
    told = []
    for field, change in changed.items():
        if _IMPLIED.get(field, frozenset()).isdisjoint(changed):
            told.append(ChangeSaid(_field_said(of, change, looks), change.because))
    return told


def _field_said(of: str, change: FieldChange, looks: _Looks) -> str:
    say, written = looks.say, looks.written
    if change.field == "status":
        words = STATUSES if change.subject == "product" else ACCOUNT_STATUSES
        now, was = say.say(words[change.after]), say.say(words[change.before])
        if change.subject == "product":
            return say.say(
                "{product} is {status}; before, it was {before}.",
                product=say.product(of),
                status=now,
                before=was,
            )
        return say.say("The account is {status}; before, it was {before}.", status=now, before=was)
    label, now, was = say.say(FIELDS[change.field]), written(change.after), written(change.before)
    if change.subject == "account":
        return say.say("Account, {field}: {value} (before: {before}).", field=label, value=now, before=was)
    return say.say(
        "{product}, {field}: {value} (before: {before}).",
        product=say.product(of),
        field=label,
        value=now,
        before=was,
    )


def _because(changed: Mapping[str, FieldChange]) -> tuple[int, ...]:
    return tuple(sorted({version for change in changed.values() for version in change.because}))
