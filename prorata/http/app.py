"""The routes as a Litestar application, and the gate around it.

app = application(desk, keyring)      # ASGI, for granian and for tests
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, cast

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.failures import problem_of
from prorata.http.gate import CALL, App, Gate, Limits
from prorata.http.keyring import Keyring
from prorata.http.problems import Problem
from prorata.http.route import Route, public_paths
from prorata.http.sending import problem_answer, written
from prorata.http.table import routes

HttpRequest = Request[Any, Any, Any]


def application(desk: Desk, keyring: Keyring, limits: Limits | None = None) -> Gate:
    """The whole API."""
    known = routes()
    handlers = [_handler(route, desk) for route in known]
    inner = Litestar(
        route_handlers=handlers,
        openapi_config=None,
        exception_handlers={HTTPException: _not_routed, Exception: _failed},
        logging_config=None,
        signature_namespace={"HttpRequest": HttpRequest},
    )
    return Gate(cast("App", inner), keyring, desk.traffic, public_paths(known), limits)


def _handler(route: Route, desk: Desk) -> HTTPRouteHandler:
    async def handle(request: HttpRequest) -> Response[Any]:
        call = _call_of(request)
        call.path = {name: str(value) for name, value in request.path_params.items()}
        try:
            return _response(await route.answered(desk, call), call)
        except Exception as error:  # noqa: BLE001 - each is told as a problem, and logged where it is ours
            found = problem_of(error, call.request_id)
            return _response(problem_answer(found.problem, call, found.headers), call)

    handle.__name__ = route.name.replace("-", "_")
    made: HTTPRouteHandler = HTTPRouteHandler(
        route.litestar_path, http_method=route.method, name=f"{route.method} {route.path}", status_code=200
    )(handle)
    return made


def _call_of(request: HttpRequest) -> Call:
    call: Call = cast("MutableMapping[str, Any]", request.scope)[CALL]
    return call


def _response(answered: Answered, call: Call) -> Response[Any]:
    if hasattr(answered.body, "__aiter__"):
        return Stream(
            answered.body,
            status_code=answered.status,
            headers=answered.headers,
            media_type=answered.media_type,
        )
    body, headers = written(answered, call.headers.get("accept-encoding", ""))
    named = {name.decode(): value.decode("latin-1") for name, value in headers if name != b"content-length"}
    media_type = named.pop("content-type")
    return Response(body, status_code=answered.status, headers=named, media_type=media_type)


def _not_routed(request: HttpRequest, error: HTTPException) -> Response[Any]:
    call = _call_of(request)
    headers: dict[str, str] = {}
    if isinstance(error, NotFoundException):
        problem = Problem.of("not_found", "there is nothing here")
    elif isinstance(error, MethodNotAllowedException):
        problem = Problem.of("method_not_allowed", "this is not done to that: see /docs")
        headers = dict(error.headers or {})
    else:
        problem = Problem.of("malformed_request", "the request cannot be read", status=error.status_code)
    return _response(problem_answer(problem, call, headers), call)


def _failed(request: HttpRequest, error: Exception) -> Response[Any]:
    call = _call_of(request)
    found = problem_of(error, call.request_id)
    return _response(problem_answer(found.problem, call, found.headers), call)
