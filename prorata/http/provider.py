"""What the payment provider tells: its signed messages, each a hint to ask it (docs/payments.md)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.http.route import Route
from service.gateways.port import MessageReader
from service.messages import take_signed

PATH: Final = "/v1/provider-messages"
"""Answered without a key: the provider's signature stands in its place."""

SIGNATURES: Final = ("stripe-signature", "x-signature")
"""Headers that providers put their signature in."""


class TakenAnswer(msgspec.Struct, frozen=True):
    """The message was taken, and need not be sent again. `known`: it was recorded before; `open`: the
    provider does not know the end of it yet; `not_ours`: no account here has such a charge."""

    outcome: Literal["recorded", "known", "open", "not_ours"]


class ProviderMessage(msgspec.Struct, frozen=True):
    """Whatever the provider sends: it is read by who signed it, and only as a hint."""


async def take(desk: Desk, call: Call) -> Answered:
    """Take one message, byte for byte as it came."""
    reader = desk.system.gateway
    if not isinstance(reader, MessageReader):
        raise refuse("not_found", "the payment gateway of this system sends no messages")
    signature = next((call.headers[name] for name in SIGNATURES if name in call.headers), "")
    return Answered(TakenAnswer(await take_signed(reader, desk.service, call.body, signature)))


ROUTES = (
    Route(
        "POST",
        PATH,
        "take-provider-message",
        "A signed message of the payment provider: it may come late, twice, or in any order.",
        None,
        take,
        TakenAnswer,
        ProviderMessage,
        tag="provider",
    ),
)
