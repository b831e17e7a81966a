"""An account as a call looks at it: its state in the log now, and the instant at which it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from domain.later import account_later
from domain.state import Account
from prorata.cli.account.present import Looked, credit_notes_of, instant_of
from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.problems import ProblemFound, refuse
from prorata.http.route import Answer, Parameter

AT = Parameter(
    "at",
    "On a test clock: look at this moment, not before the account's last one (a date, a local date-time "
    "or an instant); default: that. On the wall clock it is always now.",
    {"type": "string", "examples": ["2026-04-10"]},
)


async def state_of(desk: Desk, call: Call) -> Account:
    """The account that the call names, as it is in the log now. Raises ProblemFound `unknown_account`."""
    state = await desk.service.account(call.account_id)
    if state is None:
        raise unknown_account()
    return state


def unknown_account() -> ProblemFound:
    """There is no such account of this tenant; whether there is one of another, nobody learns."""
    return refuse("unknown_account", "there is no such account", place="account")


async def looked_at(desk: Desk, call: Call) -> Looked:
    """The account with its credit notes, at the instant of the call. Nothing is settled or recorded."""
    state = await state_of(desk, call)
    at = instant_of(state, call.query.get("at"), await desk.now(), "at")
    series = await desk.series_for(state)
    if state.standing.next_credit_note == 1:
        return Looked(call.account, state, at, series)
    notes = await desk.run(partial(credit_notes_of, desk.system.log, call.account_id, state))
    return Looked(call.account, state, at, series, notes)


def by_time(looked: Looked) -> Account:
    """The account as time alone leaves it at the instant."""
    return account_later(looked.state, looked.at)[0]


def looking(show: Callable[[Looked, Call], Answered], *, long: bool = False) -> Answer:
    """A route that shows an account. `long`: it takes so long that others are answered meanwhile."""

    async def answer(desk: Desk, call: Call) -> Answered:
        looked = await looked_at(desk, call)
        return await desk.run(partial(show, looked, call)) if long else show(looked, call)

    return answer
