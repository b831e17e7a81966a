"""A payment gateway for PRORATA_GATEWAY=tests.support.service.crashing_gateway:opened whose code is at fault:
every charge ends in an error that nobody foresaw."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from service.gateways.port import Charged, Confirmation, Means
from service.gateways.postgres import PostgresTestGateway


class CrashingGateway(PostgresTestGateway):
    """Charges, then fails, with the means among what it says."""

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        charged = await super().charge(key, account_id, amount, currency, means)
        raise ValueError(f"cannot read {charged!r} of {means!r}")

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        await super().save_method(account_id, method)
        raise ValueError(f"cannot keep {method!r}")


def opened(database_url: str, *, patience: float) -> CrashingGateway:
    """A GatewayFactory."""
    return CrashingGateway(database_url, patience=patience)
