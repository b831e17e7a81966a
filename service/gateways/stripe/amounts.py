"""Amounts as Stripe counts them: whole numbers of a currency's smallest unit, with Stripe's own exceptions.

>>> in_minor_units(Decimal("4.84"), "EUR"), in_minor_units(Decimal("1125"), "JPY")
(484, 1125)
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from domain.money import MINOR_DIGITS

_DIGITS: Final = MINOR_DIGITS | {"ISK": 2, "UGX": 2, "MGA": 0}
"""Stripe counts krónur and Ugandan shillings in hundredths that must be whole, and ariary without them."""

_STEP: Final = {"ISK": 100, "UGX": 100, "BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}
"""Minor units that an amount must be a multiple of."""


class NotChargeable(ValueError):  # noqa: N818 - named for what happened
    """An amount that Stripe has no number for: 0.125 KWD, 0.5 ariary."""


def in_minor_units(amount: Decimal, currency: str) -> int:
    """Raises NotChargeable."""
    scaled = amount.scaleb(_DIGITS[currency])
    minor = int(scaled)
    if minor != scaled or minor % _STEP.get(currency, 1):
        raise NotChargeable(f"Stripe takes no {amount} {currency}")
    return minor


def of_minor_units(minor: int, currency: str) -> Decimal:
    """The amount, in the currency's digits; `currency` as Stripe writes it, in small letters."""
    code = currency.upper()
    amount = Decimal(minor).scaleb(-_DIGITS.get(code, 2))
    return amount.quantize(Decimal(1).scaleb(-MINOR_DIGITS.get(code, 2)))
