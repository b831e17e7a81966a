"""The routes of events: page by page, and as a stream."""

from __future__ import annotations

from functools import partial
from typing import Final

from prorata.http.accounts import LIMIT
from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.http.route import LOOK, Parameter, Route
from prorata.http.settled import EventsAnswer


async def events(desk: Desk, call: Call) -> Answered:
    """A page of the tenant's events."""
    after, limit = call.whole_number("after") or 0, call.limit
    return Answered(await desk.run(partial(desk.settled.of_tenant, call.tenant, after, limit)))


async def stream(desk: Desk, call: Call) -> Answered:
    """The tenant's events, as they come."""
    after = call.whole_number("after") or 0
    last = call.headers.get("last-event-id")
    if last is not None:
        if not (last.isascii() and last.isdigit() and len(last) < 19):
            raise refuse("invalid_header", "Last-Event-ID is the position of an event", place="Last-Event-ID")
        after = int(last)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Answered(desk.feed.stream(call.tenant, after), headers=headers, media_type="text/event-stream")


AFTER_POSITION: Final = Parameter(
    "after",
    "Events after this position of the log; default: from the first one on.",
    {"type": "string", "pattern": "^[0-9]{1,18}$"},
)

ROUTES = (
    Route(
        "GET",
        "/v1/events",
        "list-events",
        "The tenant's events from the settled log, as CloudEvents.",
        LOOK,
        events,
        EventsAnswer,
        parameters=(AFTER_POSITION, LIMIT),
        tag="events",
    ),
    Route(
        "GET",
        "/v1/events/stream",
        "stream-events",
        "The tenant's events as server-sent events: `id` is the position, `data` the CloudEvent.",
        LOOK,
        stream,
        parameters=(
            AFTER_POSITION,
            Parameter(
                "Last-Event-ID",
                "The position of the last event that the reader has: the stream goes on after it.",
                {"type": "string", "pattern": "^[0-9]{1,18}$"},
                "header",
            ),
        ),
        tag="events",
        media_type="text/event-stream",
    ),
)
