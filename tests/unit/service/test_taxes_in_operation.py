"""Tax tables and discount codes in operation: what is loaded counts on the wall clock, what an account on a
test clock was opened with counts for it alone; and whoever decides the taxes may be away (R71)."""

import json
from datetime import timedelta

import pytest

from domain.errors import InvalidInput
from domain.tax import TaxUnavailable
from service.catalogue_versions import demo_body
from tests.support.service.taxes import Decider
from tests.support.service.world import World, memory_world

FRENCH = {"seller": "FR", "rates": [{"country": "FR", "from": "2020-01-01", "rate": "20"}]}
FIVE_OFF = {"code": "FIVE", "fixed": {"EUR": "5.00"}, "for": "once"}
CONFIRM = {"cvv": "tok_1", "billing": True}
PLAN = {"do": "purchase_plan", "product": "standard"}
IN_FRANCE = {"do": "set_tax_profile", "country": "FR", "kind": "consumer"}


@pytest.fixture
def world() -> World:
    world = memory_world()
    world.library.load(demo_body(), None, world.clock.now())
    return world


def load(world: World, kind: str, terms: object) -> None:
    world.library.load_terms(kind, json.dumps(terms).encode(), world.clock.now())  # type: ignore[arg-type]


def buy(world: World, account: str, **fields: object):  # type: ignore[no-untyped-def]
    return world.say_now(**PLAN, account=account, confirm=CONFIRM, **fields)


def test_tax_is_on_from_the_moment_a_table_is_loaded_for_the_wall_clock_alone(world: World) -> None:
    world.open("w", at=None)
    world.open("before", at=None)
    assert buy(world, "before").charged == "20.00"

    load(world, "tax", FRENCH)
    world.open("t", at="2026-03-20")

    assert buy(world, "w").code == "billing_details_missing"
    assert world.say_now(**IN_FRANCE, account="w").outcome == "accepted"
    assert buy(world, "w").charged == "24.00"
    assert world.say(**PLAN, account="t", at="2026-03-20").charged == "20.00"


def test_a_later_table_changes_no_answer_that_was_given(world: World) -> None:
    load(world, "tax", FRENCH)
    world.open("w", at=None)
    world.say_now(**IN_FRANCE, account="w")
    first = buy(world, "w", id="c1")

    load(world, "tax", {"seller": "FR", "rates": []})

    assert buy(world, "w", id="c1") == first
    world.open("x", at=None)
    world.say_now(**IN_FRANCE, account="x")
    assert buy(world, "x").charged == "20.00"


def test_a_code_works_while_the_list_that_counts_holds_it(world: World) -> None:
    for account in ("w", "x"):
        world.open(account, at=None)
    assert buy(world, "w", discount="FIVE").code == "unknown_discount"

    load(world, "discounts", {"discounts": [FIVE_OFF]})
    assert buy(world, "w", discount="FIVE").charged == "15.00"
    load(world, "discounts", {"discounts": []})
    assert buy(world, "x", discount="FIVE").code == "unknown_discount"


def test_a_code_may_name_what_a_version_to_come_sells(world: World) -> None:
    body = json.loads(demo_body())
    body["add_ons"] += [{**body["add_ons"][0], "id": "to_come"}]
    code = {**FIVE_OFF, "products": ["to_come"]}
    with pytest.raises(InvalidInput, match="to_come"):
        load(world, "discounts", {"discounts": [code]})

    now = world.clock.now()
    world.library.load(json.dumps(body).encode(), now + timedelta(days=9), now)
    load(world, "discounts", {"discounts": [code]})
    assert [version.version for version in world.library.terms("discounts")] == [1]


def test_what_counts_already_is_no_new_version(world: World) -> None:
    spaced = b'{ "rates": [{"rate": "20", "from": "2020-01-01", "country": "FR"}], "seller": "FR" }'
    load(world, "tax", FRENCH)

    version, new = world.library.load_terms("tax", spaced, world.clock.now())

    assert (version.version, new) == (1, False)
    assert world.library.terms("discounts") == []


@pytest.mark.parametrize(
    ("kind", "terms", "code", "place"),
    [
        ("tax", {"seller": "France", "rates": []}, "invalid_tax", "$.seller"),
        ("tax", {"seller": "FR", "rates": [], "x": 1}, "invalid_tax", "$"),
        ("tax", {**FRENCH, "rates": 2 * FRENCH["rates"]}, "invalid_tax", "$.rates[1]"),  # type: ignore[operator]
        ("discounts", {"discounts": [FIVE_OFF, FIVE_OFF]}, "invalid_discounts", "$.discounts[1].code"),
        ("discounts", {"discounts": [{"code": "A"}]}, "invalid_discounts", "$.discounts[0]"),
        (
            "discounts",
            {"discounts": [FIVE_OFF, {**FIVE_OFF, "code": "B", "products": ["standard", "standart"]}]},
            "invalid_discounts",
            "$.discounts[1].products[1]",
        ),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_its_place(
    world: World, kind: str, terms: object, code: str, place: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        load(world, kind, terms)

    assert (refused.value.code, refused.value.place) == (code, place)
    assert world.library.terms(kind) == []  # type: ignore[arg-type]


def test_an_account_on_a_test_clock_has_the_table_and_the_codes_that_it_was_opened_with(world: World) -> None:
    own = {"tax": FRENCH, "discounts": [FIVE_OFF]}
    world.open("t", at="2026-03-20", **own)
    world.open("u", at="2026-03-20")
    world.say(**IN_FRANCE, account="t", at="2026-03-20")
    load(world, "tax", {"seller": "FR", "rates": []})

    bought = world.twin().say(**PLAN, account="t", at="2026-03-20", discount="FIVE")

    assert bought.charged == "18.00"
    assert world.say(**PLAN, account="u", at="2026-03-20", discount="FIVE").code == "unknown_discount"
    catalogs = [world.service.account(f"main/{name}").catalog for name in "tu"]  # type: ignore[union-attr]
    assert len(set(catalogs)) == 2


def test_a_later_version_of_its_catalogue_leaves_table_and_codes_as_they_were(world: World) -> None:
    world.open("t", at="2026-03-20", tax=FRENCH, discounts=[FIVE_OFF])
    world.say(**IN_FRANCE, account="t", at="2026-03-20")
    later = {"do": "catalog", "account": "t", "at": "2026-03-21", "withdrawn": ["premium"]}
    assert world.say(**later).outcome == "accepted"

    assert world.say(**PLAN, account="t", at="2026-03-22", discount="FIVE").charged == "18.00"


@pytest.mark.parametrize(
    ("field", "given", "place"),
    [
        ("tax", {"seller": "FR"}, "$.tax"),
        (
            "tax",
            {"seller": "FR", "rates": [{"country": "FR", "from": "x", "rate": "1"}]},
            "$.tax.rates[0].from",
        ),
        ("discounts", [{"code": "A", "percent": "101"}], "$.discounts[0].percent"),
    ],
)
def test_what_an_account_cannot_be_opened_with_is_named_by_its_place(
    world: World, field: str, given: object, place: str
) -> None:
    answer = world.open("t", at="2026-03-20", **{field: given})
    assert (answer.outcome, answer.place) == ("invalid", place)

    on_the_wall_clock = world.open("w", at=None, **{field: given})
    assert (on_the_wall_clock.code, on_the_wall_clock.place) == ("test_clock_only", f"$.{field}")


def test_another_decider_stands_in_the_tables_place_and_while_it_is_away_nothing_is_charged(
    world: World,
) -> None:
    decider = Decider()
    system = world.twin(decider=decider)
    system.open("w", at=None)
    system.say_now(**IN_FRANCE, account="w")
    decider.away = True
    assert buy(system, "w").code == "tax_unavailable"
    decider.away = False
    assert buy(system, "w").charged == "20.00"

    decider.away = True
    system.clock.advance(timedelta(days=40))
    removed = system.say_now(do="cancel_plan", account="w", family="marketing")
    assert removed.code == "tax_unavailable"
    with pytest.raises(TaxUnavailable):
        system.service.settle("main/w", system.clock.now())

    decider.away = False
    system.service.settle("main/w", system.clock.now())
    assert system.happened("w")[-2:] == ["cycles_renewed", "invoice_paid"]
