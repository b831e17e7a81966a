"""The pages of one account: a moment, its story, an event, a document, what if, a comparison, a statement, a
correction, a check."""

from __future__ import annotations

import csv
import io
import secrets
from typing import Any, Final
from urllib.parse import urlencode

from msgspec.structs import replace

from domain.calendar import date_of, days_after, local_text
from domain.errors import InvalidInput
from domain.statement import KINDS as STATEMENT_KINDS
from prorata.http.call import Answered
from prorata.http.desk import Desk
from prorata.http.problems import Problem, ProblemFound, refuse
from prorata.pages.console.comparing import Asked, compared
from prorata.pages.console.correcting import corrected
from prorata.pages.console.event import event
from prorata.pages.console.explaining import explained
from prorata.pages.console.fields import BY_DO, CORRECTIONS, WHAT_IF, choices_of, entered, fields_of
from prorata.pages.console.frame import Head, head_of, page
from prorata.pages.console.kinds import KINDS, MONEY
from prorata.pages.console.moment import moment, moved
from prorata.pages.console.stating import stated
from prorata.pages.console.story import story
from prorata.pages.console.verifying import verified
from prorata.pages.console.what_if import ROLES, what_if
from prorata.pages.page import Away, Seen, Shown, Visit

_OF: Final = "/console/accounts/{account}"


def _shown(head: Head, template: str, **values: Any) -> Shown:
    return Shown(f"console/{template}", {"head": head, "wording": head.say, **values})


async def at_moment(desk: Desk, visit: Visit) -> Seen:
    """The account at a moment, under its two sliders. One that cannot be shown is told above the form."""
    head = await head_of(desk, visit, "moment")
    wrong = None
    try:
        shown = await moment(desk, visit.call)
    except (InvalidInput, ProblemFound) as error:
        wrong = _told(error)
        visit.call.query = {}
        shown = await moment(desk, visit.call)
    query = shown.query
    address = f"{head.path}?{query}" if query else head.path
    found = _shown(head, "moment.html", shown=shown, wrong=wrong)
    # The sliders' own address only leads here: htmx shows this one, which can be sent.
    return found if wrong else replace(found, headers={"HX-Replace-Url": address})


async def slide(desk: Desk, visit: Visit) -> Seen:
    """From where the sliders stand to the moment that they mean."""
    head = await head_of(desk, visit, "moment")
    asked = await moved(desk, visit.call)
    return Away(f"{head.path}?{urlencode(asked)}" if asked else head.path)


async def its_story(desk: Desk, visit: Visit) -> Seen:
    """What happened, the latest first."""
    head = await head_of(desk, visit, "story")
    found = await story(desk, visit.call, head.say)
    return _shown(head, "story.html", story=found, kinds=(*KINDS, MONEY), asked=found.asked)


async def one_event(desk: Desk, visit: Visit) -> Seen:
    """One event with its row and its chain."""
    head = await head_of(desk, visit, "story")
    version = _number(visit.call.path["version"])
    return _shown(head, "event.html", shown=await event(desk, visit.call, version, head.say))


async def document(desk: Desk, visit: Visit) -> Seen:
    """Why an invoice or a credit note is what it is."""
    head = await head_of(desk, visit, "moment")
    try:
        found = await explained(desk, visit.call, visit.call.path["number"], head.say)
    except InvalidInput as error:
        raise ProblemFound(Problem.of(error.code, error.message)) from error
    return _shown(head, "document.html", shown=found)


async def tried(desk: Desk, visit: Visit) -> Seen:
    """A command previewed, as a link that can be sent: nothing is done."""
    head = await head_of(desk, visit, "what_if")
    query = visit.call.query
    do, by = query.get("do", ""), query.get("by", "owner")
    if do and (do not in WHAT_IF or by not in ROLES):
        raise refuse("invalid_parameter", "this cannot be tried", place="do")
    found = None
    if do and "try" in query:
        found = await what_if(desk, visit.call, do, entered(query, do), by=by, say=head.say)
    return _shown(
        head, "what_if.html", found=found, by=by, roles=ROLES, form=await _form(desk, head, do, query)
    )


async def compare(desk: Desk, visit: Visit) -> Seen:
    """Two moments side by side."""
    head = await head_of(desk, visit, "compare")
    wrong, found = None, None
    try:
        found = await compared(desk, visit.call, head.say)
    except (InvalidInput, ProblemFound) as error:
        wrong = _told(error)
    return _shown(head, "compare.html", found=found, wrong=wrong, asked=Asked.of(visit.call.query))


async def statement(desk: Desk, visit: Visit) -> Seen:
    """The statement of a span of days (R95), by default the last twelve months; as CSV with `?as=csv`."""
    head = await head_of(desk, visit, "statement")
    zone, query = head.state.time_zone, visit.call.query
    today = date_of(head.at, zone)
    begins = query.get("from") or days_after(today, -365).isoformat()
    until = query.get("until") or days_after(today, 1).isoformat()
    wrong, found = None, None
    try:
        found = await stated(desk, visit.call, begins, until)
    except (InvalidInput, ProblemFound) as error:
        wrong = _told(error)
    if found is not None and query.get("as") == "csv":
        rows = [
            (line.date, line.kind, line.amount, found.currency, line.invoice, line.credit_note)
            for line in found.lines
        ]
        heading = ("date", "kind", "amount", "currency", "invoice", "credit_note")
        return as_csv(f"statement-{begins}-{until}", heading, rows)
    return _shown(
        head, "statement.html", found=found, wrong=wrong, begins=begins, until=until, kinds=STATEMENT_KINDS
    )


async def correct(desk: Desk, visit: Visit) -> Seen:
    """The form of a correction; with `try` what it would do, and the button that does it."""
    head = await head_of(desk, visit, "correct")
    query, role = visit.call.query, visit.call.caller.role
    do = query.get("do", "")
    if do and do not in CORRECTIONS:
        raise refuse("unknown_command", "this is no correction", place="do")
    found = None
    if do and "try" in query:
        found = await what_if(desk, visit.call, do, entered(query, do), by=role, say=head.say)
    return _shown(
        head,
        "correct.html",
        found=found,
        form=await _form(desk, head, do, query),
        key=f"console-{secrets.token_hex(12)}",
        answer=None,
    )


async def do_correct(desk: Desk, visit: Visit) -> Seen:
    """The correction, done once however often the form is sent."""
    head = await head_of(desk, visit, "correct")
    form = visit.form
    do, key, version = form.get("do", ""), form.get("key", ""), _number(form.get("version", ""))
    if do not in CORRECTIONS or not key.startswith("console-") or len(key) > 64:
        raise refuse("unknown_command", "this is no correction", place="do")
    fields = entered(form, do)
    if head.state.clock == "test":
        fields["at"] = local_text(head.state.last_at, head.state.time_zone)
    answer = await corrected(desk, visit.call, do, fields, key=key, version=version)
    if answer.outcome == "rejected":
        return _shown(
            head,
            "correct.html",
            found=None,
            form=await _form(desk, head, do, form),
            key=f"console-{secrets.token_hex(12)}",
            answer=answer,
        )
    return Away(f"{head.path}/story?{urlencode({'q': key})}")


async def check(desk: Desk, visit: Visit) -> Seen:
    """The account's hash chain, walked now."""
    head = await head_of(desk, visit, "verify")
    return _shown(head, "verify.html", shown=await verified(desk, visit.call))


async def _form(desk: Desk, head: Head, do: str, given: dict[str, str]) -> dict[str, Any]:
    """What a form for a command is made of: its fields with what can be chosen and what was given."""
    if not do:
        return {"do": "", "fields": [], "commands": _commands()}
    catalog = (await desk.series_for(head.state)).at(head.at)
    fields = [
        {"field": field, "choices": choices_of(field, catalog), "value": given.get(field.name, "")[:200]}
        for field in fields_of(do)
    ]
    return {"do": do, "fields": fields, "commands": _commands(), "summary": BY_DO[do].summary}


def _commands() -> dict[str, tuple[str, ...]]:
    return {"what_if": WHAT_IF, "correct": CORRECTIONS}


def as_csv(name: str, heading: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Answered:
    """A table as a file. What a spreadsheet would take for a formula is a text there."""
    out = io.StringIO()
    written = csv.writer(out, lineterminator="\r\n")
    written.writerow(heading)
    for row in rows:
        written.writerow([_cell(value) for value in row])
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Answered(out.getvalue().encode(), 200, headers, "text/csv; charset=utf-8")


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value}"
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10):
        raise refuse("not_found", "there is nothing here")
    return int(text)


def _told(error: InvalidInput | ProblemFound) -> str:
    return error.message if isinstance(error, InvalidInput) else error.problem.message


PAGES: Final = (
    page("GET", _OF, "console-moment", "get-state", at_moment, scripts=True),
    page("GET", f"{_OF}/moment", "console-slide", "get-state", slide),
    page("GET", f"{_OF}/story", "console-story", "list-history", its_story),
    page("GET", f"{_OF}/events/{{version}}", "console-event", "list-history", one_event),
    page("GET", f"{_OF}/documents/{{number}}", "console-document", "explain-invoice", document),
    page("GET", f"{_OF}/what-if", "console-what-if", "get-forecast", tried),
    page("GET", f"{_OF}/compare", "console-compare", "get-diff", compare),
    page("GET", f"{_OF}/statement", "console-statement", "get-statement", statement),
    page("GET", f"{_OF}/correct", "console-correct", "correct", correct),
    page("POST", f"{_OF}/correct", "console-do-correct", "correct", do_correct),
    page("GET", f"{_OF}/verify", "console-verify", "list-history", check),
)
