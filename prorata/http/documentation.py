"""The API's description, and the pages that a browser makes of it: Swagger UI, whose files are here, so that
no other host is asked. Answered without a key."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Final

from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.problems import RULES, STATUSES, refuse
from prorata.http.route import Answer, Route

DESCRIPTION: Final = Path(__file__).with_name("openapi.json")
_PAGES: Final = Path(__file__).with_name("swagger_ui")

_HEADERS: Final = {
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}

TAG: Final = "documentation"
"""Of what is no part of the description itself."""


@lru_cache
def _compressed(name: str) -> bytes:
    stored = _PAGES / f"{name}.gz"
    return stored.read_bytes() if stored.exists() else gzip.compress((_PAGES / name).read_bytes())


def _file(name: str, media_type: str) -> Answer:
    async def answer(_desk: Desk, call: Call) -> Answered:
        body = _compressed(name)
        if "gzip" in call.headers.get("accept-encoding", ""):
            return Answered(body, 200, {**_HEADERS, "Content-Encoding": "gzip"}, media_type)
        return Answered(gzip.decompress(body), 200, _HEADERS, media_type)

    return answer


@lru_cache(maxsize=1)
def _description() -> bytes:
    return DESCRIPTION.read_bytes()


async def openapi(_desk: Desk, _call: Call) -> Answered:
    """The description, as it is committed."""
    return Answered(_description(), headers={"Cache-Control": "public, max-age=60"})


async def problem(_desk: Desk, call: Call) -> Answered:
    """What a problem's `type` names."""
    code = call.path["code"]
    if code not in STATUSES:
        raise refuse("not_found", "there is no such problem", place="code")
    return Answered({"code": code, "status": STATUSES[code], "rule": RULES.get(code)})


def _page(path: str, name: str, media_type: str) -> Route:
    title = f"docs-{name}"
    return Route("GET", path, title, name, None, _file(name, media_type), tag=TAG, media_type=media_type)


ROUTES = (
    Route("GET", "/openapi.json", "openapi", "This description.", None, openapi, tag=TAG),
    Route("GET", "/docs/problems/{code}", "get-problem", "A problem's status.", None, problem, tag=TAG),
    _page("/docs", "index.html", "text/html"),
    _page("/docs/start.js", "start.js", "text/javascript"),
    _page("/docs/swagger-ui.css", "swagger-ui.css", "text/css"),
    _page("/docs/swagger-ui-bundle.js", "swagger-ui-bundle.js", "text/javascript"),
)
