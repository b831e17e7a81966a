"""Which catalogue an account's prices are read from."""

import json
from datetime import timedelta

import pytest

from domain.commands import OpenAccount
from domain.errors import InvalidInput
from domain.evolve import evolve_all
from domain.state import Account
from service.catalogues import EXAMPLE, CatalogueLibrary, MemoryCatalogues
from service.errors import CatalogueMissing
from tests.support.domain.catalogs import CATALOG_FILE
from tests.support.service.world import NOW, memory_world

EMPTY_BODY = b'{"families": [], "plans": [], "add_ons": [], "credits": [], "version": "%s"}'
DAY = timedelta(days=1)


def _body(version: str) -> bytes:
    return EMPTY_BODY.replace(b"%s", version.encode())


@pytest.fixture
def library() -> CatalogueLibrary:
    return CatalogueLibrary(MemoryCatalogues())


@pytest.fixture
def on_wall() -> Account:
    world = memory_world()
    world.open("w", at=None)
    state = evolve_all(None, world.history("w"))
    assert state is not None
    return state


def test_a_version_is_in_force_from_its_instant_on(library: CatalogueLibrary, on_wall: Account) -> None:
    library.load(_body("now"), None, NOW)
    library.load(_body("later"), NOW + DAY, NOW)

    series = library.series_for(on_wall)

    assert series.at(NOW - DAY).version == "none"
    assert series.at(NOW).version == "now"
    assert series.at(NOW + DAY).version == "later"


def test_of_one_instant_the_version_loaded_last_counts(library: CatalogueLibrary, on_wall: Account) -> None:
    library.load(_body("far"), NOW + 2 * DAY, NOW)
    library.load(_body("wrong"), NOW + DAY, NOW)
    library.load(_body("right"), NOW + DAY, NOW)

    series = library.series_for(on_wall)

    assert series.at(NOW + DAY).version == "right"
    assert series.at(NOW + 2 * DAY).version == "far"


def test_no_catalogue_is_effective_in_the_past(library: CatalogueLibrary) -> None:
    with pytest.raises(InvalidInput) as raised:
        library.load(_body("x"), NOW - timedelta(seconds=1), NOW)
    assert raised.value.code == "effective_in_past"


def test_a_catalogue_that_cannot_be_used_is_not_kept(library: CatalogueLibrary, on_wall: Account) -> None:
    with pytest.raises(InvalidInput):
        library.load(b'{"families": []}', None, NOW)
    assert library.series_for(on_wall).versions == ()


def test_a_new_version_is_noticed_at_once(library: CatalogueLibrary, on_wall: Account) -> None:
    library.load(_body("one"), None, NOW)
    assert library.series_for(on_wall).at(NOW).version == "one"
    library.load(_body("two"), None, NOW)
    assert library.series_for(on_wall).at(NOW).version == "two"


def test_the_example_serves_no_account_on_the_wall_clock(library: CatalogueLibrary, on_wall: Account) -> None:
    spaced = json.dumps(json.loads(EXAMPLE.read_bytes()), indent=4, sort_keys=True).encode()

    loaded = library.load(spaced, None, NOW)

    assert loaded.example, "recognised however it is spaced and ordered"
    assert library.series_for(on_wall).at(NOW).version == "none"


def test_the_example_is_that_of_the_scenarios() -> None:
    assert json.loads(EXAMPLE.read_bytes()) == json.loads(CATALOG_FILE.read_bytes())


def test_an_account_on_a_test_clock_keeps_the_catalogue_that_was_newest_when_it_was_opened() -> None:
    world = memory_world()
    world.open("before")
    world.library.load(_body("one"), None, NOW)
    world.open("after")
    world.library.load(_body("two"), None, NOW)

    def version(account: str) -> str:
        return world.library.series_for(world.service.account(f"main/{account}")).at(NOW).version

    assert version("before") == "2026-01", "the shipped example"
    assert version("after") == "one"


def test_a_catalogue_that_is_not_stored_is_missed_by_name(
    library: CatalogueLibrary, on_wall: Account
) -> None:
    assert OpenAccount("EUR", "UTC", "test", "abc").catalog == "abc"
    state = Account(1, "EUR", "UTC", "test", "abc", NOW)
    with pytest.raises(CatalogueMissing, match="abc"):
        library.series_for(state)
