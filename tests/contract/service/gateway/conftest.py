"""Each payment gateway, asked as scripts and as the tasks of an event loop ask: the same tests for all."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from eventlog.postgres.migrate import EVENTLOG
from prorata.roles import SERVICE as SERVICE_ROLE
from service.gateways.memory import MemoryTestGateway
from service.gateways.postgres import PostgresTestGateway
from service.schema import SERVICE
from tests.support.fake_stripe import FakeStripe
from tests.support.roles import login, migrated
from tests.support.service.blocking_gateway import BlockingGateway, LoopInThread
from tests.support.service.late_gateway import LateGateway
from tests.support.service.stripe_gateway import PlayedStripe

Process = Callable[[], BlockingGateway]
"""Makes another process's gateway on the same books."""


@pytest.fixture(params=["memory", "late", "postgres", "postgres, tasks", "stripe", "stripe, tasks"])
def process(request: pytest.FixtureRequest) -> Iterator[Process]:
    """Each gateway with the rights that Prorata's processes have."""
    if request.param in ("memory", "late"):
        one = BlockingGateway(LateGateway() if request.param == "late" else MemoryTestGateway())
        yield lambda: one
        return
    database_url = request.getfixturevalue("database_url")
    where = login(migrated(database_url, [EVENTLOG, SERVICE]), SERVICE_ROLE)
    with ExitStack() as stack:
        fake = stack.enter_context(FakeStripe())

        def make() -> BlockingGateway:
            gateway: PlayedStripe | PostgresTestGateway
            if request.param.startswith("stripe"):
                gateway = stack.enter_context(closing(PlayedStripe(fake, where)))
            else:
                gateway = stack.enter_context(closing(PostgresTestGateway(where, connections=8)))
            if not request.param.endswith("tasks"):
                return BlockingGateway(gateway)
            loop = stack.enter_context(closing(LoopInThread()))
            if isinstance(gateway, PlayedStripe):
                stack.callback(lambda: loop.ask(gateway.aclose()))
            return BlockingGateway(gateway, loop.ask)

        yield make


@pytest.fixture
def gateway(process: Process) -> BlockingGateway:
    """One process's."""
    return process()


@pytest.fixture
def elsewhere(process: Process, gateway: BlockingGateway) -> BlockingGateway:
    """Another process's, which remembers nothing of the first one's calls."""
    return process()
