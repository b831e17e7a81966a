"""What an account's events tell: its history, how it was at a moment, why an invoice is what it is, what
happened by itself, its statement."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import msgspec

from domain import events as e
from domain.calendar import parse_date
from domain.evolve import evolve_all
from domain.explain import rule_of_event
from domain.happened import Chronicle, Happening
from domain.invoice_story import InvoiceStory
from domain.state import Account
from domain.statement import KINDS, statement
from eventlog.codec import domain_codec
from eventlog.errors import EventUnreadable
from eventlog.port import EventLog
from eventlog.records import StoredEvent
from projections.history.as_of import At, AtInstant, AtVersion, events_of
from projections.models.entitlements import DiscountHeld, discounts_of
from prorata.cli.account.explain import explain_json, story_of
from prorata.cli.account.explain_screen import Teller
from prorata.cli.account.present import Looked
from prorata.cli.audit.history import audited
from prorata.cli.audit.moments import History
from prorata.cli.audit.show import diff_json, show_json
from prorata.http.accounts import LIMIT
from prorata.http.call import Answered, Call, etag, page
from prorata.http.desk import Desk
from prorata.http.documents import AFTER, invoice_number
from prorata.http.looking import AT, by_time, looking, state_of, unknown_account
from prorata.http.problems import refuse
from prorata.http.route import LOOK, Answer, Parameter, Route
from prorata.http.shapes import (
    DiffAnswer,
    ExplanationAnswer,
    HistoryAnswer,
    StateAnswer,
    StatementAnswer,
)
from prorata.wording import Wording, event_said_in_full


class HappenedAnswer(msgspec.Struct, frozen=True):
    """What happened by itself, in order: tries, reminders, refunds, the ends of free months."""

    items: list[Happening]
    next: None


class DiscountsAnswer(msgspec.Struct, frozen=True):
    """The account's discounts, in order of grant."""

    items: list[DiscountHeld]
    next: None


class Told(msgspec.Struct, frozen=True):
    """An account's events, read."""

    stored: list[StoredEvent]
    events: list[e.Event]
    state: Account

    @classmethod
    def of(cls, log: EventLog, account_id: str) -> Told:
        """All of them. Raises ProblemFound `unknown_account`, EventUnreadable."""
        stored = list(events_of(log, account_id))
        events = [domain_codec().read(row) for row in stored]
        state = evolve_all(None, events)
        if state is None:
            raise unknown_account()
        return cls(stored, events, state)


def _telling(tell: Callable[[Told, Call], Any]) -> Answer:
    """A route that tells of all the account's events."""

    def told(log: EventLog, call: Call) -> Answered:
        found = Told.of(log, call.account_id)
        return Answered(tell(found, call), headers=etag(found.state.version))

    async def answer(desk: Desk, call: Call) -> Answered:
        return await desk.run(partial(told, desk.system.log, call))

    return answer


def _explanation(told: Told, call: Call) -> dict[str, Any]:
    number = str(invoice_number(call))
    story = story_of(told.events, told.state, number, call.account)
    assert isinstance(story, InvoiceStory)
    teller = Teller(told.events, told.state, Wording(call.language), told.stored)
    return {"account": call.account, **explain_json(story, teller)}


def _happened(told: Told, _call: Call) -> dict[str, Any]:
    return page(Chronicle(told.state.time_zone).take_all(told.events).happened, None)


def _statement(told: Told, call: Call) -> dict[str, Any]:
    for name in ("from", "until"):
        if name not in call.query:
            raise refuse("invalid_parameter", f"`{name}` is a date, such as 2026-04-01", place=name)
    begins, until = parse_date(call.query["from"], "from"), parse_date(call.query["until"], "until")
    if until < begins:
        raise refuse("invalid_parameter", "`until` is not before `from`", place="until")
    found = statement(told.events, begins, until)
    return {
        "account": call.account,
        "currency": found.currency,
        "from": found.from_date,
        "until": found.until,
        "opening": found.opening,
        "lines": found.lines,
        "totals": {kind: found.total(kind) for kind in KINDS},
        "closing": found.closing,
    }


def discounts(looked: Looked, _call: Call) -> Answered:
    """The account's discounts (R79)."""
    found = list(discounts_of(by_time(looked)))
    return Answered(page(found, None), headers=etag(looked.state.version))


async def history(desk: Desk, call: Call) -> Answered:
    """A page of the account's events."""
    state = await state_of(desk, call)
    after, limit = call.whole_number("after") or 0, call.limit
    read = partial(desk.system.log.read_account, call.account_id, after, limit + 1)
    found = await desk.run(read)
    say = Wording(call.language)
    items = [_item(stored, call.account, state.currency, say) for stored in found[:limit]]
    following = str(found[limit - 1].version) if len(found) > limit else None
    return Answered(page(items, following), headers=etag(state.version))


def _item(stored: StoredEvent, account: str, currency: str, say: Wording) -> dict[str, Any]:
    rule = sentence = None
    with suppress(EventUnreadable):
        event = domain_codec().read(stored)
        rule, sentence = rule_of_event(event), event_said_in_full(event, currency, say)
    return {**audited(stored), "account": account, "rule": rule, "sentence": sentence}


async def state(desk: Desk, call: Call) -> Answered:
    """The account as it was, and as it was known."""
    return await desk.run(partial(_state, desk, call, await desk.now()))


def _state(desk: Desk, call: Call, now: Any) -> Answered:
    given = [name for name in ("at", "position", "version") if name in call.query]
    if len(given) > 1:
        raise refuse("one_moment_only", "give one of `at`, `position` and `version`", place=given[1])
    found = history_of(desk, call, now)
    upto: At | AtVersion | AtInstant | None = None
    if "at" in call.query:
        upto = AtInstant(found.instant(call.query["at"], "at"))
    elif (position := call.whole_number("position", least=1)) is not None:
        upto = found.position(position, "position")
    elif (version := call.whole_number("version", least=1)) is not None:
        upto = found.version(version, "version")
    place = given[0] if given else "known_at"
    look = found.look(upto, call.query.get("known_at"), place, "known_at")
    told = msgspec.to_builtins(show_json(look, Wording(call.language)))
    return Answered(_named(told, call), headers=etag(look.last.version))


async def diff(desk: Desk, call: Call) -> Answered:
    """What changed between two looks."""
    return await desk.run(partial(_diff, desk, call, await desk.now()))


def _diff(desk: Desk, call: Call, now: Any) -> Answered:
    if "from" not in call.query:
        raise refuse("invalid_parameter", "`from` is the earlier look", place="from")
    found = history_of(desk, call, now)
    known_from, known_to = call.query.get("known_from"), call.query.get("known_to")
    before = found.look(found.written(call.query["from"], "from"), known_from, "from", "known_from")
    upto = found.written(call.query["to"], "to") if "to" in call.query else None
    after = found.look(upto, known_to, "to", "known_to")
    told = diff_json(before, after, found.events, Wording(call.language))
    return Answered({**told, "account": call.account}, headers=etag(after.last.version))


def history_of(desk: Desk, call: Call, now: Any) -> History:
    """The account's history, for looks at any of its moments. Raises ProblemFound `unknown_account`."""
    kept = desk.histories.of(call.account_id)
    if not kept.stored:
        raise unknown_account()
    return History(kept.stored, desk.system.log.last_position(), now, kept)


def _named(told: dict[str, Any], call: Call) -> dict[str, Any]:
    """The account called as its tenant calls it."""
    documents = [told["entitlements"], told["access_windows"], *told["invoices"], *told["credit_notes"]]
    for document in (told, *documents):
        document["account"] = call.account
    return told


_OF: Final = "/v1/accounts/{account}"
_MOMENT: Final = {"type": "string", "examples": ["2026-04-10", "version:3"]}
_DATE: Final = {"type": "string", "format": "date"}
_VERSION: Final = {"type": "integer", "minimum": 1}

ROUTES = (
    Route(
        "GET",
        f"{_OF}/invoices/{{number}}/explanation",
        "explain-invoice",
        "Why the invoice is what it is: rules, arithmetic, the events that it rests on.",
        LOOK,
        _telling(_explanation),
        ExplanationAnswer,
        tag="documents",
    ),
    Route(
        "GET",
        f"{_OF}/discounts",
        "list-discounts",
        "The account's discounts (R79).",
        LOOK,
        looking(discounts),
        DiscountsAnswer,
        parameters=(AT,),
        tag="documents",
    ),
    Route(
        "GET",
        f"{_OF}/happened",
        "list-happened",
        "What happened by itself: tries, reminders, refunds (R52, R55, R62).",
        LOOK,
        _telling(_happened),
        HappenedAnswer,
        tag="history",
    ),
    Route(
        "GET",
        f"{_OF}/statement",
        "get-statement",
        "The statement of a span of days (R95).",
        LOOK,
        _telling(_statement),
        StatementAnswer,
        parameters=(
            Parameter("from", "The first day.", _DATE, required=True),
            Parameter("until", "The day after the last one.", _DATE, required=True),
        ),
        tag="documents",
    ),
    Route(
        "GET",
        f"{_OF}/history",
        "list-history",
        "Every event of the account, in order, with its rule and sentence.",
        LOOK,
        history,
        HistoryAnswer,
        parameters=(AFTER, LIMIT),
        tag="history",
    ),
    Route(
        "GET",
        f"{_OF}/state",
        "get-state",
        "The account as it was at an instant, and as it was known at another.",
        LOOK,
        state,
        StateAnswer,
        parameters=(
            Parameter("at", "As it was at this instant; ends by time are counted.", _MOMENT),
            Parameter("known_at", "Only what had been recorded by this instant.", {"type": "string"}),
            Parameter("version", "When the account had this many events.", _VERSION),
            Parameter("position", "When the log had reached this position.", _VERSION),
        ),
        tag="history",
    ),
    Route(
        "GET",
        f"{_OF}/diff",
        "get-diff",
        "What changed of the account between two looks, and which events did it.",
        LOOK,
        diff,
        DiffAnswer,
        parameters=(
            Parameter("from", "An instant, version:N or position:N.", _MOMENT, required=True),
            Parameter("to", "The later look, likewise; default: now.", _MOMENT),
            Parameter("known_from", "The earlier look as known at this instant.", {"type": "string"}),
            Parameter("known_to", "The later look as known at this instant.", {"type": "string"}),
        ),
        tag="history",
    ),
)
