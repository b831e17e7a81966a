"""Shop pages that are kept: shown again for as long as they say what a new one would."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from domain.calendar import Instant
from domain.shop import shop
from domain.tax import TaxUnavailable
from prorata.cli.account.present import Looked
from prorata.cli.account.screens import shop_json
from prorata.shop_pages import ShopPages
from tests.support.service.world import NOW, World, memory_world


@pytest.fixture
def world() -> World:
    world = memory_world()
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20T12:00:00+01:00")
    return world


def looked(world: World, at: Instant | None = None) -> Looked:
    state = world.service.account("main/a1")
    assert state is not None
    return Looked("a1", state, at or state.last_at, world.library.series_for(state))


def anew(look: Looked) -> bytes:
    found = shop_json(shop(look.state, look.at, look.catalogues), look.state.currency, look.wording("en"))
    return msgspec.json.encode(found)


def test_a_page_is_kept_and_says_what_a_new_one_would(world: World) -> None:
    pages, look = ShopPages(), looked(world)
    assert pages.kept(look, "en") is None

    made = pages.made(look, "en")

    later = looked(world, look.at + timedelta(hours=2))
    assert pages.kept(later, "en") is made
    assert msgspec.json.encode(made) == anew(look) == anew(later)


def test_what_happens_to_the_account_ends_it(world: World) -> None:
    pages, look = ShopPages(), looked(world)
    pages.made(look, "en")
    world.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-20T13:00:00+01:00")

    assert pages.kept(looked(world), "en") is None


def test_the_next_date_ends_it(world: World) -> None:
    pages, look = ShopPages(), looked(world)
    pages.made(look, "en")
    assert pages.kept(looked(world, NOW + timedelta(days=1)), "en") is None


def test_other_catalogues_end_it(world: World) -> None:
    pages, look = ShopPages(), looked(world)
    pages.made(look, "en")
    assert pages.kept(replace(look, catalogues=replace(look.catalogues)), "en") is None


def test_each_language_has_its_own(world: World) -> None:
    pages, look = ShopPages(), looked(world)
    english = pages.made(look, "en")
    assert pages.kept(look, "fr") is None
    assert pages.made(look, "fr") != english
    assert pages.kept(look, "en") is english


def test_another_tenants_account_of_that_name_has_its_own(world: World) -> None:
    pages, look = ShopPages(), looked(world)
    pages.made(look, "en")
    assert pages.kept(replace(look, state=replace(look.state)), "en") is None


def test_where_someone_else_decides_the_taxes_nothing_is_kept(world: World) -> None:
    class Away:
        """A tax service that may say something else a moment later."""

        def __getattr__(self, name: str) -> object:
            raise TaxUnavailable

    pages, look = ShopPages(), looked(world)
    asked = replace(look, catalogues=replace(look.catalogues, taxes=Away()))
    pages.made(asked, "en")
    assert pages.kept(asked, "en") is None


def test_no_more_are_kept_than_there_is_room_for(world: World) -> None:
    pages, look = ShopPages(capacity=2), looked(world)
    for account in ("a", "b", "c"):
        pages.made(replace(look, account=account), "en")
    kept = [pages.kept(replace(look, account=account), "en") is not None for account in ("a", "b", "c")]
    assert kept == [False, True, True]
