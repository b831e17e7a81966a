"""Tax (R69-R78): which taxes a line bears, and how much of each."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction
from typing import Any

from tests.reference.account.books import Books, Line, share
from tests.reference.amounts import half_up

Key = tuple[str, str, Fraction]
_MEMBER_STATES = set(
    "AT BE BG CY CZ DE DK EE EL ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)


def taxes_on(books: Books, day: date) -> list[Key]:
    """R71, R74: the taxes of the date: jurisdiction, category and rate of each. None while tax is off."""
    table = books.tax_table
    if table is None:
        return []
    profile = books.profile or {"country": table["seller"], "kind": "consumer"}
    country = profile["country"]
    if _reverse_charge(profile, table["seller"]):
        return [(country, "AE", Fraction(0))]
    if profile.get("exempt_until", "") >= day.isoformat():
        return [(country, "E", Fraction(0))]
    found: list[Key] = []
    for region in (None, profile.get("region")):
        rows = [
            row for row in table["rates"]
            if row["country"] == country and row.get("region") == region and row["from"] <= day.isoformat()
        ]  # fmt: skip
        if rows and (region is not None or not found):
            latest = max(rows, key=lambda row: str(row["from"]))
            place = country if region is None else f"{country}-{region}"
            found.append((place, "S", Fraction(latest["rate"])))
    return found or [(country, "O", Fraction(0))]


def _reverse_charge(profile: dict[str, Any], seller: str) -> bool:
    return (
        profile["kind"] == "business"
        and profile.get("vat_id") == "confirmed"
        and profile["country"] != seller
        and {profile["country"], seller} <= _MEMBER_STATES
    )


def tax_lines(lines: list[Line], keys: list[Key]) -> None:
    """R72, R73: each tax once for the invoice, shared by largest remainder; a credit line by R75 first."""
    for line in lines:
        if line["kind"] != "credit_line":
            line["taxes"] = [{"key": key, "amount": 0, "credited": 0} for key in keys]
    for key in keys:
        parts = [(line, part) for line in lines for part in line["taxes"] if part["key"] == key]
        rate = key[2] / 100
        tax = half_up(sum((line["net"] for line, _ in parts), Fraction(0)) * rate)
        tax -= sum(part["amount"] for line, part in parts if line["kind"] == "credit_line")
        charged = [(line, part) for line, part in parts if line["kind"] != "credit_line"]
        if len(charged) == 1:
            charged[0][1]["amount"] = tax
        else:
            _by_largest_remainder([(line["net"] * rate, part) for line, part in charged], tax)
    for line in lines:
        line["tax"] = sum(part["amount"] for part in line["taxes"])


def _by_largest_remainder(shares: list[tuple[Fraction, dict[str, Any]]], tax: int) -> None:
    for exact, part in shares:
        part["amount"] = math.floor(exact)
    left = tax - sum(part["amount"] for _, part in shares)
    for _, part in sorted(shares, key=lambda pair: pair[0] - math.floor(pair[0]), reverse=True)[:left]:
        part["amount"] += 1


def taken_back(line: Line, net: int) -> list[tuple[dict[str, Any], int]]:
    """R76: what crediting so much more of the line's net takes back of each of its taxes."""
    if line["net"] == 0:
        return []
    so_far = line["credited"] + net
    return [
        (part, half_up(share(part["amount"], so_far, line["net"])) - part["credited"])
        for part in line["taxes"]
    ]
