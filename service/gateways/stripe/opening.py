"""The settings of the Stripe adapter, which are secrets, and what they open."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from domain.errors import InvalidInput
from service.gateways.stripe.books import StripeBooks
from service.gateways.stripe.calls import StripeCalls
from service.gateways.stripe.gateway import StripeGateway
from service.gateways.stripe.messages import StripeMessages

_LIVE_KEYS: Final = ("sk_live_", "rk_live_")
_TEST_KEYS: Final = ("sk_test_", "rk_test_")
_HERE: Final = ("127.0.0.1", "::1", "localhost")


class StripeSettings(msgspec.Struct, frozen=True):
    """Each field is the environment variable of its name: `key` is PRORATA_STRIPE_KEY."""

    key: str
    """The secret or restricted key of the Stripe account."""

    webhook_secrets: tuple[str, ...] = ()
    """`whsec_…` of the endpoint that Stripe sends its messages to; several, by commas, while it is rolled."""

    live: bool = False
    """Whether the key is one of live mode (`1`): real money. Without it a live key is refused, with it a test
    key is."""

    url: str | None = None
    """Where Stripe is; for tests on this machine only."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> StripeSettings:
        """Raises InvalidInput `invalid_setting`, which names the variable and never a key."""
        key = environment.get("PRORATA_STRIPE_KEY", "")
        live = environment.get("PRORATA_STRIPE_LIVE", "") == "1"
        _check_key(key, live=live)
        if environment.get("STRIPE_LOG"):
            reason = "Stripe's package would write customers' confirmations to stderr: unset it"
            raise InvalidInput("invalid_setting", "STRIPE_LOG", reason)
        secrets = environment.get("PRORATA_STRIPE_WEBHOOK_SECRETS", "")
        return cls(
            key,
            tuple(secret.strip() for secret in secrets.split(",") if secret.strip()),
            live,
            _checked_url(environment.get("PRORATA_STRIPE_URL"), live=live),
        )

    def __repr__(self) -> str:
        return f"StripeSettings(live={self.live}, …)"


def open_stripe(
    database_url: str, *, patience: float, environment: Mapping[str, str] | None = None
) -> StripeGateway:
    """The gateway, as the environment says."""
    settings = StripeSettings.of(os.environ if environment is None else environment)
    books = StripeBooks(database_url, patience=patience)
    calls = StripeCalls(settings.key, url=settings.url, patience=patience)
    messages = StripeMessages(calls, books, settings.webhook_secrets, live=settings.live)
    return StripeGateway(calls, books, messages)


def _check_key(key: str, *, live: bool) -> None:
    reason = None
    if not key.startswith(_LIVE_KEYS + _TEST_KEYS):
        reason = "it is no secret key of Stripe's (sk_test_…, rk_test_…, sk_live_…, rk_live_…)"
    elif key.startswith(_LIVE_KEYS) and not live:
        reason = "it charges real money: set PRORATA_STRIPE_LIVE=1 if that is meant"
    elif key.startswith(_TEST_KEYS) and live:
        reason = "it charges nobody, but PRORATA_STRIPE_LIVE=1 asks for real money"
    if reason is not None:
        raise InvalidInput("invalid_setting", "PRORATA_STRIPE_KEY", reason)


def _checked_url(url: str | None, *, live: bool) -> str | None:
    if not url:
        return None
    if live or urlsplit(url).hostname not in _HERE:
        reason = "it is for tests, on this machine, with a test key"
        raise InvalidInput("invalid_setting", "PRORATA_STRIPE_URL", reason)
    return url
