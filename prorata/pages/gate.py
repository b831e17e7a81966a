"""What every request for a page passes: it is bounded as the API's are, who asks is known by the session's
cookie, and a form is one of ours. What is refused is told as a page."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode

from prorata.http.call import Call
from prorata.http.card_data import MESSAGE as CARD_DATA
from prorata.http.card_data import card_data_in_pairs
from prorata.http.desk import Desk
from prorata.http.gate import App, Gate, Limits, Receive, Send, address_of, query_of
from prorata.http.keyring import Keyring
from prorata.http.problems import Problem, ProblemFound, refuse
from prorata.http.sending import Scope, send_answer
from prorata.keys.key import ApiKey
from prorata.pages.marks import is_csrf_token
from prorata.pages.page import Page, Visit
from prorata.pages.rendering import Renderer
from prorata.pages.sessions import COOKIES, base_of
from prorata.portal.sessions import PortalSession

VISIT: Final = "prorata.visit"
"""Where the scope holds the `Visit`."""

_FORM: Final = "application/x-www-form-urlencoded"


class PagesGate(Gate):
    """Lets requests for pages in. `page_at`: the page of a method and path, None: there is none."""

    def __init__(
        self,
        routes: App,
        keyring: Keyring,
        desk: Desk,
        renderer: Renderer,
        page_at: Callable[[str, str], Page | None],
        limits: Limits | None = None,
    ) -> None:
        super().__init__(routes, keyring, desk.traffic, lambda _: False, limits)
        self._keys, self._desk, self._renderer, self._page_at = keyring, desk, renderer, page_at

    async def _let_in(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        visit = scope[VISIT] = Visit(call, method, path, address_of(scope))
        self._check_head(scope, path)
        pairs = query_of(scope)
        call.query = dict(pairs)
        page = self._page_at("GET" if method == "HEAD" else method, path)
        if page is not None:
            await self._recognise(page, visit)
            if page.method == "POST":
                visit.form = await self._form(call, receive, pairs)
                self._check_proof(page, visit)
        await self._answered_in_time(scope, receive, send)

    async def _recognise(self, page: Page, visit: Visit) -> None:
        """Who asks. Raises ProblemFound `session_over`."""
        if page.who == "anyone":
            return
        desk, token = self._desk, _cookies(visit.call).get(COOKIES[page.who], "")
        now = await desk.now()
        if page.who == "customer":
            session = await desk.run(lambda: desk.portal.session(token, now)) if token else None
            if session is None:
                raise _over(page, visit)
            visit.session, visit.call.key = session, key_of(session)
            visit.call.language = session.language
        else:
            staff = await desk.run(lambda: desk.portal.staff(token, now)) if token else None
            if staff is None:
                raise _over(page, visit)
            visit.session = staff
            visit.call.key = await self._keys.admit_again(staff.key_id, visit.address)
            visit.call.language = staff.language
        if visit.method == "GET" and visit.session.rotates(now):
            session_now = visit.session
            rotated = await desk.run(lambda: desk.portal.rotated(session_now, now))
            if rotated.token != visit.session.token:
                visit.session, visit.new_token = rotated, rotated.token

    async def _form(self, call: Call, receive: Receive, query: list[tuple[str, str]]) -> dict[str, str]:
        body = await self._received(call, receive)
        kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and kind != _FORM:
            raise refuse("unsupported_media_type", f"a form is {_FORM}", place="Content-Type")
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
        except (ValueError, UnicodeError):
            raise refuse("malformed_request", "the form cannot be read") from None
        if (place := card_data_in_pairs([*pairs, *query])) is not None:
            raise refuse("card_data_refused", CARD_DATA, place=place)
        return dict(pairs)

    def _check_proof(self, page: Page, visit: Visit) -> None:
        """Raise ProblemFound `form_over` for a form that is not one of this session's pages. One of a ticket
        is checked by who opens the ticket."""
        if page.proof == "ticket":
            return
        origin = visit.call.headers.get("origin")
        if origin is not None and origin != base_of(self._desk, visit.call):
            raise _forged()
        if page.proof == "origin":
            if origin is None:
                raise _forged()
            return
        session = visit.session
        if session is None or not is_csrf_token(session.secret, visit.form.get("csrf", "")):
            raise _forged()

    async def _tell(self, send: Send, problem: Problem, call: Call, headers: dict[str, str]) -> None:
        answered = self._renderer.problem(problem, call, headers)
        await send_answer(send, answered, call)


def key_of(session: PortalSession) -> ApiKey:
    """What a customer may do: all that the owner of that account may, as the API's routes ask it of a key."""
    tenant = session.account_id.partition("/")[0]
    return ApiKey("portal", tenant, "portal", "owner", "", (), session.issued_at)


def _cookies(call: Call) -> dict[str, str]:
    try:
        jar = SimpleCookie(call.headers.get("cookie", "")[:8_000])
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def _over(page: Page, visit: Visit) -> ProblemFound:
    message = "the session is over, or there was none"
    if page.sign_in is None:
        return ProblemFound(Problem.of("session_over", message, status=401))
    onward = ""
    if visit.method in ("GET", "HEAD"):
        asked = f"{visit.path}?{urlencode(visit.call.query)}" if visit.call.query else visit.path
        onward = f"?{urlencode({'next': asked})}"
    headers = {"Location": f"{page.sign_in}{onward}"}
    return ProblemFound(Problem.of("session_over", message, status=303), headers)


def _forged() -> ProblemFound:
    return ProblemFound(Problem.of("form_over", "this form is not of this session", status=403))
