"""Stripe as the payment provider.

    with closing(opened(database_url, patience=7.0)) as gateway:
        await gateway.charge(key, "main/a1", Decimal("20.00"), "EUR", Confirmation("ctoken_…"))

`gateway` keeps the promises of the port on two steps: a payment intent is created unconfirmed, its name is
written into the row of its key, and only who wrote it confirms it, once. `calls` asks Stripe, `books` are the
tables, `messages` reads what Stripe sends of its own accord, `opening` reads the settings. The package
`stripe` is imported when a gateway is opened, so whoever opens none need not have it.
"""

from __future__ import annotations

from domain.errors import InvalidInput
from service.gateways.port import OpenedGateway


def opened(database_url: str, *, patience: float) -> OpenedGateway:
    """A gateway at the Stripe account of `PRORATA_STRIPE_KEY`.

    Raises InvalidInput `invalid_setting` where the environment lacks something, or the package is not there.
    """
    try:
        from service.gateways.stripe.opening import open_stripe
    except ImportError as error:
        reason = f"{error}: install it with `pip install 'prorata[stripe]'`"
        raise InvalidInput("invalid_setting", "PRORATA_GATEWAY", reason) from None
    return open_stripe(database_url, patience=patience)
