"""What is asked on a page of its own, and what is sent back: done once, and told on the page behind it."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from prorata.http.desk import Desk
from prorata.http.problems import ProblemFound, refuse
from prorata.pages.account.asking import ASKS, Asked, asked_in, fields_in, foreseen, given
from prorata.pages.account.details import payer_lines
from prorata.pages.account.opened import DONE, Done, Opened, opened
from prorata.pages.account.window import of_answer
from prorata.pages.marks import sealed
from prorata.pages.page import Away, Seen, Shown, Visit
from prorata.wording.pages import CHANGED_MEANWHILE
from service.commands import AnswerLine

_BOUGHT: Final = ("purchase_plan", "change_plan", "purchase_addon", "buy_credits", "start_transactional")


async def confirm(desk: Desk, visit: Visit) -> Shown:
    """Ask before a command is given."""
    account = await opened(desk, visit)
    do = visit.call.query.get("do", "")
    return await _asking(desk, account, do, fields_in(do, visit.call.query))


async def do(desk: Desk, visit: Visit) -> Seen:
    """Do what costs nothing, or what the saved payment method pays."""
    return await _done(desk, visit, token=None, billing=False)


async def pay(desk: Desk, visit: Visit) -> Seen:
    """Do what is paid with the token that the payment element's page sends."""
    token = visit.form.get("token", "")
    if not token:
        raise refuse("missing_field", "the payment provider's token is missing", place="token")
    return await _done(desk, visit, token=token, billing=visit.form.get("billing") == "yes")


async def _done(desk: Desk, visit: Visit, *, token: str | None, billing: bool) -> Seen:
    account, asked = await opened(desk, visit), asked_in(visit)
    try:
        answer = await given(desk, account, asked, token=token, billing=billing)
    except ProblemFound as error:
        if error.problem.code != "version_changed":
            raise
        told = Done(account.say.say(CHANGED_MEANWHILE), bad=True)
        return await _asking(desk, account, asked.do, asked.fields, told, 409)
    told = Done(
        str(answer.message), bad=answer.outcome == "rejected", waits=answer.outcome == "action_required"
    )
    if answer.outcome == "rejected" and not answer.events:
        return await _asking(desk, await opened(desk, visit), asked.do, asked.fields, told, 409)
    return Away(f"{_behind(asked, answer)}{DONE}={sealed_done(account, told)}")


def _behind(asked: Asked, answer: AnswerLine) -> str:
    """The page that tells what came of it."""
    if answer.outcome == "action_required":
        return "/account/consent?"
    if answer.outcome == "rejected":
        return f"/account/confirm?{urlencode({'do': asked.do, **asked.fields})}&"
    return "/account/billing?"


def sealed_done(account: Opened, told: Done) -> str:
    """What came of it, for the address of the page that tells it."""
    return sealed(account.visit.customer.secret, DONE, msgspec.json.encode(told))


async def _asking(
    desk: Desk, account: Opened, do_: str, fields: dict[str, Any], done: Done | None = None, status: int = 200
) -> Shown:
    if do_ not in ASKS:
        raise refuse("not_found", "there is nothing here")
    answer = await foreseen(desk, account, do_, fields)
    window = of_answer(desk, account, do_, fields, answer)
    values = {
        "window": window,
        "payer": await payer_lines(desk, account),
        "pauses": do_ == "pause_plan",
        "fields": fields,
        "back": "/account/shop" if do_ in _BOUGHT else "/account/billing",
    }
    frames = None if window.frame is None else desk.settings.card_element
    return account.shown("confirm.html", "", values, frames=frames, status=status, done=done)
