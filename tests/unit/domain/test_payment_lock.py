"""After five declined attempts within 24 hours further ones are refused for 24 hours (R16)."""

from __future__ import annotations

import pytest

from domain import commands as c
from tests.support.domain.given import GivenAccount

SURVEYS = c.PurchaseAddon("surveys")


def _declined_at(*moments: str) -> GivenAccount:
    account = GivenAccount()
    for at in moments:
        assert account.give(SURVEYS, at, payment="declined").code == "payment_declined"
    return account


def _within_a_day() -> GivenAccount:
    return _declined_at(*[f"2026-03-02T{hour}:00:00" for hour in (10, 11, 12, 13, 14)])


def test_the_fifth_declined_attempt_locks() -> None:
    account = _within_a_day()
    answer = account.give(SURVEYS, "2026-03-02T14:00:00")
    assert answer.code == "payment_locked"
    assert answer.facts == {"until": "2026-03-03T14:00:00+01:00"}


def test_four_do_not_lock() -> None:
    account = _declined_at(*["2026-03-02T10:00"] * 4)
    assert account.give(SURVEYS, "2026-03-02T10:00").outcome == "accepted"


@pytest.mark.parametrize(
    ("at", "code"), [("2026-03-03T13:59:59", "payment_locked"), ("2026-03-03T14:00:00", None)]
)
def test_the_lock_ends_24_hours_after_the_last_attempt_to_the_second(at: str, code: str | None) -> None:
    assert _within_a_day().give(SURVEYS, at).code == code


@pytest.mark.parametrize(
    ("fifth", "code"), [("2026-03-03T09:59:59", "payment_locked"), ("2026-03-03T10:00:00", None)]
)
def test_the_fifth_counts_only_less_than_24_hours_after_the_first(fifth: str, code: str | None) -> None:
    account = _declined_at(*[f"2026-03-02T{hour}:00:00" for hour in (10, 11, 12, 13)], fifth)
    assert account.give(SURVEYS, fifth).code == code


def test_a_success_in_between_does_not_reset_the_count() -> None:
    account = _declined_at(*["2026-03-02T10:00"] * 3)
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-02T10:00")
    for _ in range(2):
        account.give(SURVEYS, "2026-03-02T11:00", payment="declined")
    assert account.give(SURVEYS, "2026-03-02T12:00").code == "payment_locked"


def test_refused_attempts_do_not_make_the_lock_longer() -> None:
    account = _within_a_day()
    assert account.give(SURVEYS, "2026-03-03T13:00", payment="declined").code == "payment_locked"
    assert account.give(SURVEYS, "2026-03-03T14:00").outcome == "accepted"


def test_once_free_it_takes_five_new_ones_to_lock_again() -> None:
    account = _within_a_day()
    for _ in range(5):
        assert account.give(SURVEYS, "2026-03-03T14:00", payment="declined").code == "payment_declined"
    assert account.give(SURVEYS, "2026-03-03T14:00").code == "payment_locked"


def test_a_day_of_25_hours_does_not_make_the_lock_shorter() -> None:
    account = _declined_at(*["2026-10-24T12:00"] * 5)
    assert account.give(SURVEYS, "2026-10-25T10:59:59").code == "payment_locked"
    assert account.give(SURVEYS, "2026-10-25T11:00").outcome == "accepted"


def test_declined_renewals_and_cancelled_payments_are_no_attempts() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    for _ in range(5):
        account.give(SURVEYS, "2026-01-05T10:00", payment="cancelled")
    account.settle("2026-02-05", due="declined")
    assert account.state.declines == ()


def test_a_declined_balance_is_an_attempt() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    account.settle("2026-02-05", due="declined")
    for _ in range(5):
        account.give(c.PayBalance(), "2026-02-05T10:00", payment="declined")
    assert account.give(c.PayBalance(), "2026-02-05T10:00").code == "payment_locked"
