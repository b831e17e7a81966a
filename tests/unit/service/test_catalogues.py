"""Which catalogue an account's prices are read from."""

import json
from datetime import datetime, timedelta

import pytest

from domain.commands import OpenAccount
from domain.errors import InvalidInput
from domain.evolve import evolve_all
from domain.state import Account
from service.catalogue_store import MemoryCatalogues
from service.catalogue_versions import EXAMPLE, standings
from service.catalogues import CatalogueLibrary
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

    assert loaded.version.example, "recognised however it is spaced and ordered"
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


def test_what_is_withdrawn_serves_no_account_any_more(library: CatalogueLibrary, on_wall: Account) -> None:
    library.load(_body("now"), None, NOW)
    wrong = library.load(_body("wrong"), NOW + 2 * DAY, NOW)
    assert library.series_for(on_wall).at(NOW + 2 * DAY).version == "wrong"

    library.withdraw(wrong.version.version, NOW + DAY)

    assert library.series_for(on_wall).at(NOW + 2 * DAY).version == "now"


def test_an_account_on_a_test_clock_keeps_what_is_withdrawn_later_and_none_is_opened_with_it() -> None:
    world = memory_world()
    wrong = world.library.load(_body("wrong"), NOW + DAY, NOW)
    world.open("before")
    world.library.withdraw(wrong.version.version, NOW)
    world.open("after")

    def version(account: str) -> str:
        return world.library.series_for(world.service.account(f"main/{account}")).at(NOW).version

    assert (version("before"), version("after")) == ("wrong", "2026-01")


def test_how_each_version_stands(library: CatalogueLibrary) -> None:
    library.load(EXAMPLE.read_bytes(), None, NOW)
    for name, days in [("first", 0), ("second", 2), ("wrong", 4), ("right", 4), ("never", 6)]:
        library.load(_body(name), NOW + days * DAY, NOW)
    library.withdraw(6, NOW)

    found = standings(library.versions(), NOW + 3 * DAY)

    assert [standing for _, standing in found] == [
        "example", "superseded", "in force", "superseded", "scheduled", "withdrawn",
    ]  # fmt: skip


@pytest.mark.parametrize("begins", [None, NOW + DAY])
def test_an_account_is_told_that_no_catalogue_is_in_force(begins: datetime | None) -> None:
    world = memory_world()
    world.open("w", at=None)
    if begins is not None:
        world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"ours"'), begins, NOW)

    for line in (
        {"do": "purchase_plan", "product": "standard"},
        {"do": "purchase_addon", "product": "surveys"},
        {"do": "buy_credits", "product": "credits_5000"},
        {"do": "start_transactional", "blocks": 1},
    ):
        assert world.say_now(account="w", **line).code == "no_catalogue"
