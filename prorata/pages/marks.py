"""Marks that only a session's secret makes: of a form, so that no other site's is taken for ours, and of what
a form carries, so that nothing is confirmed that was not shown.

    csrf_token(secret)                              # in each form, another one each time
    is_csrf_token(secret, given)
    sealed(secret, "ticket", b"…")                  # a text, which holds the contents and their mark
    opened(secret, "ticket", text)                  # b"…"; None: nobody with this secret made it
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

_NONCE: Final = 12
_MARK: Final = 24
_LONGEST: Final = 8_000


def csrf_token(secret: bytes) -> str:
    """A mark of the session's own forms; never the same twice, so that compression tells nothing of it."""
    nonce = secrets.token_bytes(_NONCE)
    return _text(nonce + _mark(secret, "csrf", nonce))


def is_csrf_token(secret: bytes, given: str) -> bool:
    """Whether the session made it."""
    held = _bytes(given)
    return len(held) == _NONCE + _MARK and _same(held[_NONCE:], _mark(secret, "csrf", held[:_NONCE]))


def sealed(secret: bytes, purpose: str, contents: bytes) -> str:
    """The contents with their mark, as a text for a form or a URL."""
    return _text(_mark(secret, purpose, contents) + contents)


def opened(secret: bytes, purpose: str, given: str) -> bytes | None:
    """The contents, if they were sealed with this secret for this purpose."""
    held = _bytes(given)
    mark, contents = held[:_MARK], held[_MARK:]
    return contents if _same(mark, _mark(secret, purpose, contents)) else None


def _mark(secret: bytes, purpose: str, contents: bytes) -> bytes:
    return hmac.digest(secret, purpose.encode() + b"\0" + contents, "sha256")[:_MARK]


def _same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)


def _text(contents: bytes) -> str:
    return urlsafe_b64encode(contents).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    if len(text) > _LONGEST or not text.isascii():
        return b""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
