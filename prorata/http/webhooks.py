"""Webhooks: who wants to be told, what was sent there, replays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from consumers.webhooks import endpoints
from consumers.webhooks.endpoints import Endpoint, NewEndpoint
from consumers.webhooks.sending import Sender
from domain.calendar import Instant
from eventlog.postgres.connect import Connection
from prorata.http.accounts import LIMIT
from prorata.http.bodies import body_of
from prorata.http.call import Answered, Call, page
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.http.route import OPERATE, Answer, Method, Parameter, Route
from prorata.webhooks.running import addresses_of

T = TypeVar("T")


class EndpointShown(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint. `types` empty: it is told of all events. `paused_because`: why nothing is sent to it now.
    `waiting`, `failing`: accounts of which a message waits, and of which one fails. `replayed_to`: a replay
    is under way, and has come to this position of the log."""

    id: str
    url: str
    types: list[str]
    created_at: Instant
    paused_at: Instant | None
    paused_because: str | None
    last_success_at: Instant | None
    waiting: int
    failing: int
    replayed_to: str | None


class MadeAnswer(EndpointShown, frozen=True, kw_only=True):
    """An endpoint with its secret, which is shown this once."""

    secret: str


class EndpointsAnswer(msgspec.Struct, frozen=True):
    """The tenant's endpoints, in the order of their making."""

    items: list[EndpointShown]
    next: None


class AttemptShown(msgspec.Struct, frozen=True):
    """An attempt at a delivery: the status that the endpoint answered, None where none came (`error` says
    why), the beginning of its answer, and how long it took."""

    account: str
    pos: str
    at: Instant
    milliseconds: int
    status: int | None
    error: str | None
    response: str | None


class AttemptsAnswer(msgspec.Struct, frozen=True):
    """Attempts, the newest first; `next`: what `before` is to be for older ones."""

    items: list[AttemptShown]
    next: str | None


class DeliveryShown(msgspec.Struct, frozen=True):
    """A message: delivered, or waiting, with how often it has failed and when it is tried next.
    `stopped_because`: why it is tried no more."""

    account: str
    pos: str
    version: int
    type: str
    queued_at: Instant
    delivered_at: Instant | None
    tries: int
    next_at: Instant | None
    stopped_because: str | None


class DeliveriesAnswer(msgspec.Struct, frozen=True):
    """Messages by position; `next`: what `after` is to be for the following page."""

    items: list[DeliveryShown]
    next: str | None


class TestedAnswer(msgspec.Struct, frozen=True):
    """What the endpoint answered to a test message, of type `prorata.test`."""

    delivered: bool
    status: int | None
    error: str | None
    response: str | None
    milliseconds: int


class RemovedAnswer(msgspec.Struct, frozen=True):
    """The endpoint is forgotten."""

    id: str


class EndpointBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where to, of which types of events (none: all), and the secret by which messages are signed (none: one
    is made and shown once)."""

    url: Annotated[str, Meta(min_length=1, max_length=2_000, examples=["https://shop.example/hooks"])]
    types: tuple[str, ...] = ()
    secret: str | None = None


class PauseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why it is paused."""

    because: Annotated[str, Meta(min_length=1, max_length=200)] = "paused by an operator"


class ReplayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything after this position of the log is sent again; `0`: all."""

    after: Annotated[str, Meta(pattern="^[0-9]{1,18}$", examples=["0"])]


async def make(desk: Desk, call: Call) -> Answered:
    """Make an endpoint."""
    body = body_of(call, EndpointBody)
    wanted = NewEndpoint(call.tenant, body.url, body.types, body.secret)
    addresses = addresses_of(desk.settings)
    made = await desk.read(lambda connection: endpoints.create(connection, wanted, addresses))
    told = {**_shown(made.endpoint), "secret": made.secret}
    return Answered(told, 201, {"Location": f"{_AT}/{made.endpoint.id}"})


async def every(desk: Desk, call: Call) -> Answered:
    """The tenant's endpoints."""
    found = await desk.read(partial(endpoints.found, tenant=call.tenant))
    return Answered(page([_shown(one) for one in found], None))


async def one(desk: Desk, call: Call) -> Answered:
    """One of them."""
    return Answered(_shown(await _of(desk, call, endpoints.endpoint)))


async def remove(desk: Desk, call: Call) -> Answered:
    """Forget it."""
    await _of(desk, call, endpoints.remove)
    return Answered({"id": call.path["endpoint"]})


async def pause(desk: Desk, call: Call) -> Answered:
    """Send it nothing."""
    because = body_of(call, PauseBody).because
    return Answered(_shown(await _of(desk, call, partial(endpoints.pause, because=because))))


async def resume(desk: Desk, call: Call) -> Answered:
    """Go on."""
    return Answered(_shown(await _of(desk, call, endpoints.resume)))


async def replay(desk: Desk, call: Call) -> Answered:
    """Send everything after a position again."""
    after = int(body_of(call, ReplayBody).after)
    return Answered(_shown(await _of(desk, call, partial(endpoints.replay, after=after))), 202)


async def roll_secret(desk: Desk, call: Call) -> Answered:
    """Give it another secret."""
    made = await _of(desk, call, partial(endpoints.roll_secret, now=datetime.now(UTC)))
    return Answered({**_shown(made.endpoint), "secret": made.secret})


async def test(desk: Desk, call: Call) -> Answered:
    """Send a test message now, and say what came of it."""
    now = datetime.now(UTC)
    found = await _of(desk, call, endpoints.endpoint)
    keys = await _of(desk, call, partial(endpoints.secrets_of, now=now))
    body = msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": call.request_id,
            "source": "urn:prorata",
            "type": "prorata.test",
            "time": now,
            "datacontenttype": "application/json",
            "data": {},
        }
    )
    async with Sender(addresses_of(desk.settings)) as sender:
        sent = await sender.send(found.url, 0, f"test_{call.request_id}", body, keys)
    told = TestedAnswer(sent.taken_in, sent.status, sent.error, sent.response, sent.milliseconds)
    return Answered(told)


async def attempts(desk: Desk, call: Call) -> Answered:
    """The newest attempts."""
    before, limit = call.whole_number("before"), call.limit
    found = await _of(desk, call, partial(endpoints.attempts, before=before, limit=limit + 1))
    items = [
        AttemptShown(
            _account(one.account_id),
            str(one.position),
            one.at,
            one.milliseconds,
            one.status,
            one.error,
            one.response,
        )
        for one in found[:limit]
    ]
    return Answered(page(items, str(found[limit - 1].id) if len(found) > limit else None))


async def deliveries(desk: Desk, call: Call) -> Answered:
    """Messages that wait, or were sent."""
    after, limit = call.whole_number("after") or 0, call.limit
    given = call.query.get("waiting")
    if given not in (None, "true", "false"):
        raise refuse("invalid_parameter", "`waiting` is true or false", place="waiting")
    waiting = None if given is None else given == "true"
    found = await _of(
        desk, call, partial(endpoints.deliveries, after=after, waiting=waiting, limit=limit + 1)
    )
    items = [
        DeliveryShown(
            _account(one.account_id),
            str(one.position),
            one.version,
            one.type,
            one.queued_at,
            one.delivered_at,
            one.tries,
            one.next_at,
            one.stopped_because,
        )
        for one in found[:limit]
    ]
    return Answered(page(items, str(found[limit - 1].position) if len(found) > limit else None))


async def _of(desk: Desk, call: Call, work: Callable[[Connection, str, str], T]) -> T:
    """What the work does with the tenant's endpoint that the call names."""
    return await desk.read(lambda connection: work(connection, call.tenant, call.path["endpoint"]))


def _account(account_id: str) -> str:
    return account_id.partition("/")[2]


def _shown(found: Endpoint) -> dict[str, Any]:
    told = msgspec.structs.asdict(found)
    del told["tenant"]
    told["types"] = list(found.types)
    told["replayed_to"] = None if found.replayed_to is None else str(found.replayed_to)
    return told


_AT: Final = "/v1/webhook-endpoints"
_ONE: Final = f"{_AT}/{{endpoint}}"
_POSITION: Final = {"type": "string", "pattern": "^[0-9]{1,18}$"}

_BEFORE: Final = Parameter("before", "Attempts older than that one; default: from the newest on.", _POSITION)
_AFTER: Final = Parameter("after", "Messages after this position of the log.", _POSITION)
_WAITING: Final = Parameter(
    "waiting", "Only those that wait (true), or were delivered (false).", {"enum": ["true", "false"]}
)


def _route(
    method: Method,
    path: str,
    name: str,
    summary: str,
    answer: Answer,
    returns: Any,
    body: Any = None,
    parameters: tuple[Parameter, ...] = (),
    status: int = 200,
) -> Route:
    return Route(
        method, path, name, summary, OPERATE, answer, returns, body, parameters, status, tag="webhooks"
    )


ROUTES = (
    _route(
        "POST",
        _AT,
        "create-webhook-endpoint",
        "Be told of events from now on.",
        make,
        MadeAnswer,
        EndpointBody,
        status=201,
    ),
    _route("GET", _AT, "list-webhook-endpoints", "The tenant's endpoints.", every, EndpointsAnswer),
    _route("GET", _ONE, "get-webhook-endpoint", "An endpoint as it stands.", one, EndpointShown),
    _route(
        "DELETE",
        _ONE,
        "delete-webhook-endpoint",
        "Forget an endpoint, with what waits for it.",
        remove,
        RemovedAnswer,
    ),
    _route(
        "POST",
        f"{_ONE}/pause",
        "pause-webhook-endpoint",
        "Send it nothing until it is resumed; what happens meanwhile waits.",
        pause,
        EndpointShown,
        PauseBody,
    ),
    _route(
        "POST",
        f"{_ONE}/resume",
        "resume-webhook-endpoint",
        "Go on at once, also with accounts that were given up.",
        resume,
        EndpointShown,
    ),
    _route(
        "POST",
        f"{_ONE}/replay",
        "replay-webhook-endpoint",
        "Send everything after a position of the log again.",
        replay,
        EndpointShown,
        ReplayBody,
        status=202,
    ),
    _route(
        "POST",
        f"{_ONE}/roll-secret",
        "roll-webhook-secret",
        "Another secret; for a day messages are signed by both.",
        roll_secret,
        MadeAnswer,
    ),
    _route(
        "POST",
        f"{_ONE}/test",
        "test-webhook-endpoint",
        "Send a message of type `prorata.test` now, and say what came of it.",
        test,
        TestedAnswer,
    ),
    _route(
        "GET",
        f"{_ONE}/attempts",
        "list-webhook-attempts",
        "What was attempted, the newest first.",
        attempts,
        AttemptsAnswer,
        parameters=(_BEFORE, LIMIT),
    ),
    _route(
        "GET",
        f"{_ONE}/deliveries",
        "list-webhook-deliveries",
        "Messages that wait or were sent, by position.",
        deliveries,
        DeliveriesAnswer,
        parameters=(_AFTER, _WAITING, LIMIT),
    ),
)
