"""`prorata gateway event`: takes one message of the payment provider (docs/payments.md)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from domain.errors import DONE, InvalidInput
from prorata.settings import Settings

MOST_BYTES: Final = 1_000_000
"""Of a message: providers' are a few thousand."""

_SAID: Final = {
    "recorded": "recorded",
    "known": "known already: nothing new was recorded",
    "open": "the provider does not know the end of it yet: nothing was recorded",
    "not_ours": "no account here has such a charge, or it is about something else: nothing was recorded",
}


def event(
    file: Annotated[
        str,
        Parameter(
            help="The message's body, byte for byte as it came; - for stdin.", allow_leading_hyphen=True
        ),
    ],
    *,
    signature: Annotated[
        str, Parameter(help="The header that signs it; Stripe's is called Stripe-Signature.")
    ],
) -> int:
    """Take one message of the payment provider: a hint to ask it how a charge or a dispute stands.

    It may come late, twice, or in any order: each fact is recorded once.

    Exit 0: it was taken. 2: the provider did not sign it, or it cannot be read. 3: the provider or the system
    could not be reached: give it again.
    """
    from prorata.wiring import running
    from service.completing import complete
    from service.gateways.port import MessageReader
    from service.messages import take_signed

    body = _read(file)
    settings = Settings.of()
    with running(settings) as system:
        reader = system.gateways.wall
        if not isinstance(reader, MessageReader):
            reason = f"the gateway {settings.gateway!r} sends no messages"
            raise InvalidInput("invalid_setting", "PRORATA_GATEWAY", reason)
        print(_SAID[complete(take_signed(reader, system.service.core, body, signature))])
    return DONE


def _read(file: str) -> bytes:
    if file == "-":
        body = sys.stdin.buffer.read(MOST_BYTES + 1)
    else:
        with Path(file).open("rb") as source:
            body = source.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise InvalidInput("invalid_message", "", f"it is longer than {MOST_BYTES:,} bytes")
    return body
