"""A server's gateway: tasks of one event loop share its connections, which end as the server does."""

import asyncio
import gc
from decimal import Decimal
from uuid import uuid4

import pytest

from prorata.migrations import migrations
from prorata.settings import Settings
from prorata.wiring import open_async_system
from service.gateways.port import Confirmation
from tests.support.fake_stripe import FakeStripe
from tests.support.roles import migrated


def test_a_server_charges_for_many_tasks_and_leaves_no_connection_open(
    fake: FakeStripe, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRORATA_STRIPE_KEY", fake.key)
    monkeypatch.setenv("PRORATA_STRIPE_URL", fake.url)
    settings = Settings(database_url=migrated(database_url, migrations()), gateway="stripe")

    async def serve() -> list[str]:
        async with open_async_system(settings) as system:
            charging = [
                system.gateway.charge(
                    uuid4(), f"main/{n}", Decimal("20.00"), "EUR", Confirmation(fake.confirmation_token())
                )
                for n in range(20)
            ]
            return [charged.answer for charged in await asyncio.gather(*charging)]

    assert asyncio.run(serve()) == ["paid"] * 20
    gc.collect()  # a connection that was left open is a ResourceWarning, which fails this test
