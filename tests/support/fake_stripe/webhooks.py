"""How Stripe signs what it sends: written down here a second time, from its description of the header."""

from __future__ import annotations

import hashlib
import hmac


def signed(body: bytes, secret: str, at: float) -> str:
    """The header `Stripe-Signature`."""
    return f"t={int(at)},v1={_signature(body, secret, at)},v0={_signature(body, 'test_mode', at)}"


def _signature(body: bytes, secret: str, at: float) -> str:
    return hmac.new(secret.encode(), b"%d.%s" % (int(at), body), hashlib.sha256).hexdigest()
