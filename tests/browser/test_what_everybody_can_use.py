"""axe finds nothing on any page, nothing is wider than a phone, nothing is asked of another host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from prorata.demo.pages import Pages

PATHS = (
    "shop", "shop?buy=extra_seats", "billing", "invoices", "invoices/2", "statement", "estimate", "details",
    "payment-method", "transactional", "confirm?do=cancel_plan&family=marketing", "consent", "nothing-here",
)  # fmt: skip
Look = Callable[..., Page]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(look: Look, site: Pages, width: int, scheme: str) -> None:
    page = look("ada", width=width)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type, unused-ignore]
    for path in PATHS:
        page.goto(f"{site.url}/account/{path}", wait_until="networkidle")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == [], path
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, (path, too_wide)


@pytest.mark.parametrize("name", ["bruno", "chloe", "dora"])
def test_axe_finds_nothing_where_an_account_stands_otherwise(look: Look, site: Pages, name: str) -> None:
    page = look(name)
    for path in ("billing", "shop", "invoices"):
        page.goto(f"{site.url}/account/{path}", wait_until="networkidle")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == [], path


def test_no_other_host_is_asked_for_anything(look: Look, site: Pages) -> None:
    page, asked, said = look("ada"), set(), []
    page.on("request", lambda request: asked.add(request.url.split("/")[2]))
    page.on("console", lambda told: said.append(told.text))
    for path in PATHS[:-1]:
        page.goto(f"{site.url}/account/{path}", wait_until="networkidle")
    assert asked <= {site.url.split("/")[2], site.element.split("/")[2]}
    assert said == []


def test_axe_would_find_a_picture_without_words(look: Look) -> None:
    page = look("dora")
    page.set_content("<main><img src='/static/x.png'></main>")
    assert "image-alt" in [one["id"] for one in Axe().run(page).response["violations"]]
