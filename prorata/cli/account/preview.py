"""`prorata preview`: what a command would do, without doing it (R48)."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from msgspec.structs import replace

from domain.answers import Answer
from domain.calendar import Instant, local_text, parse_moment
from domain.catalog import Catalogues
from domain.coming import settled_as_paid
from domain.commands import Request
from domain.errors import InvalidInput
from domain.forecast import ends_with, forecast
from domain.process import rehearse
from domain.repeated_names import repeated_name
from domain.state import Account
from prorata.cli.account.present import AccountName, Json, LanguageChoice, Tenant
from prorata.cli.account.preview_screen import After, Previewed, preview_json, print_preview
from prorata.cli.account.speaking import Speaker
from prorata.cli.catalog.nothing_sold import CODE as NO_CATALOGUE
from prorata.cli.catalog.nothing_sold import note_nothing_sold
from prorata.cli.terminal.streams import standard_input
from prorata.cli.terminal.tables import console
from prorata.settings import Settings
from prorata.wiring import Running, running
from service.asked import OpenLine, PaymentAnswered, PaymentMethod
from service.commands import (
    AnswerLine,
    Invalid,
    ParsedCommand,
    account_id_of,
    answered,
    parse_line,
)
from service.errors import Contended
from service.session import CommandSession

ATTEMPTS = 20
"""Looks at an account that others change meanwhile, before it is given up."""


def preview(
    account: AccountName,
    command: Annotated[
        str,
        Parameter(
            help="One JSON object as in a line of `prorata command`, without `account`; - is stdin.",
            allow_leading_hyphen=True,
        ),
    ],
    *,
    test_clock: Annotated[bool, Parameter(negative="", help="The account lives on a test clock.")] = False,
    at: Annotated[
        str | None,
        Parameter(
            help="On a test clock: when; default: the command's own `at`, else the account's last instant."
        ),
    ] = None,
    json: Json = False,
    language: LanguageChoice = "en",
    tenant: Tenant = "main",
) -> int:
    """What a command would answer and charge, line by line; what goes on being billed and what ends with it;
    the next invoice and twelve months as they would be then.

    It answers exactly what doing it would answer, and changes nothing. Where only the confirmation is
    missing, the rest shows what would be once it is given.

    Exit 0: it is a command (a refusal is an answer). 2: it is none.
    """
    text = standard_input().read() if command == "-" else os.fsencode(command)
    with running(Settings.of()) as system:
        seen = previewed(system, account, text, tenant, "test" if test_clock else "wall", at, language)
        if seen.answer.code == NO_CATALOGUE:
            note_nothing_sold(system.catalogues.on_the_wall_clock(), system.clock.now())
    if json:
        print(msgspec.json.encode(preview_json(seen)).decode())
    else:
        print_preview(console(), seen, account, language)
    return 0


def previewed(
    system: Running,
    account: str,
    text: bytes,
    tenant: str,
    clock: Literal["wall", "test"],
    at: str | None,
    language: Literal["en", "fr"],
) -> Previewed:
    """The answer to the command in `text`, and the account after it, both of the same state.

    Raises InvalidInput for what is no command, and Contended.
    """
    session = CommandSession(
        system.service.core, system.catalogues, system.clock, tenant=tenant, lives_on=clock
    )
    for _ in range(ATTEMPTS):
        line = _line(system, account, text, tenant, clock, at)
        answer = session.answer_line(line)
        parsed = parse_line(line, tenant, clock)
        if isinstance(parsed, Invalid) or not answer.is_command:
            raise InvalidInput(answer.code or "invalid", str(answer.place or ""), str(answer.message))
        state = system.service.account(parsed.account_id)
        series = system.catalogues.series_for(state)
        seen = foreseen(state, parsed, answer, clock, system.clock.now(), series)
        if seen is not None:
            return _spoken(seen, parsed.account_id, Speaker(system, language))
    raise Contended(f"{tenant}/{account}", ATTEMPTS)


def _line(
    system: Running, account: str, text: bytes, tenant: str, clock: Literal["wall", "test"], at: str | None
) -> bytes:
    """The command as a line that asks for a preview."""
    try:
        fields = msgspec.json.decode(text)
        twice = repeated_name(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        fields, twice = None, None
    if not isinstance(fields, dict):
        raise InvalidInput("malformed_json", "$", 'COMMAND is one JSON object, such as {"do": "pay_balance"}')
    if twice is not None:
        raise InvalidInput("repeated_field", twice[0], f"the field {twice[1][:40]!r} stands twice")
    if fields.get("account", account) != account:
        raise InvalidInput("invalid_field", "$.account", f"the account is the one named before: {account!r}")
    if at is not None:
        fields["at"] = at
    elif clock == "test" and "at" not in fields:
        state = system.service.account(account_id_of(tenant, account))
        if state is not None:
            fields["at"] = state.last_at.isoformat()
    return msgspec.json.encode({**fields, "account": account, "preview": True})


def foreseen(
    state: Account | None,
    parsed: ParsedCommand,
    answer: AnswerLine,
    clock: Literal["wall", "test"],
    now: Instant,
    series: Catalogues,
) -> Previewed | None:
    """The account after the command, which was previewed with this answer. `series`: the versions of its
    catalogue. None: it has changed since the answer, or another date has begun."""
    if state is None or isinstance(parsed.asked, OpenLine | PaymentMethod | PaymentAnswered):
        return Previewed(answer, None, parsed.at, None)
    at = max(now, state.last_at)
    if parsed.at is not None:
        at = parse_moment(parsed.at, state.time_zone, "$.at")
    request = Request(
        parsed.asked,
        at,
        clock,
        parsed.role,
        parsed.id,
        parsed.cvv,
        parsed.billing,
        parsed.expected_total,
    )
    again, after = rehearse(state, request, series)
    if isinstance(again, Answer) and answered(parsed, again, state.version) != answer:
        return None
    confirmed = None
    if answer.code == "confirmation_required":
        again, after = rehearse(state, replace(request, cvv=True, billing=True), series)
        assert isinstance(again, Answer)
        confirmed = answered(parsed, again, state.version)
    assert after is not None
    if state.clock != clock:  # refused: the account stands where its own clock does
        at = state.last_at
    before = settled_as_paid(state, at, series)[0]
    listed = (
        [] if not isinstance(again, Answer) else [one["product"] for one in again.facts.get("ending", ())]
    )
    ends = ends_with(before, after, series, listed)
    foreseen = After(after, series, forecast(after, at, series), ends, tuple(listed))
    return Previewed(answer, confirmed, local_text(at, state.time_zone), foreseen)


def _spoken(seen: Previewed, account_id: str, speak: Speaker) -> Previewed:
    confirmed = seen.once_confirmed
    return replace(
        seen,
        answer=speak(seen.answer, account_id),
        once_confirmed=None if confirmed is None else speak(confirmed, account_id),
    )
