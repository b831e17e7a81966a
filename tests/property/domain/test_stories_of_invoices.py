"""Every invoice of a random history has a story that adds up (R47)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from random import Random

from domain.invoice_story import invoice_story
from tests.reference.stories import story
from tests.support.domain.playing import played


def test_every_invoice_of_random_histories_has_a_story_that_adds_up() -> None:
    told = 0
    for seed in range(60):
        account = played(story(Random(seed)))
        for number, entry in account.invoices.items():
            found = invoice_story(account.history, number)
            assert found is not None
            assert (found.invoice, found.status) == (entry.invoice, entry.status), (seed, number)
            assert sum((x.line.amount for x in found.lines), Decimal(0)) == entry.invoice.total
            assert all(version < found.issued for x in found.lines for version in x.because)
            assert all(x.rule != "R47" for x in found.lines)
            for x in found.lines:
                line = x.line
                part = Fraction(1) if line.days is None else Fraction(line.days, line.of_days or 1)
                exact = Fraction(line.unit_price) * (line.quantity or 1) * part
                unit = Fraction(1, 10 ** max(0, -int(line.amount.as_tuple().exponent)))
                assert abs(abs(Fraction(line.amount)) - exact) * 2 <= unit
            told += 1
    assert told > 200
