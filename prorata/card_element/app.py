"""The element's pages: a field for the security code, or for a whole card; then a form with the token, which
the browser sends to the pages."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args
from urllib.parse import parse_qsl
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.events import DeclineReason
from prorata.pages.assets import STATIC
from prorata.wording import Language, wording
from service.gateways.played import ACTION_REQUIRED, DECLINED, DECLINED_FOR, DECLINED_FOR_GOOD

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Bank: TypeAlias = Callable[[UUID, Literal["paid", "declined"]], Awaitable[None]]

CODES: Final = {
    "000": DECLINED.token,
    "001": ACTION_REQUIRED.token,
    "002": DECLINED_FOR_GOOD.token,
    **{
        f"{number:03}": DECLINED_FOR[reason].token
        for number, reason in enumerate(get_args(DeclineReason), 10)
    },
}
"""Security codes (the last digits of a card alike) that the test gateway answers otherwise than with
"paid"."""

_MOST: Final = 16_384
_STYLE: Final = (STATIC / "prorata.css").read_bytes()
_STYLE_AT: Final = f"/{sha256(_STYLE).hexdigest()[:16]}.css"


class CardElement:
    """An ASGI application. `pages`: the origin of the pages, which alone may show it and get its tokens;
    `bank`: tells the test gateway what a customer has answered to their bank (R96)."""

    def __init__(self, pages: str, bank: Bank) -> None:
        self._pages, self._bank = pages.rstrip("/"), bank
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        given = _pairs(scope["query_string"])
        if path == _STYLE_AT:
            await _sent(
                send, 200, _STYLE, "text/css; charset=utf-8", {"cache-control": "public, max-age=86400"}
            )
        elif path in ("/code", "/card") and method == "GET":
            await self._show(send, "ask.html", given, whole=path == "/card")
        elif path in ("/code", "/card") and method == "POST":
            await self._exchange(send, _pairs(await _body(receive)), whole=path == "/card")
        elif path == "/bank" and method == "GET":
            await self._show(send, "bank.html", given)
        elif path == "/bank" and method == "POST":
            await self._answer(send, _pairs(await _body(receive)))
        else:
            await _sent(send, 404, b"There is nothing here.", "text/plain; charset=utf-8", {})

    async def _exchange(self, send: Send, form: dict[str, str], *, whole: bool) -> None:
        """Take the digits, and answer with a form that holds a token; what is no code is asked for again."""
        code = form.get("code", "").replace(" ", "")
        digits = form.get("number", "").replace(" ", "")
        if not (code.isascii() and code.isdigit() and 3 <= len(code) <= 4):
            await self._show(send, "ask.html", form, whole=whole, wrong=True)
            return
        if whole and not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19):
            await self._show(send, "ask.html", form, whole=whole, wrong=True)
            return
        token = CODES.get(digits[-3:] if whole else code) or f"tok_{secrets.token_urlsafe(18)}"
        await self._show(send, "pay.html", form, whole=whole, token=token)

    async def _answer(self, send: Send, form: dict[str, str]) -> None:
        """What the customer has answered to their bank; the first answer stands."""
        try:
            key = UUID(form.get("reference", "").removeprefix("ref_"))
        except ValueError:
            await self._show(send, "bank.html", form, wrong=True)
            return
        await self._bank(key, "paid" if form.get("answer") == "yes" else "declined")
        await self._show(send, "back.html", form)

    async def _show(
        self,
        send: Send,
        template: str,
        given: dict[str, str],
        *,
        whole: bool = False,
        wrong: bool = False,
        token: str = "",
    ) -> None:
        language: Language = "fr" if given.get("language") == "fr" else "en"
        say = wording(language)
        values = {
            "say": say.say,
            "language": language,
            "style": _STYLE_AT,
            "pages": self._pages,
            "ticket": given.get("ticket", "")[:8_000],
            "amount": given.get("amount", "")[:60],
            "reference": given.get("reference", "")[:100],
            "whole": whole,
            "wrong": wrong,
            "token": token,
        }
        body = self._templates.get_template(template).render(values).encode()
        await _sent(send, 200, body, "text/html; charset=utf-8", self._headers())

    def _headers(self) -> dict[str, str]:
        policy = (
            "default-src 'none'; style-src 'self'; base-uri 'none'; "
            f"form-action 'self' {self._pages}; frame-ancestors {self._pages}"
        )
        return {
            "content-security-policy": policy,
            "cache-control": "no-store",
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
        }


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= _MOST:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
    return b""


def _pairs(text: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(text[:_MOST].decode(), keep_blank_values=True, max_num_fields=20))
    except (ValueError, UnicodeError):
        return {}


async def _sent(send: Send, status: int, body: bytes, media_type: str, headers: dict[str, str]) -> None:
    told = {"content-type": media_type, "content-length": str(len(body)), **headers}
    encoded = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
