"""The pages of operators: how the system stands, webhooks, catalogues."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from domain.errors import InvalidInput
from prorata.http import catalogues, webhooks
from prorata.http.desk import Desk
from prorata.http.problems import Problem, ProblemFound, refuse
from prorata.pages.console.comparing_catalogues import catalogues_compared
from prorata.pages.console.frame import page, quoted
from prorata.pages.console.operating import (
    Released,
    key_text,
    operating,
    release_account,
    release_key,
)
from prorata.pages.console.roles import may
from prorata.pages.page import Away, Seen, Shown, Visit

_STATUS: Final = "/console/status"
_WEBHOOKS: Final = "/console/webhooks"
_CATALOGUES: Final = "/console/catalogues"


async def status(desk: Desk, visit: Visit) -> Seen:
    """How the system stands."""
    return await _status(desk, visit, None)


async def release(desk: Desk, visit: Visit) -> Seen:
    """Let a parked account, or a parked key of a consumer, go on."""
    form = visit.form
    if form.get("consumer"):
        found = await release_key(desk, visit.call, form["consumer"][:100], form.get("key", "")[:1_000])
    else:
        found = await release_account(desk, visit.call, form.get("account", "")[:1_000])
    return Away(_STATUS) if found.done else await _status(desk, visit, found)


async def _status(desk: Desk, visit: Visit, released: Released | None) -> Seen:
    shown = await operating(desk, visit.call)
    values = {"shown": shown, "released": released, "key_text": key_text, "quoted": quoted}
    return Shown("console/status.html", values)


async def endpoints(desk: Desk, visit: Visit) -> Seen:
    """The tenant's webhook endpoints."""
    answered = await webhooks.every(desk, replace(visit.call, query={}))
    return Shown("console/webhooks.html", {"endpoints": answered.body["items"]})


async def endpoint(desk: Desk, visit: Visit) -> Seen:
    """One endpoint: what waits, what was attempted."""
    call, query = visit.call, visit.call.query
    found = await webhooks.one(desk, replace(call, query={}))
    tried = await webhooks.attempts(desk, replace(call, query=_only(query, "before")))
    waiting = await webhooks.deliveries(
        desk, replace(call, query={**_only(query, "after"), "waiting": "true"})
    )
    values: dict[str, Any] = {
        "endpoint": found.body,
        "attempts": tried.body,
        "deliveries": waiting.body,
        "quoted": quoted,
    }
    return Shown("console/webhook.html", values)


async def do_endpoint(desk: Desk, visit: Visit) -> Seen:
    """Pause an endpoint, let it go on, or send everything after a position again."""
    call, what = visit.call, visit.form.get("what", "")
    if what == "replay":
        after = visit.form.get("after", "").strip() or "0"
        await webhooks.replay(desk, replace(call, fields={"after": after}))
    elif what == "resume":
        await webhooks.resume(desk, call)
    elif what == "pause":
        await webhooks.pause(desk, replace(call, fields={"because": f"paused by {call.caller.name}"}))
    else:
        raise refuse("unknown_command", "this is not done to an endpoint", place="what")
    return Away(f"{_WEBHOOKS}/{quoted(call.path['endpoint'])}")


async def versions(desk: Desk, visit: Visit) -> Seen:
    """The catalogue's versions."""
    answered = await catalogues.every(desk, visit.call)
    return Shown("console/catalogues.html", {"versions": answered.body["items"]})


async def version(desk: Desk, visit: Visit) -> Seen:
    """One version: what it sells."""
    try:
        found = await catalogues.one(desk, visit.call)
    except InvalidInput as error:
        raise ProblemFound(Problem.of(error.code, error.message)) from error
    pretty = msgspec.json.format(msgspec.json.encode(found.body["catalogue"]), indent=2).decode()
    return Shown("console/catalogue.html", {"version": found.body, "pretty": pretty})


async def difference(desk: Desk, visit: Visit) -> Seen:
    """What one version changes of another, and who pays more or less."""
    query = visit.call.query
    old, new = _version(query.get("from", "")), _version(query.get("to", ""))
    try:
        found = await catalogues_compared(desk, visit.call, old, new)
    except InvalidInput as error:
        raise ProblemFound(Problem.of(error.code, error.message)) from error
    return Shown(
        "console/catalogue_diff.html",
        {"found": found, "quoted": quoted, "accounts": may(visit.call.caller, "list-accounts")},
    )


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise refuse("unknown_version", "there is no such version of the catalogue")
    return int(text)


def _only(query: dict[str, str], name: str) -> dict[str, str]:
    return {name: query[name]} if query.get(name) else {}


PAGES: Final = (
    page("GET", _STATUS, "console-status", "operate", status),
    page("POST", _STATUS, "console-release", "operate", release),
    page("GET", _WEBHOOKS, "console-webhooks", "list-webhook-endpoints", endpoints),
    page("GET", f"{_WEBHOOKS}/{{endpoint}}", "console-webhook", "get-webhook-endpoint", endpoint),
    page("POST", f"{_WEBHOOKS}/{{endpoint}}", "console-do-webhook", "replay-webhook-endpoint", do_endpoint),
    page("GET", _CATALOGUES, "console-catalogues", "list-catalogues", versions),
    page("GET", f"{_CATALOGUES}/diff", "console-catalogue-diff", "list-catalogues", difference),
    page("GET", f"{_CATALOGUES}/{{version}}", "console-catalogue", "get-catalogue", version),
)
