"""The routes of commands: each under its own name, and previewed under `/preview`."""

from __future__ import annotations

from typing import Final

import msgspec

from domain.calendar import local_text, parse_moment
from domain.errors import InvalidInput
from prorata.http.bodies import body_of
from prorata.http.call import Answered, Call, etag
from prorata.http.commands_table import COMMANDS, CommandRoute
from prorata.http.desk import Desk
from prorata.http.giving import answered, give
from prorata.http.looking import state_of
from prorata.http.problems import refuse
from prorata.http.route import COMMAND, Answer, Parameter, Route
from service.commands import AnswerLine

IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "The command's id: under it it is done once, however often it is sent, and always answered alike.",
    {"type": "string", "minLength": 1, "maxLength": 200},
    "header",
)
IF_MATCH: Final = Parameter(
    "If-Match",
    "The account's ETag on which this was decided: where it has changed since, nothing is done (412).",
    {"type": "string", "examples": ['"7"']},
    "header",
)


class AdvancedAnswer(msgspec.Struct, frozen=True):
    """How far the test clock went, and how many events fell due by then."""

    account: str
    at: str
    recorded: int
    version: int


class AdvanceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to which moment the test clock goes on."""

    at: str


async def open_account(desk: Desk, call: Call) -> Answered:
    """Open the account that the body names."""
    account = (call.fields or {}).get("account")
    if not isinstance(account, str) or not account:
        code = "missing_field" if account is None else "invalid_field"
        raise refuse(code, "`account` is the id of the new account, a text", place="$.account")
    if "/" in account or account in (".", ".."):
        message = "an account that is asked for in paths has no / in its id, and is neither . nor .."
        raise refuse("invalid_field", message, place="$.account")
    return answered(await give(desk, call, "open_account", account), call, opened=True)


async def advance_clock(desk: Desk, call: Call) -> Answered:
    """Let the account's test clock go on, and settle what falls due until then."""
    given, state = body_of(call, AdvanceBody).at, await state_of(desk, call)
    if state.clock != "test":
        raise refuse("test_clock_only", "this account lives on the wall clock", place="account")
    until = parse_moment(given, state.time_zone, "$.at")
    if until < state.last_at:
        last = local_text(state.last_at, state.time_zone)
        raise InvalidInput("at_too_early", "$.at", f"the account's last instant is {last}")
    recorded = await desk.service.settle(call.account_id, until)
    after = await state_of(desk, call)
    told = AdvancedAnswer(call.account, local_text(until, state.time_zone), recorded, after.version)
    return Answered(told, headers=etag(after.version))


def _command(route: CommandRoute) -> Answer:
    async def answer(desk: Desk, call: Call) -> Answered:
        return answered(await give(desk, call, route.do, call.account), call)

    return answer


def _preview(route: CommandRoute) -> Answer:
    async def answer(desk: Desk, call: Call) -> Answered:
        found: AnswerLine = await give(desk, call, route.do, call.account, preview=True)
        if found.code == "unknown_account":
            return answered(found, call)
        return Answered(found, headers=etag(found.version))

    return answer


def command_routes() -> tuple[Route, ...]:
    """Two routes for each command; those that play the payment provider are not previewed."""
    from service.asked import PaymentAnswered, PaymentMethod

    made = []
    for command in COMMANDS:
        path = f"/v1/accounts/{{account}}/{command.name}"
        summary = command.summary + (" On a test clock alone." if command.test_clock else "")
        made.append(
            Route(
                "POST",
                path,
                command.name,
                summary,
                COMMAND,
                _command(command),
                AnswerLine,
                command,
                (IDEMPOTENCY_KEY, IF_MATCH),
                also=(202,),
                tag="commands",
            )
        )
        if command.kind not in (PaymentMethod, PaymentAnswered):
            made.append(
                Route(
                    "POST",
                    f"{path}/preview",
                    f"preview-{command.name}",
                    f"What this would answer, without doing it (R48): {summary}",
                    COMMAND,
                    _preview(command),
                    AnswerLine,
                    command,
                    tag="previews",
                )
            )
    return tuple(made)
