"""The signatures of messages, as https://www.standardwebhooks.com has them: HMAC-SHA256 of id, time and
body."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain.errors import InvalidInput

PREFIX: Final = "whsec_"
_SHORTEST, _LONGEST = 24, 64


def new_secret() -> str:
    """A secret that nobody guesses."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def checked_secret(text: str, place: str) -> str:
    """The secret itself, if it is one. Raises InvalidInput `invalid_secret`."""
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not text.startswith(PREFIX) or not _SHORTEST <= len(found) <= _LONGEST:
        message = f"a secret is {PREFIX} and {_SHORTEST} to {_LONGEST} bytes in base64"
        raise InvalidInput("invalid_secret", place, message)
    return text


def signed_headers(message_id: str, at: datetime, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The headers that let a receiver know who sent the body, and when; a signature for each secret."""
    stamp = str(int(at.timestamp()))
    content = f"{message_id}.{stamp}.".encode() + body
    signatures = [f"v1,{_signature(secret, content)}" for secret in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()
