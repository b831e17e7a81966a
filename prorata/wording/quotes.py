"""What something would cost today, in words: its arithmetic, its taxes, what account credit pays (R49,
R78)."""

from __future__ import annotations

from datetime import date

from domain.shop import Today
from prorata.wording.language import Wording
from prorata.wording.lines import calculation_said, tax_said


def why_said(today: Today, currency: str, say: Wording) -> list[str]:
    """Why it costs that: the calculation of each line."""
    if today.begins_on is not None:
        return [say.say("from {date}, in place of the present plan", date=say.day(today.begins_on))]
    if today.outcome == "reinstated":
        return [say.say("goes on as before; paid already")]
    if not today.lines:
        return [say.say("nothing is charged")]
    return [calculation_said(line, currency, say) for line in today.lines]


def beside_said(today: Today, currency: str, say: Wording) -> list[str]:
    """Beside the amount before tax: the taxes, the total, what account credit leaves to be charged (R78), and
    until when it is free (R87)."""
    assert today.charged is not None
    assert today.total is not None
    told = []
    if today.taxes:
        told += [
            say.say("{tax}: {amount}", tax=tax_said(tax, currency, say), amount=say.amount(tax.tax, currency))
            for tax in today.taxes
        ]
        told.append(say.say("total {amount}", amount=say.amount(today.total, currency)))
    if today.charged != today.total:
        told.append(
            say.say(
                "account credit pays {credit}, {charge} are charged",
                credit=say.amount(today.total - today.charged, currency),
                charge=say.amount(today.charged, currency),
            )
        )
    until = today.facts.get("free_until")
    if isinstance(until, str):
        told.append(say.say("free until {date}", date=say.day(date.fromisoformat(until))))
    return told
