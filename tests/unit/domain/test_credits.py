"""Packs add up, and each expires on its own date, a year after it was bought (R21, R44)."""

from __future__ import annotations

from domain import commands as c
from domain import events as e
from domain.calendar import parse_moment
from domain.views import entitlements
from tests.support.domain.given import GivenAccount


def _with_three_packs() -> GivenAccount:
    account = GivenAccount()
    account.give(c.BuyCredits("credits_5000"), "2026-03-20")
    account.give(c.BuyCredits("credits_25000"), "2026-03-20")
    account.give(c.BuyCredits("credits_5000"), "2026-03-20")
    account.give(c.BuyCredits("credits_5000"), "2026-04-01")
    return account


def test_packs_of_a_product_add_up_until_the_last_expires() -> None:
    shown = entitlements(_with_three_packs().state)
    assert list(shown) == ["credits_5000", "credits_25000"]
    small, large = shown.values()
    assert (small.status, small.renews, small.allowance) == ("active", False, 15_000)
    assert small.access_until == parse_moment("2027-04-01", "Europe/Paris")
    assert (large.allowance, large.access_until) == (25_000, parse_moment("2027-03-20", "Europe/Paris"))


def test_what_expires_on_a_date_is_told_product_by_product() -> None:
    account = _with_three_packs()
    account.settle("2027-03-20")
    expired = [event for event in account.events if isinstance(event, e.CreditsExpired)]
    assert [(event.product, event.credits) for event in expired] == [
        ("credits_5000", 10_000),
        ("credits_25000", 25_000),
    ]
    shown = entitlements(account.state)
    assert (shown["credits_5000"].status, shown["credits_5000"].allowance) == ("active", 5_000)
    assert (shown["credits_25000"].status, shown["credits_25000"].allowance) == ("ended", 0)
