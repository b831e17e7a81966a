"""The files that pages load: style, htmx, the company's theme and logo. Their address holds their digest, so
a browser keeps them for ever, and never keeps an old one.

    asset("prorata.css")       # "/static/3f2a…/prorata.css"
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from prorata.http.call import Answered
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.pages.page import Page, Visit

STATIC: Final = Path(__file__).with_name("static")
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
}
THEME: Final = ("theme.css", "logo.svg", "logo.png", "logo.webp")
"""What a company may put into the folder of `PRORATA_PAGES_THEME`."""

_FOR_EVER: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}
_IMAGE: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""An SVG that is opened by itself runs nothing."""


class Assets:
    """The files, read once; `theme`: the company's folder."""

    def __init__(self, theme: str | None = None) -> None:
        self._files = {path.name: path for path in STATIC.iterdir() if path.suffix in TYPES}
        if theme is not None:
            self._files |= {name: Path(theme) / name for name in THEME if (Path(theme) / name).is_file()}
        self._contents = {name: path.read_bytes() for name, path in self._files.items()}
        self._digests = {name: sha256(body).hexdigest()[:16] for name, body in self._contents.items()}

    def asset(self, name: str) -> str:
        """The file's address."""
        return f"/static/{self._digests[name]}/{name}"

    @property
    def theme(self) -> str | None:
        """The address of the company's own style, if it has one."""
        return self.asset("theme.css") if "theme.css" in self._digests else None

    @property
    def logo(self) -> str | None:
        """The address of the company's logo, if it has one."""
        return next((self.asset(name) for name in THEME[1:] if name in self._digests), None)

    def answer(self, digest: str, name: str, accepted: str) -> Answered:
        """The file. Of another digest, as of another server's release, it is not kept. Raises ProblemFound
        `not_found`."""
        if name not in self._contents:
            raise refuse("not_found", "there is nothing here")
        headers = dict(_FOR_EVER)
        if digest != self._digests[name]:
            headers["Cache-Control"] = "no-cache"
        suffix = self._files[name].suffix
        if suffix == ".svg":
            headers["Content-Security-Policy"] = _IMAGE
        body = self._contents[name]
        if suffix in (".css", ".js", ".svg") and "gzip" in accepted:
            headers |= {"Content-Encoding": "gzip", "Vary": "accept-encoding"}
            body = _compressed(body)
        return Answered(body, 200, headers, TYPES[suffix])


@lru_cache(maxsize=64)
def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, 9)


def page_of(assets: Assets) -> Page:
    """The page that serves them."""

    async def answer(_desk: Desk, visit: Visit) -> Answered:
        call = visit.call
        return assets.answer(call.path["digest"], call.path["name"], call.headers.get("accept-encoding", ""))

    return Page("GET", "/static/{digest}/{name}", "static", "anyone", answer)
