"""The Stripe adapter over the fake, its tables in PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.fake_stripe import FakeStripe
from tests.support.service.blocking_gateway import AskedGateway
from tests.support.service.stripe_gateway import stripe_gateway


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        yield fake


@pytest.fixture
def gateway(fake: FakeStripe, service_url: str) -> Iterator[AskedGateway]:
    with closing(stripe_gateway(fake, service_url)) as gateway:
        yield AskedGateway(gateway)


@pytest.fixture
def other(fake: FakeStripe, service_url: str) -> Iterator[AskedGateway]:
    """Another process's."""
    with closing(stripe_gateway(fake, service_url)) as gateway:
        yield AskedGateway(gateway)
