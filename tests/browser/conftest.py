"""A real Chromium at the pages of one server; tests keep apart by accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from prorata.demo.pages import DETAILS, Pages, pages, show_accounts
from prorata.settings import Settings
from scripts.chromium import chromium, flags
from scripts.pages import as_service
from tests.support.servers import SharedServers

Account = Callable[..., Page]


@pytest.fixture(scope="session")
def site(servers: SharedServers) -> Iterator[Pages]:
    """The pages on a migrated database in which the demo's catalogue is in force."""
    with servers.new_database() as url, pages(as_service(Settings(database_url=url))) as site:
        show_accounts(site)
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser; without one these tests fail."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=flags())
        yield opened
        opened.close()


@pytest.fixture
def look(site: Pages, browser: Browser) -> Iterator[Callable[..., Page]]:
    """A browser's page at an account's pages, by a link. `scripts` False: it runs none."""
    contexts: list[Any] = []

    def looking(account: str, language: str = "en", *, scripts: bool = True, width: int = 1280) -> Page:
        context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 900})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page: Page = context.new_page()
        page.goto(site.link(account, language))
        return page

    yield looking
    for context in contexts:
        context.close()


@pytest.fixture
def account(site: Pages) -> Callable[[str], str]:
    """Opens an account that holds a plan since 20 March, on 5 April of its test clock."""

    def opened(name: str) -> str:
        at = f"/v1/accounts/{name}"
        body = {
            "account": name,
            "currency": "EUR",
            "time_zone": "Europe/Paris",
            "clock": "test",
            "at": "2026-03-20",
        }
        site.ask("POST", "/v1/accounts", body)
        site.ask("PUT", f"{at}/billing-details", DETAILS)
        site.ask("POST", f"{at}/purchase-plan", {"product": "standard", "at": "2026-03-20"})
        site.ask("POST", f"{at}/set-payment-method", {"works": True, "at": "2026-04-05"})
        return name

    return opened
