"""The statement of an account and a span of days (R95), of its kept history."""

from __future__ import annotations

from functools import partial

from domain.calendar import CivilDate, parse_date
from domain.statement import Statement
from domain.statement import statement as made
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.looking import unknown_account
from prorata.http.problems import refuse


async def stated(desk: Desk, call: Call, begins: str, until: str) -> Statement:
    """The statement from the first day to the second, which is not in it. Raises InvalidInput,
    ProblemFound."""
    first, end = parse_date(begins, "from"), parse_date(until, "until")
    if end < first:
        raise refuse("invalid_parameter", "`until` is not before `from`", place="until")
    return await desk.run(partial(_stated, desk, call, first, end))


def _stated(desk: Desk, call: Call, begins: CivilDate, until: CivilDate) -> Statement:
    history = desk.histories.of(call.account_id)
    if not history.stored:
        raise unknown_account()
    return made(history.events, begins, until)
