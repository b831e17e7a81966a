"""How the amounts of an invoice come about, spelled out: each line's days, discount and taxes, and each tax
of the invoice (R6, R47, R65, R72, R80).

    >>> arithmetic(line)
    '10.00 × 15/31 days = 4.84; − 0.73 (D1) = 4.11; tax 0.82 (FR 20%)'
    >>> [tax.arithmetic for tax in tax_groups(invoice.lines)]
    ['5.48 × 20% = 1.10']
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from domain.events import CreditedLine, Line, LineTax, TaxCategory, TaxReason


class TaxGroup(msgspec.Struct, frozen=True):
    """One tax of an invoice: it is rounded once, of the nets of its lines together (R72). `reason`: why none
    is asked (R74)."""

    jurisdiction: str
    category: TaxCategory
    rate: Decimal
    reason: TaxReason | None
    net: Decimal
    tax: Decimal

    @property
    def arithmetic(self) -> str:
        """The calculation, spelled out."""
        return f"{self.net} × {rate_text(self.rate)} = {self.tax}"


def arithmetic(line: Line) -> str:
    """The calculation of a line, spelled out: its amount (R6, R47), what discounts take (R80; of a credit
    line what its days no longer bear, R65), and its share of each tax (R72)."""
    return "; ".join([_amount(line), *_discount(line), *taxes_text(line.taxes or ())])


def tax_groups(lines: Sequence[Line] | Sequence[CreditedLine]) -> tuple[TaxGroup, ...]:
    """The taxes of the lines together, in the order in which they first stand in them."""
    found: dict[tuple[str, TaxCategory, Decimal], TaxGroup] = {}
    for line in lines:
        net = line.net if isinstance(line, Line) else line.amount
        for tax in line.taxes or ():
            before = found.get(tax.group)
            nothing = net - net
            found[tax.group] = TaxGroup(
                tax.jurisdiction,
                tax.category,
                tax.rate,
                tax.reason,
                (nothing if before is None else before.net) + net,
                (nothing if before is None else before.tax) + tax.amount,
            )
    return tuple(found.values())


def rate_text(rate: Decimal) -> str:
    """`20%`, `5.5%`."""
    return f"{rate.normalize() + 0:f}%"


def taxes_text(taxes: Sequence[LineTax]) -> list[str]:
    """A line's shares of its taxes (R72), or what is taken back of them (R76)."""
    return [f"tax {tax.amount} ({tax.jurisdiction} {tax.reason or rate_text(tax.rate)})" for tax in taxes]


def _amount(line: Line) -> str:
    sign = "−" if line.kind == "credit_line" else ""
    price = f"{sign}{line.unit_price}"
    if line.quantity is not None:
        return f"{price} × {line.quantity} blocks = {line.amount}"
    if line.days is None or line.days == line.of_days:
        return f"{price}"
    return f"{price} × {line.days}/{line.of_days} days = {line.amount}"


def _discount(line: Line) -> list[str]:
    if not line.discount:
        return []
    if line.kind == "credit_line":
        return [f"+ {-line.discount} that its days no longer bear = {line.net}"]
    taken = [f"− {taken.amount} ({taken.discount})" for taken in line.discounts or ()]
    return [f"{' '.join(taken)} = {line.net}"]
