"""Links that a company's own sign-in makes by itself, without asking the API: signed with a shared secret.

    text = signed(secret, SignedLink("acme", "a1", "fr", None, expires_at, "n-17"))
    read(secret, text, now).account          # "a1"; None: not signed so, or its time is over

`/account/enter?link=TEXT`: the link's JSON in base64url, a dot, the HMAC-SHA256 of these characters in
base64url. `id` makes it another link each time: each is for one use.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from domain.calendar import Instant
from prorata.portal.sessions import LINK_LASTS
from prorata.wording import Language

_LONGEST: Final = 4_000


class SignedLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whose pages, until when the link can be used (15 minutes ahead at most), and where they lead back
    to."""

    tenant: Annotated[str, Meta(min_length=1)]
    account: Annotated[str, Meta(min_length=1)]
    expires_at: Instant
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    language: Language = "en"
    return_url: str | None = None


def signed(secret: str, link: SignedLink) -> str:
    """The text of the link."""
    contents = _text(msgspec.json.encode(link))
    return f"{contents}.{_text(_mark(secret, contents))}"


def read(secret: str, text: str, now: datetime) -> SignedLink | None:
    """The link, if it was signed with the secret and can be used now."""
    contents, _, mark = text[:_LONGEST].rpartition(".")
    if not hmac.compare_digest(_mark(secret, contents), _bytes(mark)):
        return None
    try:
        link = msgspec.json.decode(_bytes(contents), type=SignedLink)
    except msgspec.DecodeError:
        return None
    return link if now < link.expires_at <= now + LINK_LASTS else None


def _mark(secret: str, contents: str) -> bytes:
    return hmac.digest(secret.encode(), contents.encode(), "sha256")


def _text(contents: bytes) -> str:
    return urlsafe_b64encode(contents).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode("ascii", "ignore") + b"=" * (-len(text) % 4))
    except ValueError:
        return b""
