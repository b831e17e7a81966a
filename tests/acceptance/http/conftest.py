"""One API for all tests of this folder, on a migrated database; they keep apart by accounts and tenants."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.command_line import CommandLine
from tests.support.http_api import Api, api_at
from tests.support.servers import SharedServers


@pytest.fixture(scope="session")
def api(servers: SharedServers) -> Iterator[Api]:
    """`prorata serve`, as a member of the service's role."""
    with servers.new_database() as url:
        done = CommandLine(url)("migrate", "--roles")
        assert done.exit_code == 0, done.err
        with api_at(url) as running:
            yield running


@pytest.fixture
def shop(api: Api) -> Iterator[httpx.Client]:
    """A client with an owner's key."""
    with api.client() as client:
        yield client
