"""A picture of each page at 1280 and 390 pixels, into screenshots/: python -m scripts.screenshots (make
screenshots)."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from prorata.demo.pages import Pages, pages, show_accounts
from prorata.keys.key import Role
from prorata.settings import Settings
from scripts.chromium import chromium, flags
from scripts.pages import as_service

FOLDER = Path(__file__).parents[1] / "screenshots"
WIDTHS = (1280, 390)
PAGES = {
    "ada": (
        "shop",
        "billing",
        "invoices",
        "invoices/3",
        "statement?from=2026-01-01&until=2026-08-01",
        "estimate",
        "details",
        "payment-method",
        "transactional",
        "shop?buy=extra_seats",
        "confirm?do=cancel_plan&family=marketing",
        "nothing",
    ),
    "bruno": ("billing", "shop", "confirm?do=pay_balance"),
    "chloe": ("billing",),
    "dora": ("billing", "invoices", "shop"),
}

CONSOLE: dict[Role, tuple[str, ...]] = {
    "support": (
        "accounts/ada",
        "accounts/ada?version=6",
        "accounts/ada/story",
        "accounts/ada/events/3",
        "accounts/ada/what-if?do=cancel_plan&by=owner&family=marketing&try=1",
        "accounts/ada/compare?from=version:3&to=version:6",
        "accounts/ada/correct?do=grant_discount&percent=10&for=3&try=1",
    ),
    "operator": ("status", "catalogues"),
    "finance": ("books/recurring?clock=test", "books/receivables?clock=test"),
}


def name_of(account: str, path: str) -> str:
    """The picture's name."""
    plain = "".join(ch if ch.isalnum() else "-" for ch in path)
    return f"{account}-{plain}"


def main() -> int:
    """Make them."""
    FOLDER.mkdir(exist_ok=True)
    with pages(as_service(Settings.of())) as site, sync_playwright() as playwright:
        show_accounts(site)
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags())
        for width in WIDTHS:
            for account, paths in PAGES.items():
                context = browser.new_context(viewport={"width": width, "height": 900})
                page = context.new_page()
                page.goto(site.link(account))
                for path in paths:
                    page.goto(f"{site.url}/account/{path}", wait_until="networkidle")
                    page.screenshot(path=FOLDER / f"{name_of(account, path)}-{width}.png", full_page=True)
                if account == "ada":
                    _windows(page, site, width)
                context.close()
            for role, paths in CONSOLE.items():
                context = browser.new_context(viewport={"width": width, "height": 900})
                _console(context.new_page(), site, role, paths, width)
                context.close()
        browser.close()
    print(f"{len(list(FOLDER.glob('*.png')))} pictures are in {FOLDER}")
    return 0


def _console(page: Page, site: Pages, role: Role, paths: tuple[str, ...], width: int) -> None:
    """The console's pages, as a role sees them."""
    page.goto(f"{site.url}/console")
    page.get_by_label("API key").fill(site.key(role))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("networkidle")
    for path in ("", *paths):
        page.goto(f"{site.url}/console/{path}".rstrip("/"), wait_until="networkidle")
        picture = FOLDER / f"{name_of(f'console-{role}', path or 'accounts')}-{width}.png"
        page.screenshot(path=picture, full_page=True)


def _windows(page: Page, site: Pages, width: int) -> None:
    """The windows that ask, open, and the dark look."""
    page.goto(f"{site.url}/account/shop")
    page.get_by_role("button", name="Purchase Extra seats").click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"ada-window-{width}.png")
    frame = page.frame_locator("dialog[open] iframe")
    frame.get_by_label("Card security code (CVV)").fill("123")
    frame.get_by_role("button", name="Continue").click()
    frame.get_by_role("button", name="Pay Now").wait_for()
    page.screenshot(path=FOLDER / f"ada-window-pay-{width}.png")
    page.goto(f"{site.url}/account/billing")
    page.get_by_text("Manage Add-On").first.click()
    page.screenshot(path=FOLDER / f"ada-manage-{width}.png", full_page=True)
    page.get_by_role("button", name="Remove Add-On").first.click()
    page.screenshot(path=FOLDER / f"ada-remove-{width}.png")
    page.emulate_media(color_scheme="dark")
    page.goto(f"{site.url}/account/billing")
    page.screenshot(path=FOLDER / f"ada-dark-{width}.png", full_page=True)
    page.goto(f"{site.url}/account/invoices/3")
    page.emulate_media(color_scheme="light", media="print")
    page.screenshot(path=FOLDER / f"ada-print-{width}.png", full_page=True)
    page.emulate_media(media="screen")


if __name__ == "__main__":
    sys.exit(main())
