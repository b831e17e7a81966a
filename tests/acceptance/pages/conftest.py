"""One server with pages for all tests of this folder; they keep apart by accounts and tenants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.servers.processes import free_port
from tests.support.command_line import CommandLine
from tests.support.http_api import Api, api_at
from tests.support.pages import SIGN_IN_SECRET, Browser, Enter, card_element
from tests.support.servers import SharedServers


@pytest.fixture(scope="session")
def api(servers: SharedServers) -> Iterator[Api]:
    """`prorata serve`, as a member of the service's role."""
    with servers.new_database() as url:
        done = CommandLine(url)("migrate", "--roles")
        assert done.exit_code == 0, done.err
        port = free_port()
        with card_element(port, url) as element:
            settings = {"PRORATA_CARD_ELEMENT": element, "PRORATA_SIGN_IN_SECRET": SIGN_IN_SECRET}
            with api_at(url, settings, port) as running:
                yield running


@pytest.fixture
def enter(api: Api) -> Iterator[Enter]:
    """A browser at the pages of an account, by a link that the API made."""
    browsers: list[Browser] = []

    def entered(account: str, language: str = "en", *, at: str | None = None, **more: str) -> Browser:
        browsers.append(Browser(at or api.url))
        browsers[-1].enter(api, account, language, **more)
        return browsers[-1]

    yield entered
    for browser in browsers:
        browser.close()
