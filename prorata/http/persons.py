"""Billing details: who pays (R92), and their erasure (R93)."""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from domain.calendar import Instant, parse_moment
from prorata.cli.account.present import names_of
from prorata.http.call import Answered, Call, etag
from prorata.http.commands import IDEMPOTENCY_KEY
from prorata.http.desk import Desk
from prorata.http.giving import WORDS, answered
from prorata.http.looking import state_of
from prorata.http.problems import refuse
from prorata.http.route import LOOK, Route
from prorata.keys.key import Role
from prorata.wording import answer_said
from service.commands import AnswerLine, answer_line
from service.persons.desk import ShownDetails
from service.persons.details import BillingDetails, details_in
from service.persons.erasing import Erased

ERASE: Final[frozenset[Role]] = frozenset(["owner", "admin", "finance", "operator"])


class DetailsBody(BillingDetails, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who pays, as it stands on documents. `at`: the instant, on a test clock."""

    at: str | UnsetType = UNSET


class DetailsAnswer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Details in the version that the account's next document names. `vat_id_status`: whether the VAT id was
    checked (R70). `locked_until`: they were erased, and finance sees them until that day."""

    version: int
    given_at: Instant
    details: BillingDetails
    vat_id_status: str
    locked_until: date | None = None


class ErasedAnswer(msgspec.Struct, frozen=True):
    """The versions that are destroyed, and those that documents name, each with the day on which it will
    be."""

    account: str
    destroyed: list[int]
    locked: dict[str, date]


async def give(desk: Desk, call: Call) -> Answered:
    """Replace the details, and the tax profile with them."""
    fields = dict(call.fields or {})
    given = fields.pop("at", UNSET)
    details, state = details_in(fields), await state_of(desk, call)
    if given is not UNSET and (not isinstance(given, str) or state.clock == "wall"):
        code = "test_clock_only" if isinstance(given, str) else "invalid_field"
        raise refuse(code, "`at` is a moment, on a test clock", place="$.at")
    at = state.last_at if given is UNSET else parse_moment(given, state.time_zone, "$.at")
    done = await desk.details.give(
        call.account_id,
        details,
        role=call.caller.role,
        command_id=call.command_id,
        at=at if state.clock == "test" else None,
    )
    line = answer_line(call.account, call.command_id, done.answer, done.version)
    return answered(await _spoken(desk, call, line), call)


async def show(desk: Desk, call: Call) -> Answered:
    """The details that the next document names."""
    state = await state_of(desk, call)
    found = await desk.details.current(call.account_id, role=call.caller.role)
    if found is None:
        raise refuse("no_details", "no billing details are kept of this account", place="account")
    return Answered(_shown(found), headers=etag(state.version))


async def erase(desk: Desk, call: Call) -> Answered:
    """Erase them."""
    await state_of(desk, call)
    erased: Erased = await desk.eraser.erase_account(call.account_id)
    locked = {str(version): until for version, until in erased.locked.items()}
    return Answered(ErasedAnswer(call.account, list(erased.destroyed), locked))


async def _spoken(desk: Desk, call: Call, line: AnswerLine) -> AnswerLine:
    words, state = WORDS[call.language], await state_of(desk, call)
    catalog = (await desk.series_for(state)).ever_sold(state.last_at)
    said = answer_said(line, words.naming(names_of(catalog)), state.currency)
    return msgspec.structs.replace(line, message=said)


def _shown(found: ShownDetails) -> DetailsAnswer:
    return DetailsAnswer(
        version=found.version,
        given_at=found.given_at,
        details=found.details,
        vat_id_status=found.vat_id_status,
        locked_until=found.locked_until,
    )


_AT: Final = "/v1/accounts/{account}/billing-details"


ROUTES = (
    Route(
        "PUT",
        _AT,
        "put-billing-details",
        "Who pays: a new version, which documents name from now on (R92).",
        LOOK,
        give,
        AnswerLine,
        DetailsBody,
        (IDEMPOTENCY_KEY,),
        tag="persons",
    ),
    Route(
        "GET",
        _AT,
        "get-billing-details",
        "Who pays, as the account's next document names them.",
        LOOK,
        show,
        DetailsAnswer,
        tag="persons",
    ),
    Route(
        "DELETE",
        _AT,
        "delete-billing-details",
        "Erase them: at once what no document names, the rest once the law lets it go (R93).",
        ERASE,
        erase,
        ErasedAnswer,
        tag="persons",
    ),
)
