"""Commands as lines: on both clocks, and what happens when the system cannot be reached."""

import json
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from domain.errors import InvalidInput
from eventlog import Head, NewEvent, StoredEvent
from eventlog.errors import LogUnavailable
from eventlog.memory import MemoryEventLog
from service.catalogue_versions import EXAMPLE
from service.completing import complete
from service.errors import LineUnanswered
from service.gateways.port import Confirmation
from tests.support.service.gateways import UnreliableGateway
from tests.support.service.world import NOW, World, memory_world

TOKEN = "tok_4f1d_secret"
CONFIRM = {"cvv": TOKEN, "billing": True}


@pytest.fixture
def world() -> World:
    """With a catalogue on sale that is not the example."""
    world = memory_world()
    world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    return world


def test_on_the_wall_clock_a_command_happens_now_or_at_the_last_instant_if_that_is_later(
    world: World,
) -> None:
    world.open("w", at=None)
    world.clock.advance(timedelta(hours=-1))

    world.say_now(do="purchase_plan", account="w", product="standard", confirm=CONFIRM)
    assert world.history("w")[-1].at == NOW
    world.clock.advance(timedelta(hours=3))
    world.say_now(do="cancel_plan", account="w", family="marketing")
    assert world.history("w")[-1].at == NOW + timedelta(hours=2)


def test_where_test_clocks_are_refused_none_is_opened_and_none_goes_on() -> None:
    world = memory_world()
    world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    world.open("t", at="2026-03-20")
    refusing = world.twin(test_clocks=False)
    position = world.log.last_position()
    opened = {"do": "open_account", "currency": "EUR", "time_zone": "Europe/Paris", "at": "2026-03-20"}
    purchase = {"do": "purchase_plan", "account": "t", "product": "standard", "at": "2026-03-21"}
    for line in ({**opened, "account": "u"}, purchase, {**purchase, "preview": True}):
        answer = refusing.say(**line)
        assert (answer.outcome, answer.code) == ("invalid", "test_clocks_refused")
    with pytest.raises(InvalidInput, match="PRORATA_TEST_CLOCKS"):
        refusing.service.settle("main/t", NOW)
    assert world.log.last_position() == position
    refusing.open("w", at=None)
    assert world.log.last_position() == position + 1


def test_where_only_the_test_gateway_could_charge_nothing_is_done_on_the_wall_clock() -> None:
    world = memory_world()
    world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    world.open("w", at=None)
    refusing = world.twin(wall_clock=False)
    position = world.log.last_position()
    purchase = {"do": "purchase_plan", "account": "w", "product": "standard", "confirm": CONFIRM}
    for line in (purchase, {**purchase, "preview": True}, {"do": "close_account", "account": "w"}):
        answer = refusing.say_now(**line)
        assert (answer.outcome, answer.code) == ("invalid", "test_gateway_refused")
    with pytest.raises(InvalidInput, match="PRORATA_ALLOW_TEST_GATEWAY"):
        refusing.service.settle("main/w", NOW)
    assert world.log.last_position() == position
    refusing.open("t", at="2026-03-20")
    assert world.log.last_position() == position + 1


def test_an_account_on_a_test_clock_pays_at_the_test_gateway_alone() -> None:
    real, played = UnreliableGateway(), UnreliableGateway()
    world = memory_world(real, test_gateway=played)
    world.open("t")
    world.say(do="payment_method", account="t", works=True, at="2026-03-20")
    bought = world.say(do="purchase_plan", account="t", product="standard", at="2026-03-20")
    world.service.settle("main/t", NOW + timedelta(days=40))

    assert (bought.outcome, world.happened("t")[-1]) == ("accepted", "invoice_paid")
    assert (real.asked, [call for call, _, _ in played.asked]) == ([], ["charge", "charge"])


def test_on_the_wall_clock_nothing_is_confirmed_by_default(world: World) -> None:
    world.open("w", at=None)
    line = {"do": "purchase_plan", "account": "w", "product": "standard"}

    assert world.say_now(**line).facts["missing"] == ["cvv", "billing"]
    assert world.say_now(**line, confirm={"cvv": TOKEN}).facts["missing"] == ["billing"]
    assert world.say_now(**line, confirm=CONFIRM).outcome == "accepted"


def test_the_balance_is_paid_by_the_saved_method_whatever_is_confirmed() -> None:
    gateway = UnreliableGateway()
    world = memory_world(gateway)
    world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    world.open("w", at=None)
    world.say_now(do="purchase_plan", account="w", product="standard", confirm=CONFIRM)
    complete(gateway.set_saved_method("main/w", works=False))
    world.clock.advance(timedelta(days=33))

    answer = world.say_now(do="pay_balance", account="w", confirm=CONFIRM)

    assert answer.code == "payment_declined"
    assert not isinstance(gateway.asked[-1][2], Confirmation)


def test_an_account_is_reached_on_its_own_clock_only(world: World) -> None:
    world.open("w", at=None)
    world.open("t")

    assert world.say(do="close_account", account="w", at="2030-01-01").code == "wrong_clock"
    assert world.say_now(do="close_account", account="t").code == "wrong_clock"
    assert world.say(do="payment_method", account="w", works=True, at="2030-01-01").code == "wrong_clock"


def test_before_the_last_instant_nothing_happens_on_a_test_clock(world: World) -> None:
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20T10:00")

    for line in ({"do": "close_account"}, {"do": "payment_method", "works": True}):
        answer = world.say(account="a1", at="2026-03-20T09:59", **line)
        assert (answer.outcome, answer.code, answer.place) == ("invalid", "at_too_early", "$.at")
    assert world.say(do="close_account", account="a1", at="2026-03-20T10:00").outcome == "accepted"


def test_moments_are_read_in_the_zone_of_the_account(world: World) -> None:
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-04-05T18:30")

    assert world.history()[-1].at.isoformat() == "2026-04-05T16:30:00+00:00"
    gone = world.say(do="close_account", account="a1", at="2027-03-28T02:30")
    assert (gone.outcome, gone.code, gone.place) == ("invalid", "nonexistent_time", "$.at")


def test_unknown_accounts_are_refused(world: World) -> None:
    answer = world.say(do="payment_method", account="nobody", works=True, at="2026-03-20")
    assert (answer.outcome, answer.code, answer.version) == ("rejected", "unknown_account", None)
    assert world.say(do="close_account", account="nobody", at="2026-03-20").code == "unknown_account"
    assert world.say_now(do="close_account", account="nobody").code == "unknown_account"


def test_the_payment_method_holds_from_its_instant_on_and_until_changed(world: World) -> None:
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    answer = world.say(do="payment_method", account="a1", works=False, at="2026-04-20", id="p1")

    assert (answer.outcome, answer.charged, answer.events, answer.id) == ("accepted", None, (), "p1")
    assert world.happened()[-2:] == ["cycles_renewed", "invoice_paid"], "settled before it changed"
    bought = world.say(do="purchase_addon", account="a1", product="surveys", at="2026-04-21")
    assert bought.code == "payment_declined"
    world.say(do="payment_method", account="a1", works=True, at="2026-04-21")
    assert world.say(do="purchase_addon", account="a1", product="surveys", at="2026-04-21").charged == "7.25"


def test_a_catalogue_given_with_an_account_is_its_own(world: World) -> None:
    catalog = json.loads(EXAMPLE.read_bytes())
    catalog["plans"][2]["tiers"][0]["prices"]["EUR"] = "21.00"
    world.open("own", catalog=catalog)
    world.open("other")

    line = {"do": "purchase_plan", "product": "standard", "at": "2026-03-20"}
    assert world.say(account="own", **line).charged == "21.00"
    assert world.say(account="other", **line).charged == "20.00"


def test_a_fault_in_a_catalogue_given_with_an_account_is_named(world: World) -> None:
    answer = world.open("own", catalog={"families": [], "plans": [{"id": 3}], "add_ons": [], "credits": []})

    assert (answer.outcome, answer.code, answer.place) == (
        "invalid",
        "invalid_catalog",
        "$.catalog.plans[0].id",
    )
    assert world.happened("own") == []


def test_a_preview_of_an_opening_keeps_nothing(world: World) -> None:
    before = msgspec.json.encode(sorted(world.store._pinned))  # type: ignore[attr-defined]

    assert world.open("a9", preview=True).outcome == "accepted"
    assert world.happened("a9") == []
    assert msgspec.json.encode(sorted(world.store._pinned)) == before  # type: ignore[attr-defined]


def test_a_preview_answers_what_doing_it_then_answers(world: World) -> None:
    world.open()
    line = {"do": "purchase_plan", "account": "a1", "product": "standard", "at": "2026-03-20"}

    looked = world.say(**line, preview=True)
    done = world.say(**line)

    assert msgspec.structs.replace(looked, version=done.version) == done
    assert looked.version == 1


class _LostLog(MemoryEventLog):
    """A log that is lost at the nth append."""

    def __init__(self, lost_at: int) -> None:
        super().__init__()
        self.left = lost_at

    def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        self.left -= 1
        if self.left < 0:
            raise LogUnavailable("gone")
        return super().append(account_id, head, events)


def test_a_line_whose_fate_is_unknown_is_named_and_never_its_token(world: World) -> None:
    lost = world.twin(log=_LostLog(lost_at=2))
    lost.open("w", at=None)

    with pytest.raises(LineUnanswered) as raised:
        lost.say_now(
            do="purchase_plan", account="w", product="standard", id="c7", confirm=CONFIRM, actor="u-1"
        )

    error = raised.value
    assert (error.line, error.account_id, error.command_id) == (2, "main/w", "c7")
    assert error.code == "fate_unknown"
    assert "line 2" in str(error)
    assert TOKEN not in str(error) + repr(error) + repr(error.__cause__)


def test_a_line_that_reached_nothing_is_named_as_not_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise LogUnavailable("gone")

    monkeypatch.setattr(world.log, "read_account", gone)

    with pytest.raises(LineUnanswered, match=r"line 1, account 'main/a1', id None: .* nothing was done"):
        world.say(do="close_account", account="a1", at="2026-03-20")


def test_a_confirmation_shows_its_token_nowhere() -> None:
    assert TOKEN not in repr(Confirmation(TOKEN))
    assert TOKEN not in f"{[Confirmation(TOKEN)]}"
