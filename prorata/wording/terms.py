"""The terms of a discount in words (R79)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from prorata.wording.language import Wording, amount_written


def terms_said(terms: Mapping[str, Any], currency: str | None, say: Wording) -> str:
    """`15% for 3 months on Standard, until 30 Jun 2026`: of `domain.booking_facts.terms_of`."""
    said = [f"{_worth(terms, currency, say)} {_duration(terms, say)}"]
    if "products" in terms:
        said.append(say.say("on {products}", products=say.products(terms["products"])))
    if "last_day" in terms:
        said.append(say.say("to {day} inclusive", day=say.day(date.fromisoformat(terms["last_day"]))))
    if "nonprofit" in terms:
        said.append(say.say("as a nonprofit"))
    if "code" in terms:
        said.append(say.say("by the code {code}", code=terms["code"]))
    return ", ".join(said)


def _worth(terms: Mapping[str, Any], currency: str | None, say: Wording) -> str:
    if "percent" in terms:
        return say.say("{percent}%", percent=say.rate(Decimal(terms["percent"])))
    return amount_written(terms["fixed"], currency, say)


def _duration(terms: Mapping[str, Any], say: Wording) -> str:
    if "carried" in terms:
        return say.say("carried until used up")
    if "months" in terms:
        return say.count("for {number} month", "for {number} months", terms["months"])
    return say.say("once") if "once" in terms else say.say("for ever")
