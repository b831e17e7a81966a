"""The shop as tables (R49)."""

from __future__ import annotations

from rich.console import Console

from domain.shop import Offer, OwnProcess, Shop, Today
from domain.texts import escaped
from prorata.cli.terminal.tables import RIGHT, heading, table
from prorata.wording import Wording, answer_said
from prorata.wording.labels import STATUSES
from prorata.wording.quotes import beside_said, why_said


def print_shop(out: Console, found: Shop, currency: str, say: Wording, *, account: str, when: str) -> None:
    """The shop's sections, one below the other."""
    out.print(say.say("Shop of {account}, {when}", account=account, when=when), style="bold")
    if not (found.plans or found.add_ons or found.own_processes or found.credits):
        out.print(say.say("Nothing is sold."))
        return
    for shelf in found.plans:
        heading(out, shelf.name)
        _print_offers(out, shelf.plans, currency, say)
    heading(out, say.say("Add-ons"))
    _print_offers(out, found.add_ons, currency, say)
    for process in found.own_processes:
        _print_own_process(out, process, currency, say)
    heading(out, say.say("Credits"))
    _print_offers(out, found.credits, currency, say)


def _print_offers(out: Console, offers: tuple[Offer, ...], currency: str, say: Wording) -> None:
    made = table(
        say.say("product"),
        RIGHT + say.say("price"),
        RIGHT + say.say("today"),
        say.say("why"),
        say.say("renews on"),
    )
    for offer in offers:
        name = escaped(offer.name if offer.tier in (None, "-") else f"{offer.name} ({offer.tier})")
        if offer.status is not None:
            name += f"\n· {say.say(STATUSES[offer.status])}"
        made.add_row(
            name,
            "–" if offer.price is None else say.amount(offer.price, currency),
            *_today_cells(offer.today, currency, say),
        )
    out.print(made)


def _today_cells(today: Today, currency: str, say: Wording) -> tuple[str, str, str]:
    """What it costs now, why, and the renewal date."""
    renews_on = "–" if today.renews_on is None else say.day(today.renews_on)
    if today.charged is None:
        return "–", f"{answer_said(today, say, currency)} ({today.code})", renews_on
    assert today.net is not None
    why = "\n".join([*why_said(today, currency, say), *beside_said(today, currency, say)])
    return say.amount(today.net, currency), why, renews_on


def _print_own_process(out: Console, process: OwnProcess, currency: str, say: Wording) -> None:
    status = "" if process.status is None else f" · {say.say(STATUSES[process.status])}"
    heading(out, f"{escaped(process.name)}{status}")
    pointer = say.say(
        "Sold in blocks of {e_mails} e-mails by a process of its own: {commands}.",
        e_mails=say.number(process.e_mails_per_block),
        commands=say.listed(process.commands),
    )
    out.print(pointer)
    made = table(say.say("blocks"), RIGHT + say.say("price of a block"))
    below = 1
    for step in process.block_prices:
        blocks = say.say("from {low}", low=below) if step.up_to is None else f"{below}–{step.up_to}"
        made.add_row(blocks, say.amount(step.price, currency))
        below = (step.up_to or 0) + 1
    out.print(made)
    charge, why, renews_on = _today_cells(process.first_block, currency, say)
    if process.first_block.charged is None:
        out.print(say.say("Not now: {why}", why=why))
    else:
        out.print(say.say("One block today: {charge}; it renews on {date}.", charge=charge, date=renews_on))
