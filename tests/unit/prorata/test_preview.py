"""`prorata preview` answers exactly what doing the command would answer, and changes nothing (R48)."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any, Literal

import pytest
from msgspec.structs import replace
from rich.console import Console

from domain.errors import InvalidInput
from domain.state import Account
from prorata.cli.account.preview import previewed
from prorata.cli.account.preview_screen import Previewed, preview_json, print_preview
from prorata.wiring import Running
from service.catalogue_versions import EXAMPLE
from service.commands import AnswerLine
from tests.support.service.world import NOW, World, memory_world

AT = "2026-04-05T18:30"


@pytest.fixture
def world() -> World:
    """`a1` on a test clock with Standard since 20 March, `w` on the wall clock; a catalogue on sale."""
    world = memory_world()
    world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    world.open("a1")
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    world.open("w", at=None)
    return world


def look(
    world: World,
    command: dict[str, Any] | str,
    *,
    account: str = "a1",
    clock: Literal["wall", "test"] = "test",
    at: str | None = None,
    language: Literal["en", "fr"] = "en",
) -> Previewed:
    text = command if isinstance(command, str) else json.dumps(command)
    system = Running(world.log, world.service, world.library, world.clock, None, None)  # type: ignore[arg-type]
    return previewed(system, account, text.encode(errors="surrogatepass"), "main", clock, at, language)


COMMANDS: list[dict[str, Any]] = [
    {"do": "purchase_addon", "product": "custom_domain"},
    {"do": "purchase_addon", "product": "custom_domain", "confirm": {"cvv": False}},
    {"do": "purchase_addon", "product": "custom_domain", "expected_total": "4.00"},
    {"do": "purchase_addon", "product": "transactional"},
    {"do": "purchase_addon", "product": "nothing"},
    {"do": "change_plan", "product": "premium"},
    {"do": "change_plan", "product": "essentials"},
    {"do": "cancel_plan", "family": "marketing"},
    {"do": "pause_plan", "family": "marketing", "resume_on": "2026-07-01"},
    {"do": "resume_plan", "family": "marketing"},
    {"do": "start_transactional", "blocks": 41},
    {"do": "buy_credits", "product": "credits_5000"},
    {"do": "pay_balance"},
    {"do": "close_account"},
    {"do": "reprice", "product": "standard", "price": "1.00"},
    {"do": "purchase_plan", "product": "websites_core", "by": "viewer"},
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(map(str, command.values())))
def test_a_preview_answers_exactly_what_doing_it_answers(world: World, command: dict[str, Any]) -> None:
    before = world.happened()
    seen = look(world, command, at=AT)
    assert world.happened() == before
    assert seen.answer == _as_previewed(world.say(**command, account="a1", at=AT), seen.answer)


def _as_previewed(done: AnswerLine, seen: AnswerLine) -> AnswerLine:
    """But for the version, which a preview leaves as it was, and the sentence, which no session makes."""
    return replace(done, version=seen.version, message=seen.message)


def test_the_forecast_is_the_account_s_after_the_command(world: World) -> None:
    found = preview_json(look(world, {"do": "purchase_addon", "product": "custom_domain"}, at=AT))
    assert found["arithmetic"] == ["10.00 × 15/31 days = 4.84"]
    assert found["next_invoice"].total == 30
    assert [str(invoice.total) for invoice in found["forecast"]] == ["30.00"] * 12
    assert [charge.product for charge in found["still_billed"]] == ["standard", "custom_domain"]


def test_a_cancellation_shows_what_ends_with_it_and_what_goes_on(world: World) -> None:
    for product in ("custom_domain", "dedicated_ip"):
        world.say(do="purchase_addon", account="a1", product=product, at="2026-03-20")
    found = preview_json(look(world, {"do": "cancel_plan", "family": "marketing"}))
    assert [(end["product"], end["access_until"]) for end in found["ends"]] == [
        ("standard", "2026-04-20"),
        ("dedicated_ip", "2026-04-20"),
    ]
    assert [charge.product for charge in found["still_billed"]] == ["custom_domain"]
    assert found["next_invoice"].total == 10


def test_a_change_asks_about_the_add_ons_that_end_with_it_also_where_they_were_to_end_before(
    world: World,
) -> None:
    world.say(do="purchase_addon", account="a1", product="dedicated_ip", at="2026-03-20")
    world.say(do="change_plan", account="a1", product="essentials", at="2026-03-21")
    found = preview_json(look(world, {"do": "change_plan", "product": "essentials", "tier": "10000"}, at=AT))
    assert found["answer"].facts["ending"] == [{"product": "dedicated_ip", "on": "2026-04-20"}]
    assert found["asks"] == ("dedicated_ip",)
    assert "dedicated_ip" in [end["product"] for end in found["ends"]]
    kept = preview_json(look(world, {"do": "change_plan", "product": "premium"}, at=AT))
    assert kept["asks"] == ()


def test_a_pause_shows_what_is_still_billed(world: World) -> None:
    world.say(do="purchase_addon", account="a1", product="custom_domain", at="2026-03-20")
    found = preview_json(look(world, {"do": "pause_plan", "family": "marketing"}))
    assert [(charge.product, str(charge.amount)) for charge in found["still_billed"]] == [
        ("custom_domain", "10.00")
    ]


def test_a_refusal_shows_the_account_as_it_stands(world: World) -> None:
    found = preview_json(look(world, {"do": "purchase_plan", "product": "standard"}))
    assert found["answer"].code == "already_active"
    assert found["next_invoice"].total == 20


def test_without_a_confirmation_it_is_refused_as_doing_it_would_be_and_shows_what_would_be_once_given(
    world: World,
) -> None:
    seen = look(world, {"do": "purchase_plan", "product": "standard"}, account="w", clock="wall")
    assert (seen.answer.code, seen.answer.charged) == ("confirmation_required", None)
    assert seen.once_confirmed is not None
    assert (seen.once_confirmed.outcome, seen.once_confirmed.charged) == ("accepted", "20.00")
    assert seen.after is not None
    assert seen.after.forecast.next_invoice is not None
    assert world.happened("w") == ["account_opened"]


def test_without_an_instant_a_test_clock_stands_at_its_last_one(world: World) -> None:
    assert look(world, {"do": "pay_balance"}).at == "2026-03-20"
    assert look(world, {"do": "pay_balance", "at": AT}).at == "2026-04-05T18:30:00+02:00"
    assert look(world, {"do": "pay_balance", "at": "2026-09-01"}, at=AT).at == "2026-04-05T18:30:00+02:00"


def test_answer_and_forecast_are_of_one_state_though_the_account_changes_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = world.service.account
    meanwhile = [{"do": "purchase_addon", "product": "surveys"}]

    def changing(account_id: str) -> Account | None:
        if meanwhile:
            world.say(**meanwhile.pop(), account="a1", at="2026-04-05")
        return account(account_id)

    monkeypatch.setattr(world.service, "account", changing)
    seen = look(world, {"do": "purchase_addon", "product": "custom_domain"}, at=AT)
    assert seen.after is not None
    assert seen.answer.version == world.log.head("main/a1").version
    assert [charge.product for charge in seen.after.forecast.next_charges] == [
        "standard",
        "surveys",
        "custom_domain",
    ]


def test_a_command_with_a_used_key_shows_its_first_answer(world: World) -> None:
    first = world.say(do="purchase_addon", account="a1", product="surveys", at=AT, id="c1")
    seen = look(world, {"do": "purchase_addon", "product": "surveys", "id": "c1"})
    assert seen.answer == replace(first, message=seen.answer.message)


def test_opening_an_account_can_be_previewed(world: World) -> None:
    line = {"do": "open_account", "currency": "EUR", "time_zone": "Europe/Paris", "at": "2026-03-20"}
    seen = look(world, line, account="new")
    assert (seen.answer.outcome, seen.after) == ("accepted", None)
    assert preview_json(seen)["forecast"] == []
    assert not world.log.read_account("main/new")


def test_an_unknown_account_is_refused_as_doing_it_would_be(world: World) -> None:
    seen = look(world, {"do": "pay_balance", "at": AT}, account="nobody")
    assert seen.answer.code == "unknown_account"


def test_the_other_clock_is_refused(world: World) -> None:
    assert look(world, {"do": "pay_balance"}, clock="wall").answer.code == "wrong_clock"


@pytest.mark.parametrize(
    ("command", "code", "place"),
    [
        ("", "malformed_json", "$"),
        ("[]", "malformed_json", "$"),
        ("[" * 10_000, "malformed_json", "$"),
        ('{"do": "nope"}', "unknown_command", "$.do"),
        ('{"do": "pay_balance", "account": "a2"}', "invalid_field", "$.account"),
        ('{"do": "pay_balance", "at": "yesterday"}', "invalid_moment", "$.at"),
        ('{"do": "pay_balance", "at": "2020-01-01"}', "at_too_early", "$.at"),
        ('{"do": "payment_method", "works": true}', "unknown_field", "$.preview"),
        ('{"do": "purchase_addon"}', "missing_field", "$.product"),
    ],
)
def test_what_is_no_command_is_said_with_its_place(world: World, command: str, code: str, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        look(world, command)
    assert (refused.value.code, refused.value.place) == (code, place)


def test_french_sentences_name_products_as_the_catalogue_does(world: World) -> None:
    seen = look(world, {"do": "purchase_addon", "product": "custom_domain"}, at=AT, language="fr")
    assert seen.answer.message == (
        "Mission accomplie ! Votre plan a bien été mis à niveau. "
        "Custom domain est actif. Renouvellement le 20 avr. 2026."
    )


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command["do"]))
def test_every_preview_is_drawn_at_80_columns(
    world: World, command: dict[str, Any], language: Literal["en", "fr"]
) -> None:
    out = StringIO()
    seen = look(world, command, at=AT, language=language)
    print_preview(Console(file=out, width=80, markup=False, emoji=False), seen, "a1", language)
    assert max(map(len, out.getvalue().splitlines())) <= 80
    if command == COMMANDS[0]:
        assert ("10,00" if language == "fr" else "€10.00 × 15/31 days") in out.getvalue()
