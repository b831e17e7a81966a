"""Taxes: who asks which of an account, and how an invoice's are rounded and shared among its lines (R69-R74).

    taxes = table.taxes_of(profile, date)       # for a buyer on the invoice's date
    lines = taxed(lines, taxes, "EUR")          # once for each tax of the invoice, shared by largest
    remainder

The table is dated and loaded as a catalogue is. Another decider may stand in its place: whatever answers
`taxes_of`, or None where it has no answer now.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from functools import cached_property, lru_cache
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from domain.calendar import CivilDate
from domain.errors import TRY_AGAIN, Failure
from domain.events import Line, LineTax, TaxCategory, TaxProfileSet, TaxReason
from domain.money import MINOR_DIGITS

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_DOWN = Context(prec=60, rounding=ROUND_FLOOR)


class Tax(msgspec.Struct, frozen=True, gc=False):
    """A tax on every line of an invoice. `rate` is in percent; `reason`: why none is asked (R74)."""

    jurisdiction: str
    category: TaxCategory
    rate: Decimal
    reason: TaxReason | None = None

    def share(self, amount: Decimal) -> LineTax:
        """A line's share of it."""
        return LineTax(self.jurisdiction, self.category, self.rate, amount, self.reason)


class TaxUnavailable(Failure):
    """Whoever decides the taxes has no answer now (R71): nothing can be charged before it has."""

    code = "tax_unavailable"
    exit_code = TRY_AGAIN
    remedy = "run it again once it answers: renewals wait, and are billed at the rates of their own dates"


class Taxes(Protocol):
    """Decides the taxes of an invoice (R71)."""

    def taxes_of(self, profile: TaxProfileSet | None, day: CivilDate) -> tuple[Tax, ...]:
        """The taxes of an invoice of that date. Without a profile: those of a consumer in the seller's
        country (R70). Raises TaxUnavailable where there is no answer now."""
        ...


class TaxRow(msgspec.Struct, frozen=True, gc=False):
    """A rate in percent, of a country or of one of its regions, from a date on."""

    country: str
    rate: Decimal
    from_date: CivilDate
    region: str | None = None


MEMBER_STATES: Final = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)
_JOINED: Final = {
    "BG": CivilDate(2007, 1, 1),
    "RO": CivilDate(2007, 1, 1),
    "HR": CivilDate(2013, 7, 1),
}
_LEFT: Final = {"GB": CivilDate(2021, 1, 1)}


def member_state(country: str, day: CivilDate) -> bool:
    """Whether the country belongs to the European Union's VAT territory on the date."""
    if country in _LEFT:
        return day < _LEFT[country]
    return country in MEMBER_STATES and day >= _JOINED.get(country, CivilDate.min)


class TaxTable(msgspec.Struct, frozen=True, dict=True):
    """The built-in decider: rates with the dates from which they hold."""

    seller: str
    """The seller's country."""
    rows: tuple[TaxRow, ...]

    def taxes_of(self, profile: TaxProfileSet | None, day: CivilDate) -> tuple[Tax, ...]:
        """Of the rows of the buyer's country, and of that country and region, the latest that has begun, each
        a tax of its own; no tax is asked for the reasons of R74."""
        country, region = (self.seller, None) if profile is None else (profile.country, profile.region)
        if profile is not None and (reason := self._free(profile, day)) is not None:
            category: TaxCategory = "AE" if reason == "reverse_charge" else "E"
            return (Tax(country, category, Decimal(0), reason),)
        asked = self._asked(country, None, day)
        if region is not None:
            asked += self._asked(country, region, day)
        return asked or (Tax(country, "O", Decimal(0), "outside_scope"),)

    def _free(self, profile: TaxProfileSet, day: CivilDate) -> TaxReason | None:
        abroad = profile.country != self.seller
        confirmed = profile.kind == "business" and profile.vat_id == "confirmed"
        if abroad and confirmed and member_state(profile.country, day) and member_state(self.seller, day):
            return "reverse_charge"
        if profile.exempt_until is not None and day <= profile.exempt_until:
            return "exempt"
        return None

    def _asked(self, country: str, region: str | None, day: CivilDate) -> tuple[Tax, ...]:
        """The tax of the latest row of the place that has begun on the date."""
        for begins, tax in self._by_place.get((country, region), ()):
            if begins <= day:
                return (tax,)
        return ()

    @cached_property
    def _by_place(self) -> dict[tuple[str, str | None], list[tuple[CivilDate, Tax]]]:
        """The taxes of each country and region, the latest first."""
        found: dict[tuple[str, str | None], list[tuple[CivilDate, Tax]]] = {}
        for row in sorted(self.rows, key=lambda row: row.from_date, reverse=True):
            jurisdiction = row.country if row.region is None else f"{row.country}-{row.region}"
            tax = Tax(jurisdiction, "S" if row.rate else "Z", row.rate)
            found.setdefault((row.country, row.region), []).append((row.from_date, tax))
        return found


def same_taxes(line: Line, taxes: Sequence[Tax]) -> bool:
    """The line was taxed by exactly these (R75)."""
    had = [] if line.taxes is msgspec.UNSET else [tax.group for tax in line.taxes]
    return had == [(tax.jurisdiction, tax.category, tax.rate) for tax in taxes]


def taxed(
    lines: Sequence[Line], taxes: Sequence[Tax], currency: str, fixed: Sequence[Line] = ()
) -> tuple[Line, ...]:
    """The lines with their shares of the taxes: each tax is rounded once for the invoice, and shared by
    largest remainder, equal ones in line order (R72). `fixed`: credit lines that have the taxes of what
    they credit already, in the order of `taxes`; the rest of each tax is shared among the others (R75).
    They come last."""
    nets = tuple([line.net for line in lines])
    had = tuple([(line.net, tuple([tax.amount for tax in line.taxes])) for line in fixed if line.taxes])
    shares = _shares(nets, tuple(taxes), had, currency)
    done = [replace(line, taxes=share) for line, share in zip(lines, shares, strict=True)]
    return (*done, *fixed)


@lru_cache(maxsize=4096)
def _shares(
    nets: tuple[Decimal, ...],
    taxes: tuple[Tax, ...],
    had: tuple[tuple[Decimal, tuple[Decimal, ...]], ...],
    currency: str,
) -> tuple[tuple[LineTax, ...], ...]:
    """For each net its shares of the taxes. `had`: net and taxes of the credit lines beside them. Renewals
    repeat, so this is remembered: by currency too, since 10 and 10.00 are the same to a cache."""
    exponent = -MINOR_DIGITS[currency]
    columns = []
    for place, tax in enumerate(taxes):
        credited = [(net, amounts[place]) for net, amounts in had]
        columns.append([tax.share(amount) for amount in shared(nets, tax.rate, exponent, credited)])
    return tuple(zip(*columns, strict=True))


def shared(
    nets: Sequence[Decimal],
    rate: Decimal,
    exponent: int,
    had: Sequence[tuple[Decimal, Decimal]] = (),
) -> list[Decimal]:
    """A tax of an invoice, `sum(net) x rate / 100` rounded half up, in one part for each net: its own tax
    rounded down, and of what is left a minor unit by largest remainder (R72). `had`: net and tax of credit
    lines, which are of the sum and keep theirs (R75). `exponent`: that of the amounts."""
    factor = rate.scaleb(-2)
    exact = [_EXACT.multiply(net, factor) for net in nets]
    parts = [_DOWN.quantize(amount, net) for amount, net in zip(exact, nets, strict=True)]
    left = _EXACT.quantize(sum([_EXACT.multiply(net, factor) for net, _ in had], sum(exact)), nets[0])
    left -= sum(parts) + sum([tax for _, tax in had])
    if left:
        _add_to_largest(parts, exact, left, Decimal(1).scaleb(exponent))
    return parts


def _add_to_largest(parts: list[Decimal], exact: Sequence[Decimal], left: Decimal, unit: Decimal) -> None:
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for turn in range(abs(int(left / unit))):
        if left > 0:
            parts[by_remainder[turn % len(parts)]] += unit
        else:
            parts[by_remainder[-1 - turn % len(parts)]] -= unit
