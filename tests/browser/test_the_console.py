"""The console in a real browser: axe finds nothing on its pages, nothing is wider than a phone, the sliders
move the account without a new page, and all of it works without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from prorata.demo.pages import Pages

PATHS = {
    "support": (
        "",
        "/find?q=zebra",
        "/accounts/ada",
        "/accounts/ada?version=6",
        "/accounts/ada?at=nonsense",
        "/accounts/ada/story",
        "/accounts/ada/events/3",
        "/accounts/ada/documents/2",
        "/accounts/ada/what-if?do=cancel_plan&by=owner&family=marketing&try=1",
        "/accounts/ada/compare?from=version:3&to=version:6",
        "/accounts/ada/statement",
        "/accounts/ada/correct?do=grant_discount&percent=10&for=3&try=1",
        "/accounts/ada/verify",
        "/accounts/nobody",
    ),
    "operator": ("/status", "/webhooks", "/catalogues", "/catalogues/1"),
    "finance": ("/books", "/books/receivables?clock=test", "/books/revenue", "/books/recurring?clock=test"),
}
SignedIn = Callable[..., Page]


@pytest.fixture
def signed_in(site: Pages, browser: Browser) -> Iterator[SignedIn]:
    """A browser's page at the console, signed in with a key of a role."""
    contexts: list[Any] = []

    def signing_in(role: str = "support", *, scripts: bool = True, width: int = 1280) -> Page:
        context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 900})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page: Page = context.new_page()
        page.goto(f"{site.url}/console")
        page.get_by_label("API key").fill(site.key(role))  # type: ignore[arg-type, unused-ignore]
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Accounts").wait_for()
        return page

    yield signing_in
    for context in contexts:
        context.close()


@pytest.mark.parametrize("role", PATHS)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_on_the_console(
    signed_in: SignedIn, site: Pages, role: str, width: int, scheme: str
) -> None:
    page = signed_in(role, width=width)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type, unused-ignore]
    for path in PATHS[role]:
        page.goto(f"{site.url}/console{path}", wait_until="networkidle")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == [], path
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, (path, too_wide)


def test_the_sliders_move_the_account_without_a_new_page(signed_in: SignedIn, site: Pages) -> None:
    page = signed_in()
    page.goto(f"{site.url}/console/accounts/ada")
    page.evaluate("window.stays = true")
    page.get_by_label("As it was on the day").press("Home")
    page.get_by_role("heading", name="As it was at").wait_for()
    page.wait_for_url("**/accounts/ada?at=*")
    assert page.evaluate("window.stays")
    address = page.url
    page.goto(address)
    assert page.get_by_role("heading", name="As it was at").is_visible()


def test_the_console_works_without_scripts(signed_in: SignedIn, site: Pages) -> None:
    page = signed_in(scripts=False)
    page.goto(f"{site.url}/console/accounts/ada")
    page.get_by_label("As it was on the day").press("Home")
    page.get_by_role("button", name="Show this moment").first.click()
    page.wait_for_url("**/accounts/ada?at=*")
    assert page.get_by_role("heading", name="As it was at").is_visible()


def test_the_console_asks_no_other_host_for_anything(signed_in: SignedIn, site: Pages) -> None:
    page, asked = signed_in(), set()
    page.on("request", lambda request: asked.add(request.url.split("/")[2]))
    for path in PATHS["support"]:
        page.goto(f"{site.url}/console{path}", wait_until="networkidle")
    assert asked == {site.url.split("/")[2]}
