"""The pages as a Litestar application, and the one that has the API behind its other paths.

app = Site(application(desk, keyring), pages_application(desk, keyring))      # ASGI, for granian
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, Final, cast

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from prorata.http.call import Answered
from prorata.http.desk import Desk
from prorata.http.failures import problem_of
from prorata.http.gate import App, Gate, Limits, Receive, Send
from prorata.http.keyring import Keyring
from prorata.http.problems import Problem
from prorata.http.sending import Scope, written
from prorata.pages.assets import Assets, page_of
from prorata.pages.console.start_pages import sign_in_pages
from prorata.pages.gate import VISIT, PagesGate
from prorata.pages.page import Away, Page, Seen, Shown, Visit
from prorata.pages.rendering import Renderer
from prorata.pages.sessions import cookie
from prorata.pages.table import pages
from prorata.portal.sessions import PortalSession, StaffSession

HttpRequest = Request[Any, Any, Any]

_ROOTS: Final = ("/account", "/console")
_BELOW: Final = ("/account/", "/console/", "/static/")


class Site:
    """The pages where a path is one of theirs, and the API elsewhere."""

    def __init__(self, api: App, pages_: App) -> None:
        self._api, self._pages = api, pages_

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._pages if scope["type"] == "http" and _is_page(scope) else self._api
        await app(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    path: str = scope["path"]
    if path in _ROOTS or path.startswith(_BELOW):
        return True
    return path.startswith("/portal/") and any(
        name.lower() == b"accept" and b"text/html" in value for name, value in scope["headers"]
    )


def pages_application(desk: Desk, keyring: Keyring, limits: Limits | None = None) -> Gate:
    """All pages."""
    renderer = Renderer(desk.settings, Assets(desk.settings.pages_theme))
    table = (*pages(), page_of(renderer.assets), *sign_in_pages(keyring))
    inner = Litestar(
        route_handlers=[_handler(page, desk, renderer) for page in table],
        openapi_config=None,
        exception_handlers={HTTPException: _not_routed(renderer), Exception: _failed(renderer)},
        logging_config=None,
        signature_namespace={"HttpRequest": HttpRequest},
    )
    return PagesGate(cast("App", inner), keyring, desk, renderer, _finder(table), limits)


def _finder(table: tuple[Page, ...]) -> Any:
    """Which page is at a path."""
    patterns = [(page.method, re.compile(re.sub(r"\{\w+\}", "[^/]+", page.path)), page) for page in table]

    def page_at(method: str, path: str) -> Page | None:
        path = path.rstrip("/") or "/"
        found = [page for asked, pattern, page in patterns if asked == method and pattern.fullmatch(path)]
        return min(found, key=lambda page: page.path.count("{"), default=None)

    return page_at


def _handler(page: Page, desk: Desk, renderer: Renderer) -> HTTPRouteHandler:
    async def handle(request: HttpRequest) -> Response[Any]:
        visit = _visit_of(request)
        visit.call.path = {name: str(value) for name, value in request.path_params.items()}
        if isinstance(visit.session, PortalSession):
            visit.call.path["account"] = visit.session.account_id.partition("/")[2]
        visit.call.route = page.name
        try:
            seen = await page.answer(desk, visit)
            return _response(await _answered(seen, desk, visit, renderer), visit, _cookies(seen, desk, visit))
        except Exception as error:  # noqa: BLE001 - each is told as a page, and logged where it is ours
            found = problem_of(error, visit.call.request_id)
            return _response(renderer.problem(found.problem, visit.call, found.headers), visit)

    handle.__name__ = page.name.replace("-", "_")
    made: HTTPRouteHandler = HTTPRouteHandler(
        page.litestar_path, http_method=page.method, name=f"{page.method} {page.path}", status_code=200
    )(handle)
    return made


async def _answered(seen: Seen, desk: Desk, visit: Visit, renderer: Renderer) -> Answered:
    match seen:
        case Shown():
            return await desk.run(lambda: renderer.answered(seen, visit))
        case Away():
            return Answered(b"", 303, {"Location": seen.to, "Cache-Control": "no-store"}, "text/plain")
        case _:
            return seen


def _cookies(seen: Seen, desk: Desk, visit: Visit) -> str | None:
    """The session's new token, unless the page says otherwise."""
    if isinstance(seen, Away) and seen.cookie is not None:
        return seen.cookie
    if visit.new_token is None:
        return None
    return cookie(
        desk, visit, "staff" if isinstance(visit.session, StaffSession) else "customer", visit.new_token
    )


def _visit_of(request: HttpRequest) -> Visit:
    visit: Visit = cast("MutableMapping[str, Any]", request.scope)[VISIT]
    return visit


def _response(answered: Answered, visit: Visit, set_cookie: str | None = None) -> Response[Any]:
    if hasattr(answered.body, "__aiter__"):
        return Stream(
            answered.body,
            status_code=answered.status,
            headers=answered.headers,
            media_type=answered.media_type,
        )
    body, headers = written(answered, visit.call.headers.get("accept-encoding", ""))
    named = {name.decode(): value.decode("latin-1") for name, value in headers if name != b"content-length"}
    media_type = named.pop("content-type").removesuffix("; charset=utf-8")  # Litestar adds it to texts
    if set_cookie is not None:
        named["set-cookie"] = set_cookie
    return Response(body, status_code=answered.status, headers=named, media_type=media_type)


def _not_routed(renderer: Renderer) -> Any:
    def answer(request: HttpRequest, error: HTTPException) -> Response[Any]:
        visit = _visit_of(request)
        status = 405 if isinstance(error, MethodNotAllowedException) else 404
        code = "method_not_allowed" if status == 405 else "not_found"
        problem = Problem.of(code, "there is nothing here", status=status)
        return _response(renderer.problem(problem, visit.call, {}), visit)

    return answer


def _failed(renderer: Renderer) -> Any:
    def answer(request: HttpRequest, error: Exception) -> Response[Any]:
        visit = _visit_of(request)
        found = problem_of(error, visit.call.request_id)
        return _response(renderer.problem(found.problem, visit.call, found.headers), visit)

    return answer
