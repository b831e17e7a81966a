"""Which catalogue an account's prices are read from."""

import json
from datetime import datetime, timedelta

import pytest

from domain.commands import OpenAccount
from domain.errors import InvalidInput
from domain.evolve import evolve_all
from domain.state import Account
from eventlog.errors import LogUnavailable
from service.catalogue_store import MemoryCatalogues, Stamp
from service.catalogue_versions import EXAMPLE, standings
from service.catalogues import GOOD_FOR, LOOK_AFTER, CatalogueLibrary
from service.errors import CatalogueMissing
from service.terms import TermsKind
from tests.support.domain.catalogs import CATALOG_FILE
from tests.support.service.world import NOW, memory_world

TERMS: dict[TermsKind, bytes] = {
    "tax": b'{"seller": "FR", "rates": []}',
    "discounts": b'{"discounts": [{"code": "SPRING", "percent": "20", "for": "once"}]}',
}
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


class _Elsewhere:
    """A library that others load into behind its back, and a clock for it."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.store = MemoryCatalogues()
        self.library = CatalogueLibrary(self.store, monotonic=lambda: self.passed)
        self.elsewhere = CatalogueLibrary(self.store)


def test_what_another_process_loads_is_seen_a_second_later_at_the_latest(on_wall: Account) -> None:
    two = _Elsewhere()
    two.elsewhere.load(_body("one"), None, NOW)
    two.library.series_for(on_wall)
    two.elsewhere.load(_body("two"), None, NOW)

    two.passed += GOOD_FOR

    assert two.library.series_for(on_wall).at(NOW).version == "two"


@pytest.mark.parametrize("kind", ["tax", "discounts"])
def test_taxes_and_codes_that_another_process_loads_are_seen_a_second_later(
    on_wall: Account, kind: TermsKind
) -> None:
    two = _Elsewhere()
    before = two.library.series_for(on_wall)
    two.elsewhere.load_terms(kind, TERMS[kind], NOW)
    two.passed += GOOD_FOR

    after = two.library.series_for(on_wall)

    assert (after.taxes != before.taxes, after.codes != before.codes) == (kind == "tax", kind == "discounts")


def test_a_task_looks_early_so_that_what_it_sees_is_no_older_while_it_decides(on_wall: Account) -> None:
    two = _Elsewhere()
    two.library.look(on_wall)
    two.passed += GOOD_FOR * LOOK_AFTER
    two.elsewhere.load(_body("one"), None, NOW)
    assert not two.library.knows(on_wall)

    two.library.look(on_wall)

    assert two.library.knows(on_wall)
    assert two.library.series_for(on_wall).at(NOW).version == "one"


def test_the_store_is_asked_once_a_second_however_many_ask(
    on_wall: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, asked = _Elsewhere(), 0
    stamp = two.store.stamp

    def counted() -> Stamp:
        nonlocal asked
        asked += 1
        return stamp()

    monkeypatch.setattr(two.store, "stamp", counted)
    for _ in range(300):
        two.library.series_for(on_wall)
        two.passed += 0.01
    assert asked == 3


def test_while_the_store_cannot_be_asked_nothing_is_decided_by_what_was_seen_before(
    on_wall: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = _Elsewhere()
    two.library.series_for(on_wall)
    two.passed += GOOD_FOR

    def away() -> Stamp:
        raise LogUnavailable("the server is away")

    monkeypatch.setattr(two.store, "stamp", away)
    for _ in range(2):
        assert not two.library.knows(on_wall)
        with pytest.raises(LogUnavailable):
            two.library.series_for(on_wall)


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


# ---- what a product is never changes (R8a) ---------------------------------


def _selling(version: str, *plans: tuple[str, str], requires: str | None = None) -> bytes:
    """A catalogue of plans, each with its family, and perhaps an add-on that needs one."""
    families = sorted({family for _, family in plans})
    value = {
        "version": version,
        "families": [{"id": family, "name": family, "pausable": False} for family in families],
        "plans": [
            {"id": plan, "family": family, "name": plan, "tiers": [{"id": "1", "prices": {"EUR": "5.00"}}]}
            for plan, family in plans
        ],
        "add_ons": [],
        "credits": [],
    }
    if requires is not None:
        value["add_ons"] = [{"id": "maps", "name": "Maps", "prices": {"EUR": "1.00"}, "requires": [requires]}]
    return json.dumps(value).encode()


def _refused(library: CatalogueLibrary, body: bytes, begins: datetime | None = None) -> tuple[str, str]:
    before = library.versions()
    with pytest.raises(InvalidInput) as refused:
        library.load(body, begins, NOW)
    assert library.versions() == before, "nothing of it was kept"
    return refused.value.code, refused.value.place


def test_what_makes_something_else_of_a_product_is_not_loaded(library: CatalogueLibrary) -> None:
    library.load(_selling("1", ("basic", "a")), None, NOW)
    library.load(_selling("2"), NOW + DAY, NOW)
    changed = ("product_changed", "$.plans[0].family")
    assert _refused(library, _selling("3", ("basic", "b"))) == changed
    assert _refused(library, _selling("3", ("basic", "b")), NOW + 2 * DAY) == changed, "withdrawn meanwhile"
    library.load(_selling("3", ("basic", "a")), NOW + 2 * DAY, NOW)


def test_a_version_that_is_to_follow_counts_as_one_before(library: CatalogueLibrary) -> None:
    library.load(_selling("1"), None, NOW)
    library.load(_selling("2", ("basic", "a")), NOW + 2 * DAY, NOW)
    assert _refused(library, _selling("3", ("basic", "b")), NOW + DAY)[0] == "product_changed"
    library.withdraw(2, NOW)
    library.load(_selling("3", ("basic", "b")), NOW + DAY, NOW)


def test_a_version_may_take_the_place_of_a_wrong_one_that_never_was_in_force(
    library: CatalogueLibrary,
) -> None:
    library.load(_selling("wrong", ("basic", "a")), NOW + DAY, NOW)
    library.load(_selling("right", ("basic", "b")), NOW + DAY, NOW)
    assert len(library.versions()) == 2


def test_a_prerequisite_may_name_what_was_ever_sold(library: CatalogueLibrary, on_wall: Account) -> None:
    needs = _selling("needs", requires="basic")
    assert _refused(library, needs) == ("invalid_catalog", "$.add_ons[0].requires[0]")
    library.load(_selling("1", ("basic", "a")), None, NOW)
    library.load(needs, NOW + DAY, NOW)
    catalog = library.series_for(on_wall).at(NOW + DAY)
    assert (catalog.plans, catalog.add_ons["maps"].requires) == ({}, ("basic",))


def test_the_example_follows_nothing_and_nothing_follows_it(library: CatalogueLibrary) -> None:
    library.load(EXAMPLE.read_bytes(), None, NOW)
    library.load(_selling("1", ("standard", "websites")), None, NOW)
    library.load(EXAMPLE.read_bytes(), NOW + DAY, NOW)


def test_a_file_is_held_against_the_loaded_versions_without_being_loaded(library: CatalogueLibrary) -> None:
    library.load(EXAMPLE.read_bytes(), None, NOW)
    library.load(_selling("1", ("basic", "a")), None, NOW)
    assert [v.version for v in library.check(_selling("2", ("basic", "a")), NOW)] == [2]
    with pytest.raises(InvalidInput, match="sell it under another id") as refused:
        library.check(_selling("2", ("basic", "b")), NOW)
    assert refused.value.code == "product_changed"
    assert len(library.versions()) == 2


# ---- an account's own versions ---------------------------------------------


def test_later_versions_of_an_account_s_own_catalogue_are_stored_and_served_to_it_alone() -> None:
    world = memory_world()
    for account in ("a1", "a2"):
        world.open(account)
    world.say(do="reprice", account="a1", at="2026-03-21", product="surveys", price="9.00")
    changed = world.say(do="catalog", account="a1", at="2026-03-22", withdrawn=["surveys"])
    assert (changed.outcome, changed.charged, changed.events) == ("accepted", None, ("catalog_changed",))

    twin = world.twin()
    states = [twin.service.account(f"main/{account}") for account in ("a1", "a2")]
    own, other = [twin.library.series_for(state) for state in states]
    assert [len(series.versions) for series in (own, other)] == [3, 1]
    at = datetime.fromisoformat("2026-03-22T00:00:00+01:00")
    assert "surveys" in own.at(at - timedelta(seconds=1)).add_ons
    assert "surveys" not in own.at(at).add_ons
    assert str(own.ever_sold(at).add_ons["surveys"].prices["EUR"]) == "9.00"
    assert "surveys" in other.at(at).add_ons


def test_a_line_that_makes_no_catalogue_is_invalid_and_names_its_place() -> None:
    world = memory_world()
    world.open()
    plan = {
        "id": "gold",
        "family": "nowhere",
        "name": "Gold",
        "tiers": [{"id": "1", "prices": {"EUR": "1.00"}}],
    }
    for fields, place in (
        ({"plans": [plan]}, "$.plans[0].family"),
        ({"withdrawn": ["nothing"]}, "$.withdrawn[0]"),
        ({"policies": {"tier_upgrade": "never"}}, "$.policies.tier_upgrade"),
        ({"colour": "red"}, "$.colour"),
    ):
        answer = world.say(do="catalog", account="a1", at="2026-03-21", **fields)
        assert (answer.outcome, answer.place) == ("invalid", place)
    assert world.happened() == ["account_opened"]


def test_policies_are_laid_over_the_catalogue_that_an_account_is_opened_with() -> None:
    world = memory_world()
    assert world.open("a1", policies={"nonprofit_percent": "15"}).outcome == "accepted"
    assert (
        world.open("a2", policies={"collection": {"retry_days": [0]}}).place
        == "$.policies.collection.retry_days[0]"
    )
    assert world.open("w1", at=None, policies={}).code == "test_clock_only"
    world.say(do="catalog", account="a1", at="2026-03-21", policies={"nonprofit_percent": "20"})
    state = world.service.account("main/a1")
    assert state is not None
    catalog = world.library.series_for(state).at(state.last_at)
    assert str(catalog.policies.nonprofit_percent) == "15", "of every later version too"
    assert catalog.policies.full_difference, "the others are the catalogue's"
