"""Amounts in the units that Stripe counts in."""

from decimal import Decimal

import pytest

from domain.money import MINOR_DIGITS
from service.gateways.stripe.amounts import NotChargeable, in_minor_units, of_minor_units


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("4.84", "EUR", 484),
        ("0.01", "USD", 1),
        ("1125", "JPY", 1125),
        ("1125", "KRW", 1125),
        ("0.480", "KWD", 480),
        ("1.230", "BHD", 1230),
        ("5", "ISK", 500),
        ("5", "UGX", 500),
        ("12.00", "MGA", 12),
        ("999999.99", "EUR", 99999999),
    ],
)
def test_an_amount_is_a_whole_number_of_stripes_smallest_unit_and_comes_back_as_it_was(
    amount: str, currency: str, minor: int
) -> None:
    assert in_minor_units(Decimal(amount), currency) == minor
    back = of_minor_units(minor, currency.lower())
    assert str(back) == amount


@pytest.mark.parametrize(("amount", "currency"), [("0.125", "KWD"), ("1.001", "TND"), ("0.50", "MGA")])
def test_an_amount_that_stripe_has_no_number_for_is_refused_and_never_rounded(
    amount: str, currency: str
) -> None:
    with pytest.raises(NotChargeable, match=currency):
        in_minor_units(Decimal(amount), currency)


@pytest.mark.parametrize("currency", sorted(MINOR_DIGITS))
def test_a_hundred_of_every_currency_comes_back_as_it_was(currency: str) -> None:
    amount = Decimal(100).quantize(Decimal(1).scaleb(-MINOR_DIGITS[currency]))
    assert of_minor_units(in_minor_units(amount, currency), currency.lower()) == amount
