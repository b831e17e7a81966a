"""A command over HTTP: its body made a line of `prorata command`, which is given and answered as there.

answer = give(desk, call, "purchase_addon")                # AnswerLine, as `prorata command` prints it
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.state import Account
from prorata.http.call import Answered, Call, etag
from prorata.http.desk import Desk
from prorata.http.problems import Problem, ProblemFound, refuse
from prorata.keys.key import ApiKey
from prorata.wording import Language, Wording, answer_said
from service.commands import AnswerLine, account_id_of
from service.errors import LineFailed, Unanswered, VersionChanged
from service.session import CommandSession

OWN: Final = ("do", "account", "id", "preview")
"""Fields of a line that the route and the headers say."""

WORDS: Final[dict[Language, Wording]] = {"en": Wording("en"), "fr": Wording("fr")}

TEST_CLOCK_ROLES: Final = ("owner", "operator")
"""Keys that may name any role on a test clock."""

DISPUTES: Final = ("dispute_opened", "dispute_won", "dispute_lost")
"""What a provider says: on the wall clock for its keys alone, which may do nothing else."""


async def give(desk: Desk, call: Call, do: str, account: str, *, preview: bool = False) -> AnswerLine:
    """The answer to the command that the call's body holds. Raises ProblemFound for what is no command."""
    account_id = account_id_of(call.tenant, account, "account")
    state = None if do == "open_account" else await desk.service.last_seen(account_id)
    fields = dict(call.fields or {})
    _check_fields(fields, do)
    clock = _clock(do, fields, state)
    fields |= {"do": do, "account": account}
    if (by := _by(call.caller, do, fields.get("by", UNSET), clock)) is not None:
        fields["by"] = by
    if call.command_id is not None:
        fields["id"] = call.command_id
    if preview:
        fields["preview"] = True
    session = CommandSession(
        desk.service,
        desk.system.catalogues,
        desk.system.clock,
        tenant=call.tenant,
        lives_on=clock,
    )
    try:
        answer = await session.answer(msgspec.json.encode(fields), call.expected_version())
    except Unanswered as error:
        raise refuse(error.fate, str(error), headers={"Retry-After": "1"}) from error
    except VersionChanged as error:
        raise ProblemFound(
            Problem.of(error.code, str(error), place="If-Match"), etag(error.version)
        ) from error
    except LineFailed as error:
        raise ProblemFound(Problem.of(error.code, error.remedy)) from error
    if not answer.is_command:
        raise ProblemFound(_invalid(answer))
    return await _spoken(desk, answer, account_id, call.language)


async def _spoken(desk: Desk, answer: AnswerLine, account_id: str, language: Language) -> AnswerLine:
    """The answer with its sentence (R19)."""
    state = None if answer.version is None else await desk.service.last_seen(account_id)
    if state is None:
        return replace(answer, message=answer_said(answer, WORDS[language]))
    catalog = (await desk.series_for(state)).ever_sold(state.last_at)
    return replace(answer, message=answer_said(answer, desk.words(language, catalog), state.currency))


def answered(answer: AnswerLine, call: Call, *, opened: bool = False) -> Answered:
    """The answer as it is sent: 201 for an account that was opened, 202 for a payment that waits for the
    customer, and a problem for a refusal."""
    if answer.outcome == "rejected":
        return _refused(answer, call)
    status = 202 if answer.outcome == "action_required" else 201 if opened else 200
    headers = etag(answer.version)
    if opened:
        headers["Location"] = f"/v1/accounts/{answer.account}"
    return Answered(answer, status, headers)


def _refused(answer: AnswerLine, call: Call) -> Answered:
    assert answer.code is not None
    message = str(answer.message)
    problem = Problem.of(answer.code, message, facts=answer.facts)
    document = msgspec.to_builtins(answer) | msgspec.to_builtins(problem)
    document["request_id"] = call.request_id
    headers = etag(answer.version)
    if problem.status == 503 or answer.code == "payment_in_progress":
        headers["Retry-After"] = "1"
    return Answered(document, problem.status, headers, "application/problem+json")


def _invalid(answer: AnswerLine) -> Problem:
    place = str(answer.place) if answer.place else None
    return Problem.of(str(answer.code), str(answer.message), place=place)


def _check_fields(fields: dict[str, Any], do: str) -> None:
    for name in OWN:
        if name in fields and not (do == "open_account" and name == "account"):
            raise refuse("unknown_field", f"this has no `{name}`", place=f"$.{name}")


def _clock(do: str, fields: dict[str, Any], state: Account | None) -> Literal["wall", "test"]:
    """Where the account lives; where there is none, what the body says."""
    if do == "open_account":
        fields.pop("account", None)
        given = fields.pop("clock", "wall")
        if given not in ("wall", "test"):
            raise refuse("invalid_field", "`clock` is wall or test", place="$.clock")
        return "test" if given == "test" else "wall"
    if state is not None:
        return state.clock
    return "test" if "at" in fields else "wall"


def _by(key: ApiKey, do: str, given: object, clock: Literal["wall", "test"]) -> str | None:
    """The role that gives the command. On the wall clock it is the key's, on a test clock an owner's or an
    operator's key may name any. None: as the line has it by default.

    Raises ProblemFound `forbidden`.
    """
    if do in DISPUTES:
        if clock == "wall" and key.role != "provider":
            raise _forbidden(key, "only a provider's key tells of disputes")
    elif key.role == "provider":
        raise _forbidden(key, "a provider's key tells of disputes, and does nothing else")
    if clock == "test" and key.role in TEST_CLOCK_ROLES:
        return None
    if given is not UNSET and given != key.role:
        raise _forbidden(key, "`by` is the key's own role")
    if do in _WITHOUT_ROLE:
        return None
    return key.role


_WITHOUT_ROLE: Final = ("payment_method", "payment_answer")


def _forbidden(key: ApiKey, message: str) -> ProblemFound:
    return ProblemFound(Problem.of("forbidden", message, facts={"role": key.role}, place="$.by"))
