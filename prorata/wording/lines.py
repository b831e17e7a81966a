"""How an invoice line explains itself: its calculation, and the rule that asked for it."""

from __future__ import annotations

from typing import Final

from domain.events import Line
from prorata.wording.language import Wording, message

RULES: Final[dict[str, str]] = {
    "R10": message("a plan bought where none was active: the full price, and its day becomes the pay day"),
    "R11": message("a plan beside another family's: by days from the purchase to the account's renewal date"),
    "R12": message("an add-on's first charge: by days from the purchase to the plans' renewal date"),
    "R13": message("an add-on without an active plan: the full price, on a cycle of its own"),
    "R14": message("bought on a renewal date: the full price of the cycle that begins"),
    "R20": message("blocks of e-mails: a quantity, never by days; each price step is a line"),
    "R21": message("credits: bought once"),
    "R23": message("a renewal: the full price of the next cycle"),
    "R23 stub": message("a renewal that joins the plans' renewal date: by days up to it"),
    "R29": message("an upgrade: the new price for the days left, less the old price for the same days"),
    "R29 full difference": message("a larger tier of the same plan: the whole difference in price"),
    "R34": message("a plan resumed after its paid cycle: as a purchase today"),
    "R47": message("an invoice line"),
}


def calculation_said(line: Line, currency: str, say: Wording) -> str:
    """The calculation spelled out: 10.00 × 15/31 days = 4.84 (R6, R47)."""
    amount = say.amount(line.amount, currency)
    price = say.amount(-line.unit_price if line.kind == "credit_line" else line.unit_price, currency)
    if line.quantity is not None:
        return say.count(
            "{price} × {number} block = {amount}",
            "{price} × {number} blocks = {amount}",
            line.quantity,
            price=price,
            amount=amount,
        )
    if line.days is None:
        difference = line.kind == "plan"  # R29; credits are bought once
        return say.say("{amount}, the whole difference in price", amount=amount) if difference else amount
    if line.days == line.of_days:
        return say.say("{price} for all {days} days", price=price, days=line.days)
    return say.say(
        "{price} × {days}/{of_days} days = {amount}",
        price=price,
        days=line.days,
        of_days=line.of_days,
        amount=amount,
    )


def span(line: Line, say: Wording) -> str:
    """The line's charged days; the end is not one of them."""
    return say.say("{start} to {end}", start=say.day(line.from_date), end=say.day(line.to_date))


def titled(line: Line, say: Wording) -> str:
    """The line's title: the product, its tier, and whether the line is a credit."""
    product = say.product(line.product)
    named = product if line.tier is None or line.tier == "-" else f"{product} ({line.tier})"
    return say.say("{product}, credit", product=named) if line.kind == "credit_line" else named


def line_said(line: Line, currency: str, rule: str, say: Wording) -> str:
    """The whole line as a sentence, with its rule."""
    return say.say(
        "{product}, {span}: {calculation}. {rule}.",
        product=titled(line, say),
        span=span(line, say),
        calculation=calculation_said(line, currency, say),
        rule=rule_said(rule, say),
    )


def rule_said(rule: str, say: Wording) -> str:
    """The rule's number with its meaning: what `domain.explain.rule_of_line` names."""
    sentence = RULES.get(rule)
    number = rule.partition(" ")[0]
    if sentence is None:
        return number
    return say.say("{rule}: {meaning}", rule=number, meaning=say.say(sentence))
