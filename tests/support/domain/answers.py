"""Answers of every kind that the domain can give: each refusal with its facts, each outcome, and commands
that change nothing.

    for answer in every_answer():
        assert said(answer, Wording("fr"), "EUR")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, get_args

from domain import commands as c
from domain.answers import Answer, Refusal, answer_of, refused
from domain.catalog import Catalogues, convert_catalog
from domain.catalog_file import PlanFile, TierFile
from domain.conclude import AnsweredPayment
from domain.decide import admit
from domain.events import DeclineReason
from tests.support.domain.booking_answers import every_booking_answer
from tests.support.domain.catalogs import SMALL
from tests.support.domain.given import GivenAccount

PLAN = c.PurchasePlan("standard")
PAUSE, RESUME, CANCEL = c.PausePlan("marketing"), c.ResumePlan("marketing"), c.CancelPlan("marketing")


def having(*commands: c.Command) -> GivenAccount:
    """An account after these commands of 20 March, all of which are accepted."""
    account = GivenAccount()
    for command in commands:
        assert account.give(command, "2026-03-20").outcome == "accepted"
    return account


def paused_twice() -> GivenAccount:
    """An account whose next pause is refused as one too many (R33)."""
    return having(PLAN, PAUSE, RESUME, PAUSE, RESUME)


def past_due() -> GivenAccount:
    """An account whose invoice 2, of 5 February, is unpaid."""
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    account.settle("2026-02-05", due="declined")
    return account


def moved_to_free() -> GivenAccount:
    """An account that has moved down to Free once, and back (R22)."""
    account = having(PLAN, c.ChangePlan("free"))
    account.give(PLAN, "2026-04-20")
    return account


NONE: tuple[c.Command, ...] = ()
BLOCKS = c.StartTransactional(2)
OTHER_FAMILY = PlanFile("standard", "websites", "Standard", (TierFile("500", {"EUR": "20.00"}),))
REFUSED: list[tuple[tuple[c.Command, ...], c.Command, str, dict[str, Any]]] = [
    (NONE, c.PurchasePlan("gold"), "unknown_product", {"asked": "gold", "kind": "plan"}),
    (NONE, c.PurchasePlan("standard", "9"), "unknown_product", {"asked": "standard/9", "kind": "tier"}),
    (NONE, c.PurchaseAddon("gold"), "unknown_product", {"asked": "gold", "kind": "add-on"}),
    (NONE, c.RemoveAddon("gold"), "unknown_product", {"asked": "gold", "kind": "add-on"}),
    (NONE, c.Undo("gold"), "unknown_product", {"asked": "gold", "kind": "plan or add-on"}),
    (NONE, c.BuyCredits("gold"), "unknown_product", {"asked": "gold", "kind": "credit pack"}),
    (NONE, c.PausePlan("gold"), "unknown_product", {"asked": "gold", "kind": "plan family"}),
    (NONE, c.CancelPlan("gold"), "unknown_product", {"asked": "gold", "kind": "plan family"}),
    (NONE, c.ResumePlan("gold"), "unknown_product", {"asked": "gold", "kind": "plan family"}),
    (NONE, CANCEL, "not_held", {"asked": "marketing", "kind": "plan"}),
    (NONE, c.ChangePlan("standard"), "not_held", {"asked": "marketing", "kind": "plan"}),
    (NONE, PAUSE, "not_held", {"asked": "marketing", "kind": "monthly plan"}),
    (NONE, RESUME, "not_held", {"asked": "marketing", "kind": "monthly plan"}),
    (NONE, c.RemoveAddon("surveys"), "not_held", {"asked": "surveys", "kind": "add-on"}),
    (NONE, c.StopTransactional(), "not_held", {"asked": "transactional", "kind": "add-on"}),
    (NONE, c.ChangeTransactional(2), "not_held", {"asked": "transactional", "kind": "add-on"}),
    (NONE, c.TopUpTransactional(2), "not_held", {"asked": "transactional", "kind": "add-on"}),
    (NONE, c.PausePlan("websites"), "not_pausable", {"family": "websites"}),
    (NONE, c.Undo("surveys"), "nothing_to_undo", {"product": "surveys"}),
    (NONE, c.Undo("standard"), "nothing_to_undo", {"product": "standard"}),
    (NONE, c.PayBalance(), "nothing_due", {}),
    (
        NONE,
        c.PurchaseAddon("transactional"),
        "own_process",
        {"product": "transactional", "process": "transactional"},
    ),
    (
        NONE,
        c.RemoveAddon("transactional"),
        "own_process",
        {"product": "transactional", "process": "transactional"},
    ),
    (
        NONE,
        c.PurchaseAddon("dedicated_ip"),
        "prerequisite_missing",
        {"product": "dedicated_ip", "requires": ["standard", "premium"]},
    ),
    (
        NONE,
        BLOCKS,
        "prerequisite_missing",
        {"product": "transactional", "requires": ["standard", "premium"]},
    ),
    (
        NONE,
        c.ChangeCatalog(plans=(OTHER_FAMILY,)),
        "product_changed",
        {
            "product": "standard",
            "aspect": "family",
            "was": "marketing",
            "now": "websites",
            "place": "$.plans[2].family",
        },
    ),
    (
        NONE,
        c.OverridePrice("standard", "0.00"),
        "product_changed",
        {"product": "standard", "aspect": "free", "was": "something", "now": "0.00 EUR", "place": "$.price"},
    ),
    ((PLAN,), PLAN, "already_active", {"product": "standard"}),
    ((PLAN,), c.ChangePlan("standard"), "already_active", {"product": "standard"}),
    ((PLAN,), RESUME, "not_paused", {"product": "standard"}),
    ((PLAN,), c.Undo("standard"), "nothing_to_undo", {"product": "standard"}),
    ((PLAN,), c.BuyCredits("credits_5000"), "monthly_plan_active", {"product": "standard"}),
    (
        (PLAN, c.PurchaseAddon("surveys")),
        c.PurchaseAddon("surveys"),
        "already_active",
        {"product": "surveys", "renews_on": "2026-04-20"},
    ),
    ((PLAN, BLOCKS), BLOCKS, "already_active", {"product": "transactional", "renews_on": "2026-04-20"}),
    ((PLAN, c.PurchaseAddon("surveys")), c.Undo("surveys"), "nothing_to_undo", {"product": "surveys"}),
    (
        (PLAN, BLOCKS, c.StopTransactional()),
        c.ChangeTransactional(3),
        "cancellation_pending",
        {"product": "transactional", "on": "2026-04-20"},
    ),
    ((PLAN, CANCEL), PAUSE, "cancellation_pending", {"product": "standard", "on": "2026-04-20"}),
    (
        (PLAN, CANCEL),
        c.ChangePlan("premium"),
        "cancellation_pending",
        {"product": "standard", "on": "2026-04-20"},
    ),
    ((PLAN, PAUSE, CANCEL), RESUME, "cancellation_pending", {"product": "standard", "on": "2026-04-20"}),
    ((PLAN, c.ChangePlan("free")), PAUSE, "change_pending", {"product": "standard", "on": "2026-04-20"}),
    ((PLAN, PAUSE), PAUSE, "already_paused", {"product": "standard"}),
    ((PLAN, PAUSE), PLAN, "plan_paused", {"product": "standard"}),
    ((PLAN, PAUSE), c.ChangePlan("premium"), "plan_paused", {"product": "standard"}),
    (
        (PLAN,),
        c.PausePlan("marketing", date(2026, 3, 20)),
        "invalid_date",
        {"resume_on": "2026-03-20", "today": "2026-03-20"},
    ),
    (NONE, c.OverridePrice("gold", "1.00"), "unknown_product", {"asked": "gold", "kind": "product"}),
    (
        NONE,
        c.OverridePrice("surveys", "1.00", "9"),
        "unknown_product",
        {"asked": "surveys", "kind": "product with tiers"},
    ),
    (
        NONE,
        c.OverridePrice("standard", "1.00", "9"),
        "unknown_product",
        {"asked": "standard/9", "kind": "tier"},
    ),
    (
        NONE,
        c.OverridePrice("transactional", "1.00"),
        "no_price",
        {"product": "transactional", "currency": "EUR"},
    ),
    (
        NONE,
        c.OverridePrice("surveys", "1.001"),
        "invalid_amount",
        {"product": "surveys", "price": "1.001", "currency": "EUR"},
    ),
]

REFUSED_LATER: list[tuple[Callable[[], GivenAccount], c.Command, str, str, dict[str, Any]]] = [
    (
        paused_twice,
        PAUSE,
        "2026-03-20",
        "pause_limit",
        {"product": "standard", "allowed_from": "2027-03-20"},
    ),
    (
        past_due,
        c.PurchaseAddon("surveys"),
        "2026-02-06",
        "past_due",
        {"invoice": 2, "amount": "10.00", "currency": "EUR"},
    ),
    (
        past_due,
        c.CloseAccount(),
        "2026-02-06",
        "balance_due",
        {"invoice": 2, "amount": "10.00", "currency": "EUR"},
    ),
    (moved_to_free, c.ChangePlan("free"), "2026-04-21", "free_already_used", {}),
]

OUTCOMES: list[tuple[tuple[c.Command, ...], str]] = [
    ((PLAN,), "plan_purchased"),
    ((c.PurchaseAddon("surveys"),), "addon_purchased"),
    ((PLAN, c.ChangePlan("premium")), "plan_changed"),
    ((PLAN, c.OverridePrice("essentials", "20.00"), c.ChangePlan("essentials")), "plan_changed"),
    ((c.PurchasePlan("free"),), "free_plan_started"),
    ((PLAN, c.ChangePlan("free")), "downgrade_scheduled"),
    ((PLAN, c.ChangePlan("free"), c.Undo("standard")), "downgrade_withdrawn"),
    ((PLAN, CANCEL), "plan_cancelled"),
    ((PLAN, CANCEL, c.Undo("standard")), "plan_cancellation_withdrawn"),
    ((c.PurchasePlan("free"), CANCEL), "plan_ended"),
    ((PLAN, PAUSE), "plan_paused"),
    ((PLAN, c.PurchaseAddon("surveys"), c.PausePlan("marketing", date(2026, 4, 1))), "plan_paused"),
    ((PLAN, PAUSE, RESUME), "plan_resumed"),
    ((c.PurchaseAddon("surveys"), c.RemoveAddon("surveys")), "addon_removed"),
    ((c.PurchaseAddon("surveys"), c.RemoveAddon("surveys"), c.Undo("surveys")), "addon_removal_withdrawn"),
    ((PLAN, c.StartTransactional(1), c.ChangeTransactional(2)), "blocks_changed"),
    ((PLAN, c.StartTransactional(1), c.TopUpTransactional(2)), "blocks_topped_up"),
    ((c.BuyCredits("credits_5000"),), "credits_purchased"),
    ((c.OverridePrice("surveys", "8.00"),), "price_overridden"),
    ((c.ChangeCatalog(withdrawn=("surveys",)),), "catalog_changed"),
    ((c.CloseAccount(),), "account_closed"),
]
"""Commands of 20 March, and the type of the last event that the last of them records."""

ALREADY: list[tuple[tuple[c.Command, ...], dict[str, Any]]] = [
    ((PLAN, CANCEL), {"product": "standard", "on": "2026-04-20"}),
    (
        (PLAN, c.ChangePlan("free")),
        {"product": "standard", "to_product": "free", "to_tier": "250", "on": "2026-04-20"},
    ),
    (
        (c.PurchaseAddon("surveys"), c.RemoveAddon("surveys")),
        {"product": "surveys", "access_until": "2026-04-20", "status": "ending", "renews_on": None},
    ),
    (
        (PLAN, c.StartTransactional(1), c.ChangeTransactional(2)),
        {"product": "transactional", "blocks": 2, "on": "2026-04-20"},
    ),
]
"""Commands of 20 March, the last of which changes nothing when repeated, and the facts of that answer."""


def every_answer() -> Iterator[Answer]:
    """An answer of each kind."""
    for before, command, *_ in REFUSED:
        yield having(*before).give(command, "2026-03-20")
    for given, command, at, *_ in REFUSED_LATER:
        yield given().give(command, at)
    yield from _of_who_asks_and_how()
    yield from _of_payments()
    for commands, _ in OUTCOMES:
        yield having(*commands[:-1]).give(commands[-1], "2026-03-20")
    for commands, _ in ALREADY:
        yield having(*commands).give(commands[-1], "2026-03-20")
    opened = GivenAccount()
    opening = c.OpenAccount("EUR", opened.zone, "test")
    yield answer_of(opening, opened.events, opened.state, opened.catalogues)
    yield past_due().give(c.PayBalance(), "2026-02-06")
    account = past_due()
    for _ in range(2):
        yield account.give(c.RemoveAddon("custom_domain"), "2026-02-06")
    yield account.give(c.Undo("custom_domain"), "2026-02-06")
    yield having(PLAN, PAUSE).give(CANCEL, "2026-03-21")
    account = having(PLAN, c.PausePlan("marketing", date(2026, 4, 1)))
    account.give(CANCEL, "2026-03-21")
    yield account.give(c.Undo("standard"), "2026-04-02")
    account = having(PLAN, CANCEL)
    yield account.give(c.PurchaseAddon("dedicated_ip"), "2026-03-21")
    yield account.give(CANCEL, "2026-03-21")
    yield from every_booking_answer()


def _of_who_asks_and_how() -> Iterator[Answer]:
    account = GivenAccount()
    yield account.give(PLAN, "2026-03-01", role="viewer")
    yield account.give(PLAN, "2026-03-01", clock="wall")
    yield account.give(c.OpenAccount("EUR", "Europe/Paris", "test"), "2026-03-01")
    unknown = admit(None, account.request(PLAN, "2026-03-01"))
    assert isinstance(unknown, Refusal)
    yield refused(unknown)
    yield account.give(c.BuyCredits("credits_5000"), "2026-03-01", id="k")
    yield account.give(c.CloseAccount(), "2026-03-01", id="k")
    account.give(c.CloseAccount(), "2026-03-01")
    yield account.give(PLAN, "2026-03-02")
    yen = GivenAccount(currency="JPY", catalog=convert_catalog(SMALL))
    yield yen.give(c.PurchaseAddon("maps"), "2026-03-01")
    account = GivenAccount()
    account.catalogues = Catalogues(())
    yield account.give(PLAN, "2026-03-01")


def _of_payments() -> Iterator[Answer]:
    account = GivenAccount()
    yield account.give(PLAN, "2026-03-20", cvv=False, billing=False)
    yield account.give(PLAN, "2026-03-20", expected_total="19.00")
    yield account.give(PLAN, "2026-03-20", payment="cancelled")
    for _ in range(5):
        yield account.give(PLAN, "2026-03-20", payment="declined")
    yield account.give(PLAN, "2026-03-20")
    for reason in get_args(DeclineReason):
        told = AnsweredPayment("declined", reason)
        yield GivenAccount().give(PLAN, "2026-03-20", payment=told)
    account = GivenAccount()
    account.give_raw(account.request(PLAN, "2026-03-21"), payment=None)
    yield account.give(PLAN, "2026-03-21")
