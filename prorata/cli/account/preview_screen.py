"""A preview, for people and for programs (R48)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec
from rich.console import Console

from domain.arithmetic import arithmetic, tax_groups
from domain.calendar import local_text
from domain.catalog import Catalogues
from domain.forecast import Forecast
from domain.money import zero
from domain.state import Account
from domain.views import Entitlement
from prorata.cli.account.present import names_of
from prorata.cli.terminal.tables import RIGHT, heading, print_invoice, print_lines, table
from prorata.wording import Wording
from prorata.wording.labels import OUTCOMES, STATUSES
from service.commands import AnswerLine


class After(msgspec.Struct, frozen=True):
    """What lies before the account after the command: `ends`: what ends with it; `asked`: the add-ons among
    that, about which it is asked first (R28)."""

    state: Account
    catalogues: Catalogues
    forecast: Forecast
    ends: tuple[Entitlement, ...]
    asked: tuple[str, ...]


class Previewed(msgspec.Struct, frozen=True):
    """A command's answer, and the account as it would be then. `once_confirmed`: the answer with the
    confirmation that it lacks; what follows is of that one. None in `after`: there is no account."""

    answer: AnswerLine
    once_confirmed: AnswerLine | None
    at: str | None
    after: After | None


def wording_of(previewed: Previewed, language: Literal["en", "fr"]) -> Wording:
    after = previewed.after
    return Wording(
        language, {} if after is None else names_of(after.catalogues.ever_sold(after.state.last_at))
    )


def preview_json(previewed: Previewed) -> dict[str, Any]:
    """For programs: the answer as `prorata command` would give it, and the rest beside it."""
    shown = previewed.once_confirmed or previewed.answer
    found: dict[str, Any] = {
        "answer": previewed.answer,
        "once_confirmed": previewed.once_confirmed,
        "at": previewed.at,
        "arithmetic": [arithmetic(line) for line in shown.lines],
        "taxes": tax_groups(shown.lines),
        "total": str(sum([line.net + line.tax for line in shown.lines], Decimal(0))) if shown.lines else None,
        "still_billed": [],
        "ends": [],
        "asks": [],
        "next_invoice": None,
        "forecast": [],
    }
    after = previewed.after
    if after is None:
        return found
    zone = after.state.time_zone
    ends = [
        {
            "product": e.product,
            "status": e.status,
            "access_until": None if e.access_until is None else local_text(e.access_until, zone),
        }
        for e in after.ends
    ]
    return found | {
        "currency": after.state.currency,
        "time_zone": zone,
        "still_billed": after.forecast.next_charges,
        "ends": ends,
        "asks": after.asked,
        "next_invoice": after.forecast.next_invoice,
        "forecast": after.forecast.invoices,
    }


def print_preview(out: Console, previewed: Previewed, account: str, language: Literal["en", "fr"]) -> None:
    """For people."""
    say = wording_of(previewed, language)
    title = say.say("Preview for {account}, {when}", account=account, when=previewed.at or "–")
    out.print(title, style="bold")
    _print_answer(out, previewed.answer, say)
    shown = previewed.answer
    if previewed.once_confirmed is not None:
        shown = previewed.once_confirmed
        out.print(say.say("Once it is confirmed:"))
        _print_answer(out, shown, say)
    after = previewed.after
    if after is None:
        return
    currency = after.state.currency
    if shown.lines:
        heading(out, say.say("What it charges now"))
        print_lines(out, shown.lines, currency, _charged(shown), say)
    _print_ends(out, after, say)
    _print_still_billed(out, after, say)
    print_invoice(out, after.forecast.next_invoice, say)
    _print_forecast(out, after, say)


def _charged(answer: AnswerLine) -> Decimal | None:
    return None if answer.charged is None else Decimal(answer.charged)


def _print_answer(out: Console, answer: AnswerLine, say: Wording) -> None:
    word = answer.code or say.say(OUTCOMES[answer.outcome])
    out.print(f"{word}: {answer.message}")


def _print_ends(out: Console, after: After, say: Wording) -> None:
    if not after.ends:
        return
    heading(out, say.say("What ends with it"))
    made = table(say.say("product"), say.say("status"), say.say("access until"))
    for ends in after.ends:
        until = ends.access_until
        until_said = "–" if until is None else say.moment(until, after.state.time_zone)
        made.add_row(say.product(ends.product), say.say(STATUSES[ends.status]), until_said)
    out.print(made)
    if question := _question(after, say):
        out.print(question)


def _question(after: After, say: Wording) -> str | None:
    """What is asked before a command that takes the plan from add-ons that need it (R28)."""
    if not after.asked:
        return None
    return say.say("{products} will end for want of the plan. Go on?", products=say.products(after.asked))


def _print_still_billed(out: Console, after: After, say: Wording) -> None:
    if not after.forecast.next_charges:
        heading(out, say.say("Nothing goes on being billed"))
        return
    heading(out, say.say("What goes on being billed"))
    made = table(say.say("product"), say.say("date"), RIGHT + say.say("amount"))
    for charge in after.forecast.next_charges:
        amount = say.amount(charge.amount, after.state.currency)
        made.add_row(say.product(charge.product), say.day(charge.date), amount)
    out.print(made)


def _print_forecast(out: Console, after: After, say: Wording) -> None:
    currency, invoices = after.state.currency, after.forecast.invoices
    if not invoices:
        return
    heading(out, say.say("The next twelve months, as things stand"))
    made = table(say.say("date"), say.say("products"), RIGHT + say.say("amount"))
    for invoice in invoices:
        products = say.listed(list(dict.fromkeys(say.product(line.product) for line in invoice.lines)))
        made.add_row(say.day(invoice.date), products, say.amount(invoice.total, currency))
    made.add_section()
    total = sum((invoice.total for invoice in invoices), zero(currency))
    made.add_row(say.say("total"), "", say.amount(total, currency))
    out.print(made)
