"""What an account brings along from the system in which it was billed before: what of its payments there is
not earned yet, and its account credit. Both are owed to the customer; against them stands `taken_over`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from consumers.finance_ledger.accounts import ACCOUNT_CREDIT, DEFERRED, TAKEN_OVER
from consumers.finance_ledger.register import Register
from consumers.finance_ledger.schedules import BookedLine, Piece, Span, share
from publishing.contract import AccountImported, twelve_months_before

ELSEWHERE = 0
"""Stands for the number of an invoice in the schedules of what was billed elsewhere."""


def take_over(register: Register, event: AccountImported) -> None:
    """Book the opening balances on the day of the import. The days before it were earned elsewhere."""
    day, facts = register.day(), register.facts
    lines = []
    for nth, (product, tier, paid, span) in enumerate(_paid_for(event), 1):
        begins = max(day, span[0])
        if begins >= span[1] or not paid:
            continue
        days = (span[1] - span[0]).days
        left = paid - share(paid, Decimal((begins - span[0]).days), Decimal(days))
        if left:
            piece = Piece(left, begins, span[1], span[1], begins)
            account_id = register.account.account_id
            lines.append(
                BookedLine(account_id, ELSEWHERE, nth, product, tier, event.currency, left, (piece,))
            )
            register.move("taken_over", day, TAKEN_OVER, DEFERRED, left, line=nth, product=product)
    if lines:
        register.shelf.bring(register.account.account_id, lines)
    register.move("taken_over", day, TAKEN_OVER, ACCOUNT_CREDIT, event.credit)
    facts.taken_over += event.credit
    facts.credit += event.credit


def _paid_for(event: AccountImported) -> Iterator[tuple[str, str | None, Decimal, Span]]:
    """Product, tier, what was paid for it before tax, and the days for which it was."""
    for item in event.items:
        if item.cycle is not None:
            yield item.product, item.tier, item.paid, (item.cycle.start, item.cycle.end)
    for pack in event.packs:
        bought: date = twelve_months_before(pack.expires_on)
        yield pack.product, None, pack.paid, (bought, pack.expires_on)
