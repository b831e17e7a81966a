"""A line's net as revenue to be earned: evenly over its days, and what a credit note changes of that. Pure.

    taken = line.take_back(day, Decimal("6.45"))        # from what is deferred first
    taken.from_deferred, taken.unearned

Of an amount over n days the first k have earned amount x k / n, rounded to the currency's digits. What is
taken back cuts the schedule on the day of the credit note: the days before it earned what they earned, what
is left is spread over the days after it. So it comes out alike however often `recognise` ran in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final, TypeAlias

Span: TypeAlias = tuple[date, date]
"""Days from the first to before the second."""

_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_UP)
_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Piece:
    """An amount, negative on a credit line, that is earned evenly over the days from `begins` to before
    `ends`, but only those before `until`; so far, those before `next_day`."""

    amount: Decimal
    begins: date
    ends: date
    until: date
    next_day: date

    def earned(self, day: date) -> Decimal:
        """What the days before this one earn."""
        counted = (min(max(day, self.begins), self.until) - self.begins).days
        return share(self.amount, Decimal(counted), Decimal((self.ends - self.begins).days))

    def left(self, day: date) -> Decimal:
        """What this day and those after it earn."""
        return self.earned(self.until) - self.earned(day)

    @property
    def recognised(self) -> Decimal:
        """What is recognised of it."""
        return self.earned(self.next_day)


@dataclass(frozen=True)
class Taken:
    """What `take_back` took of what was deferred, and what it took back of days that had been recognised
    already, since they are earned anew."""

    from_deferred: Decimal
    unearned: Decimal


@dataclass
class BookedLine:
    """A line of an invoice and its schedule. `known_on`: nothing of it is booked before that day.
    `written_off`: what was deferred of it was given up."""

    account_id: str
    invoice: int
    line: int
    product: str
    tier: str | None
    currency: str
    net: Decimal
    pieces: tuple[Piece, ...]
    known_on: date | None = None
    held_from: date | None = None
    written_off: bool = False

    @property
    def ends(self) -> date:
        """The day on which nothing is left to earn."""
        return max(piece.ends for piece in self.pieces)

    def deferred(self, day: date) -> Decimal:
        """What is not earned as that day begins."""
        if self.written_off:
            return self.net - self.net
        day = self._from(day)
        return sum([piece.left(day) for piece in self.pieces], self.net - self.net)

    def take_back(
        self, day: date, amount: Decimal, without: Span | None = None, offset: Decimal | None = None
    ) -> Taken:
        """Take an amount back on that day, of what is deferred first. The days of `without` earn no more.
        `offset`: what credit lines elsewhere, negative, take of the same days."""
        day = self._from(day)
        left = self.deferred(day)
        part = _within(amount, left if offset is None else left + offset)
        unearned = self._rewind(day)
        rest = left - part
        days = (
            [] if self.written_off else [(max(p.begins, day), p.until) for p in self.pieces if p.until > day]
        )
        kept = [replace(p, until=max(p.begins, min(p.until, day))) for p in self.pieces]
        self.pieces = (*kept, *_spread(rest, list(_without(days, without)) or [(day, day + _A_DAY)]))
        return Taken(part, unearned)

    def hold(self, day: date) -> Decimal:
        """Earn nothing of that day and those after it; what they had earned already."""
        self.held_from = day
        return self._rewind(day)

    def _from(self, day: date) -> date:
        return day if self.held_from is None else min(day, self.held_from)

    def _rewind(self, day: date) -> Decimal:
        unearned = sum(
            [p.recognised - p.earned(min(p.next_day, day)) for p in self.pieces], self.net - self.net
        )
        self.pieces = tuple([replace(p, next_day=max(p.begins, min(p.next_day, day))) for p in self.pieces])
        return unearned


def share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """`amount x part / whole`, rounded half up (away from zero) to the amount's digits."""
    return _EXACT.quantize(_EXACT.divide(_EXACT.multiply(amount, part), whole), amount)


def _within(amount: Decimal, left: Decimal) -> Decimal:
    """As much of the amount as what is left of the same sign gives."""
    if amount >= 0:
        return min(amount, max(left, amount - amount))
    return max(amount, min(left, amount - amount))


def _without(days: Iterable[Span], taken: Span | None) -> Iterator[Span]:
    """The spans less the days that are taken out."""
    for begins, ends in days:
        if taken is None:
            yield begins, ends
            continue
        for first, last in ((begins, min(ends, taken[0])), (max(begins, taken[1]), ends)):
            if first < last:
                yield first, last


def _spread(amount: Decimal, spans: list[Span]) -> Iterator[Piece]:
    """The amount as pieces of these spans, each with its days' share."""
    if not amount:
        return
    days = [(ends - begins).days for begins, ends in spans]
    whole, so_far, given = Decimal(sum(days)), 0, amount - amount
    for (begins, ends), count in zip(spans, days, strict=True):
        so_far += count
        part = share(amount, Decimal(so_far), whole) - given
        given += part
        if part:
            yield Piece(part, begins, ends, ends, begins)
