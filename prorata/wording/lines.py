"""How an invoice line explains itself: its calculation, and the rule that asked for it; each tax of an
invoice, and what a credit note takes back of a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from domain.arithmetic import TaxGroup
from domain.credit_note_story import ExplainedCredit
from domain.events import CreditedLine, Line, LineTax
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
    "R67": message("a line of an invoice that was issued anew"),
}

NO_TAX: Final[dict[str, str]] = {
    "reverse_charge": message("reverse charge"),
    "exempt": message("exempt"),
    "outside_scope": message("outside the scope of tax"),
}
"""Why no tax is asked (R74)."""


def calculation_said(line: Line, currency: str, say: Wording) -> str:
    """The calculation before tax, spelled out: 10.00 × 15/31 days = 4.84 (R6, R47), and what discounts take
    off it (R80; of a credit line what its days no longer bear, R65)."""
    amount = _amount_said(line, currency, say)
    if not line.discount:
        return amount
    net = say.amount(line.net, currency)
    if line.kind == "credit_line":
        return say.say(
            "{amount}; less {part} that its days no longer bear = {net}",
            amount=amount,
            part=say.amount(line.discount, currency),
            net=net,
        )
    taken = [
        say.say(
            "{amount} (discount {discount})", amount=say.amount(one.amount, currency), discount=one.discount
        )
        for one in line.discounts or ()
    ]
    return say.say("{amount}; less {taken} = {net}", amount=amount, taken=say.listed(taken), net=net)


def _amount_said(line: Line, currency: str, say: Wording) -> str:
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


def span(line: Line | CreditedLine, say: Wording) -> str:
    """The line's charged days; the end is not one of them."""
    return say.say("{start} to {end}", start=say.day(line.from_date), end=say.day(line.to_date))


def titled(line: Line | CreditedLine, say: Wording) -> str:
    """The line's title: the product, its tier, and whether the line is a credit."""
    product = say.product(line.product)
    named = product if line.tier is None or line.tier == "-" else f"{product} ({line.tier})"
    return say.say("{product}, credit", product=named) if line.kind == "credit_line" else named


def line_said(line: Line, currency: str, rule: str, say: Wording) -> str:
    """The whole line as a sentence, with its shares of the taxes (R72) and its rule."""
    shares = shares_said(line.taxes or (), currency, say)
    return say.say(
        "{product}, {span}: {calculation}. {rule}.",
        product=titled(line, say),
        span=span(line, say),
        calculation="; ".join([calculation_said(line, currency, say), *shares]),
        rule=rule_said(rule, say),
    )


def shares_said(taxes: Sequence[LineTax], currency: str, say: Wording) -> list[str]:
    """A line's shares of its taxes (R72), or what is taken back of them (R76)."""
    return [
        say.say("tax {amount} ({tax})", amount=say.amount(tax.amount, currency), tax=_tax_named(tax, say))
        for tax in taxes
    ]


def tax_said(tax: TaxGroup, currency: str, say: Wording) -> str:
    """A tax of an invoice with its calculation, rounded once (R72)."""
    if tax.reason is not None:
        return say.say("No tax asked ({tax})", tax=_tax_named(tax, say))
    return say.say("Tax {tax} of {net}", tax=_tax_named(tax, say), net=say.amount(tax.net, currency))


def _tax_named(tax: LineTax | TaxGroup, say: Wording) -> str:
    """`FR 20%`, `DE reverse charge`."""
    if tax.reason is not None:
        return f"{tax.jurisdiction} {say.say(NO_TAX[tax.reason])}"
    return f"{tax.jurisdiction} {say.say('{percent}%', percent=say.rate(tax.rate))}"


def credited_said(credit: ExplainedCredit, currency: str, say: Wording) -> str:
    """What a credit note takes back of a line: which days, and the calculation (R61, R76)."""
    line = credit.line
    shares = shares_said(line.taxes, currency, say)
    return say.say(
        "{product}, {span}: {calculation}.",
        product=titled(line, say),
        span=span(line, say),
        calculation="; ".join([_taken_back_said(credit, currency, say), *shares]),
    )


def _taken_back_said(credit: ExplainedCredit, currency: str, say: Wording) -> str:
    amount, net = say.amount(credit.line.amount, currency), say.amount(credit.of.net, currency)
    match credit.how:
        case "whole":
            return say.say("the whole line, {amount}", amount=amount)
        case "left":
            return say.say("what was left of {net}: {amount}", net=net, amount=amount)
        case "days":
            return say.say(
                "{net} × {days}/{of_days} days = {amount}",
                net=net,
                days=credit.days,
                of_days=credit.of.days,
                amount=amount,
            )
        case "amount":
            return say.say("{amount} of {net}", amount=amount, net=net)
        case _:
            assert_never(credit.how)


def rule_said(rule: str, say: Wording) -> str:
    """The rule's number with its meaning: what `domain.explain.rule_of_line` names."""
    sentence = RULES.get(rule)
    number = rule.partition(" ")[0]
    if sentence is None:
        return number
    return say.say("{rule}: {meaning}", rule=number, meaning=say.say(sentence))
