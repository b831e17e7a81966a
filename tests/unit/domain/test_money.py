"""Amounts are exact, in their currency's digits, and rounded once (R5, R6)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.errors import InvalidInput
from domain.money import MINOR_DIGITS, check_currency, parse_amount, prorate, zero


@pytest.mark.parametrize(
    ("price", "days", "of_days", "part"),
    [
        ("10.00", 15, 31, "4.84"),
        ("10.00", 1, 31, "0.32"),
        ("7.50", 21, 28, "5.63"),
        ("26.50", 7, 28, "6.63"),
        ("1125", 3, 30, "113"),
        ("1.000", 15, 31, "0.484"),
        ("0.01", 1, 31, "0.00"),
        ("0.01", 15, 30, "0.01"),
        ("0.01", 14, 29, "0.00"),
        ("10.00", 30, 30, "10.00"),
        ("0.00", 3, 30, "0.00"),
        ("9999999999999.99", 1, 3, "3333333333333.33"),
    ],
)
def test_a_part_is_rounded_half_up_to_the_price_s_own_digits(
    price: str, days: int, of_days: int, part: str
) -> None:
    assert str(prorate(Decimal(price), days, of_days)) == part


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("4.84", "EUR", "4.84"),
        ("4.8", "EUR", "4.80"),
        ("5", "EUR", "5.00"),
        ("-6.5", "EUR", "-6.50"),
        ("007", "JPY", "7"),
        ("1125.0", "JPY", "1125"),
        ("0.484", "KWD", "0.484"),
        ("9999999999999.99", "EUR", "9999999999999.99"),
    ],
)
def test_an_amount_is_read_into_the_digits_of_its_currency(text: str, currency: str, amount: str) -> None:
    assert str(parse_amount(text, currency)) == amount


@pytest.mark.parametrize(
    "text",
    ["", "4,84", "4.", ".5", "1e3", " 4", "+4", "NaN", "Infinity", "--1", "1_000", "٣", "4.84 EUR", "\u00bd"],
)
def test_an_amount_in_another_form_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse_amount(text, "EUR", "$.price")
    assert (error.value.code, error.value.place) == ("invalid_amount", "$.price")


@pytest.mark.parametrize(("text", "currency"), [("4.845", "EUR"), ("1.5", "JPY"), ("0.0001", "KWD")])
def test_more_digits_than_the_currency_has_are_never_rounded_away(text: str, currency: str) -> None:
    with pytest.raises(InvalidInput, match="digits after the point"):
        parse_amount(text, currency)


def test_an_amount_of_more_than_fifteen_digits_is_refused() -> None:
    assert parse_amount("1234567890123.45", "EUR") == Decimal("1234567890123.45")
    with pytest.raises(InvalidInput, match="at most 15 digits"):
        parse_amount("12345678901234.56", "EUR")


def test_zero_is_written_in_the_currency_s_digits() -> None:
    assert [str(zero(currency)) for currency in ("EUR", "JPY", "KWD")] == ["0.00", "0", "0.000"]


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "XXX", "€"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(InvalidInput) as error:
        check_currency(currency, "$.account.currency")
    assert (error.value.code, error.value.place) == ("unknown_currency", "$.account.currency")


def test_every_currency_has_zero_two_or_three_digits() -> None:
    assert {MINOR_DIGITS[currency] for currency in ("JPY", "KRW", "ISK", "XOF")} == {0}
    assert {MINOR_DIGITS[currency] for currency in ("EUR", "USD", "CHF", "GBP")} == {2}
    assert {MINOR_DIGITS[currency] for currency in ("KWD", "BHD", "TND", "JOD")} == {3}
    assert set(MINOR_DIGITS.values()) == {0, 2, 3}
