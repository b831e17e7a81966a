"""Taxes: who asks which of an account, and how an invoice's are rounded and shared among its lines (R69-R74).

    taxes = table.taxes_of(profile, date)       # for a buyer on the invoice's date
    lines = taxed(lines, taxes)                 # once for each tax of the invoice, shared by largest
    remainder

The table is dated and loaded as a catalogue is. Another decider may stand in its place: whatever answers
`taxes_of`, or None where it has no answer now.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final, Protocol

import msgspec

from domain.calendar import CivilDate
from domain.errors import TRY_AGAIN, Failure
from domain.events import Line, LineTax, TaxCategory, TaxProfileSet, TaxReason

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_HUNDRED = Decimal(100)


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


class TaxTable(msgspec.Struct, frozen=True):
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
        rows = [self._row(country, None, day)]
        if region is not None:
            rows.append(self._row(country, region, day))
        asked = tuple(
            [Tax(_jurisdiction(row), "S" if row.rate else "Z", row.rate) for row in rows if row is not None]
        )
        return asked or (Tax(country, "O", Decimal(0), "outside_scope"),)

    def _free(self, profile: TaxProfileSet, day: CivilDate) -> TaxReason | None:
        abroad = profile.country != self.seller
        confirmed = profile.kind == "business" and profile.vat_id == "confirmed"
        if abroad and confirmed and member_state(profile.country, day) and member_state(self.seller, day):
            return "reverse_charge"
        if profile.exempt_until is not None and day <= profile.exempt_until:
            return "exempt"
        return None

    def _row(self, country: str, region: str | None, day: CivilDate) -> TaxRow | None:
        begun = [
            row
            for row in self.rows
            if (row.country, row.region) == (country, region) and row.from_date <= day
        ]
        return max(begun, key=lambda row: row.from_date, default=None)


def _jurisdiction(row: TaxRow) -> str:
    return row.country if row.region is None else f"{row.country}-{row.region}"


def same_taxes(line: Line, taxes: Sequence[Tax]) -> bool:
    """The line was taxed by exactly these (R75)."""
    had = [] if line.taxes is msgspec.UNSET else [tax.group for tax in line.taxes]
    return had == [(tax.jurisdiction, tax.category, tax.rate) for tax in taxes]


def tax_on(net: Decimal, rate: Decimal) -> Decimal:
    """`net x rate / 100`, rounded half up to the net's minor unit (R72)."""
    return _EXACT.quantize(_EXACT.divide(_EXACT.multiply(net, rate), _HUNDRED), net)


def taxed(lines: Sequence[Line], taxes: Sequence[Tax], fixed: Sequence[Line] = ()) -> tuple[Line, ...]:
    """The lines with their shares of the taxes: each tax is rounded once for the invoice, and shared by
    largest remainder, equal ones in line order (R72). `fixed`: credit lines that have the taxes of what
    they credit already, in the order of `taxes`; the rest of each tax is shared among the others (R75).
    They come last."""
    shares: list[list[LineTax]] = [[] for _ in lines]
    for place, tax in enumerate(taxes):
        nets = [line.net for line in lines]
        whole = tax_on(sum([line.net for line in fixed], sum(nets, nets[0] - nets[0])), tax.rate)
        whole -= sum([line.taxes[place].amount for line in fixed if line.taxes is not msgspec.UNSET])
        for line_shares, amount in zip(shares, shared(whole, nets, tax.rate), strict=True):
            line_shares.append(tax.share(amount))
    done = [
        msgspec.structs.replace(line, taxes=tuple(line_shares))
        for line, line_shares in zip(lines, shares, strict=True)
    ]
    return (*done, *fixed)


def shared(whole: Decimal, nets: Sequence[Decimal], rate: Decimal) -> list[Decimal]:
    """The whole in one part for each net: each at least its own tax rounded down, what is left by largest
    remainder, a minor unit each."""
    unit = Decimal(1).scaleb(whole.as_tuple().exponent)  # type: ignore[arg-type] # a finite amount
    exact = [net * rate / _HUNDRED for net in nets]
    parts = [(amount // unit) * unit for amount in exact]
    left = int((whole - sum(parts, whole - whole)) / unit)
    by_remainder = sorted(range(len(nets)), key=lambda i: (parts[i] - exact[i], i))
    step = unit if left > 0 else -unit
    for turn in range(abs(left)):
        place = by_remainder[turn % len(nets)] if left > 0 else by_remainder[-1 - turn % len(nets)]
        parts[place] += step
    return [part.quantize(unit) for part in parts]
