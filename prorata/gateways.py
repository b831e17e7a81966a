"""The payment gateways that the settings choose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from typing import Final, cast

import msgspec

from domain.errors import InvalidInput
from prorata.settings import Settings
from service.gateways.port import GatewayFactory, PaymentGateway
from service.gateways.postgres import PostgresTestGateway

GATEWAY_PATIENCE = 5.0
"""Seconds for the payment gateway: less than `Settings.recover_after`, so that a live process gives up
first."""

_TO_SPARE: Final = 3.0
"""Seconds by which a provider's answer must come before its payment may be taken over."""

_SHIPPED: Final = {"stripe": "service.gateways.stripe:opened"}


class Gateways(msgspec.Struct, frozen=True):
    """Where accounts pay: those on the wall clock, and those on a test clock."""

    wall: PaymentGateway
    test: PaymentGateway
    serve_the_wall_clock: bool


@contextmanager
def opened_gateways(settings: Settings) -> Iterator[Gateways]:
    """The gateways, for the time of a `with`.

    Raises InvalidInput `invalid_setting` where PRORATA_GATEWAY names nothing that there is.
    """
    url, books = settings.database_url, settings.test_gateway_url or settings.database_url
    with ExitStack() as stack:
        test = stack.enter_context(closing(PostgresTestGateway(books, patience=GATEWAY_PATIENCE)))
        if settings.gateway == "test":
            yield Gateways(test, test, settings.allow_test_gateway)
            return
        factory = gateway_factory(settings.gateway)
        patience = max(GATEWAY_PATIENCE, settings.recover_after - _TO_SPARE)
        chosen = stack.enter_context(closing(factory(url, patience=patience)))
        yield Gateways(chosen, test, serve_the_wall_clock=True)


def gateway_factory(name: str) -> GatewayFactory:
    """The factory that is named `stripe` or `module:factory`.

    Raises InvalidInput `invalid_setting`.
    """
    module, _, attribute = _SHIPPED.get(name, name).partition(":")
    try:
        return cast("GatewayFactory", getattr(import_module(module), attribute))
    except (ImportError, AttributeError) as error:
        raise InvalidInput("invalid_setting", "PRORATA_GATEWAY", f"{name!r} cannot be had: {error}") from None
