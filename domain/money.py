"""Exact amounts in a currency's minor unit (R5) and the one rounding rule (R6).

    >>> prorate(Decimal("10.00"), 15, 31)
    Decimal('4.84')

An amount is a `Decimal` whose exponent is the currency's: 4.84 EUR, 1125 JPY, 0.484 KWD. Sums and products
with whole numbers keep the exponent, so an amount is always a whole number of minor units and reads on the
wire as people write it.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact

from domain.errors import InvalidInput

MAX_DIGITS = 15
"""Digits of the largest amount accepted from outside: sums of such amounts stay exact in every context
used here."""

_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DIVISION = Context(prec=60, rounding=ROUND_HALF_UP)
_EXACT = Context(prec=60, traps=[Inexact])

_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC
CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN
SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ANG BGN CUC
HRK SLL ZWL
""".split()
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split()
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND".split()

MINOR_DIGITS: dict[str, int] = (
    dict.fromkeys(_TWO_DIGITS, 2) | dict.fromkeys(_NO_DIGITS, 0) | dict.fromkeys(_THREE_DIGITS, 3)
)
"""Digits after the point of each currency (ISO 4217)."""

_UNIT = {currency: Decimal(1).scaleb(-digits) for currency, digits in MINOR_DIGITS.items()}
_ZERO = {currency: Decimal(0).quantize(unit) for currency, unit in _UNIT.items()}


def check_currency(currency: str, place: str = "$.currency") -> str:
    """The currency itself, if it is one of ISO 4217's.

    Raises InvalidInput `unknown_currency`.
    """
    if currency not in MINOR_DIGITS:
        raise InvalidInput(
            "unknown_currency", place, f"{currency!r} is not a currency code of ISO 4217 (such as EUR)"
        )
    return currency


def zero(currency: str) -> Decimal:
    """0 in the currency's digits: 0.00 EUR, 0 JPY."""
    return _ZERO[currency]


def parse_amount(text: str, currency: str, place: str = "$") -> Decimal:
    """The amount that `text` says in plain digits ("4.84", "-6.5"), in the currency's digits.

    Raises InvalidInput `invalid_amount` for another form, more digits than the currency has, or more than
    15 digits in all.
    """
    if not _AMOUNT.fullmatch(text) or not text.isascii():
        raise InvalidInput(
            "invalid_amount", place, f"{text[:40]!r} is not an amount in plain digits (such as 4.84)"
        )
    if len(text.lstrip("-").replace(".", "")) > MAX_DIGITS:
        raise InvalidInput("invalid_amount", place, f"an amount has at most {MAX_DIGITS} digits")
    amount = Decimal(text)
    try:
        return amount.quantize(_UNIT[currency], context=_EXACT)
    except Inexact:
        digits = MINOR_DIGITS[currency]
        raise InvalidInput(
            "invalid_amount",
            place,
            f"{text} has more than the {digits} digits after the point that {currency} has",
        ) from None


def prorate(price: Decimal, days: int, of_days: int) -> Decimal:
    """`price x days / of_days`, rounded half up (away from zero at the half) to the price's own minor unit
    (R6)."""
    if days == of_days:
        return price
    # 60 digits, a divisor of at most 31: a quotient that is not exactly at the half is never rounded onto it.
    return _DIVISION.quantize(_DIVISION.divide(price * days, Decimal(of_days)), price)
