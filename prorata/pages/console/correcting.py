"""Corrections by staff (R60, R61, R79): previewed first, then given once, with the key's name as the actor.

answer = await corrected(desk, call, "credit_note", fields, key="c-…", version=12)
"""

from __future__ import annotations

from typing import Any

from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.giving import give
from prorata.http.problems import refuse
from prorata.pages.console.fields import CORRECTIONS
from service.commands import AnswerLine


async def corrected(
    desk: Desk, call: Call, do: str, fields: dict[str, Any], *, key: str, version: int
) -> AnswerLine:
    """The answer to the correction, given on that version of the account; the same to the same `key`.

    Raises ProblemFound `unknown_command`, `version_changed`, and as `give` does.
    """
    if do not in CORRECTIONS:
        raise refuse("unknown_command", f"{do[:40]!r} is no correction", place="do")
    headers = {**call.headers, "idempotency-key": key, "if-match": f'"{version}"'}
    asked = Call(
        call.key,
        call.request_id,
        headers,
        {},
        call.language,
        fields={**fields, "actor": actor_of(call)},
        path=call.path,
        route=call.route,
    )
    return await give(desk, asked, do, call.account)


def actor_of(call: Call) -> str:
    """Who acts, as events and the list of what staff did name them: the key's name."""
    return call.caller.name
