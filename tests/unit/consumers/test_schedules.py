"""A line's schedule: what each day earns, and what is left of it after something was taken back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from consumers.finance_ledger.schedules import BookedLine, Piece, Taken


def day(nth: int) -> date:
    """A day of April."""
    return date(2026, 4, nth)


def line(net: str, days: int = 30, recognised: int = 0) -> BookedLine:
    """A line for so many days from 1 April, of which some are recognised."""
    piece = Piece(Decimal(net), day(1), day(1 + days), day(1 + days), day(1 + recognised))
    return BookedLine("acme/a-1", 1, 1, "standard", "10000", "EUR", Decimal(net), (piece,))


def earned(of: BookedLine, nth: int) -> Decimal:
    """What that day earns."""
    return sum([piece.earned(day(nth + 1)) - piece.earned(day(nth)) for piece in of.pieces], Decimal(0))


def spans(of: BookedLine) -> list[tuple[int, int, str]]:
    """The days of the pieces that earn something, and how much."""
    return [
        (piece.begins.day, piece.until.day, str(piece.earned(piece.until)))
        for piece in of.pieces
        if piece.earned(piece.until)
    ]


def test_the_days_before_it_earn_what_they_did_and_what_is_left_is_spread_over_the_others() -> None:
    of = line("29.00", 29)
    assert of.take_back(day(11), Decimal("9.50")) == Taken(Decimal("9.50"), Decimal("0.00"))
    assert spans(of) == [(1, 11, "10.00"), (11, 30, "9.50")]
    assert [earned(of, nth) for nth in (10, 11, 29)] == [Decimal("1.00"), Decimal("0.50"), Decimal("0.50")]
    assert of.deferred(day(20)) == Decimal("5.00")
    assert of.ends == day(30)


def test_days_in_the_middle_that_are_taken_out_leave_two_spans_and_their_shares() -> None:
    of = line("29.00", 29)
    of.take_back(day(11), Decimal("5.00"), (day(15), day(20)))
    assert spans(of) == [(1, 11, "10.00"), (11, 15, "4.00"), (20, 30, "10.00")]
    of.take_back(day(12), Decimal("4.00"), (day(9), day(14)))
    assert spans(of) == [(1, 11, "10.00"), (11, 12, "1.00"), (14, 15, "0.82"), (20, 30, "8.18")]


def test_a_cent_that_rounding_leaves_to_no_day_is_earned_on_that_of_the_credit_note() -> None:
    of = line("29.00", 29)
    of.take_back(day(11), Decimal("18.99"), (day(11), day(30)))
    assert spans(of) == [(1, 11, "10.00"), (11, 12, "0.01")]


def test_what_is_recognised_of_days_after_it_is_deferred_again_first() -> None:
    of = line("29.00", 29, recognised=20)
    assert of.take_back(day(11), Decimal("20.00")) == Taken(Decimal("19.00"), Decimal("10.00"))
    assert [piece.next_day for piece in of.pieces] == [day(11)]
    assert spans(of) == [(1, 11, "10.00")]


def test_before_its_first_day_all_of_it_is_deferred() -> None:
    of = line("29.00", 29)
    assert of.take_back(date(2026, 3, 20), Decimal("29.00")) == Taken(Decimal("29.00"), Decimal("0.00"))
    assert spans(of) == []


def test_after_its_last_day_all_of_it_is_revenue() -> None:
    of = line("29.00", 29)
    assert of.take_back(date(2026, 5, 1), Decimal("3.00")) == Taken(Decimal("0.00"), Decimal("0.00"))
    assert spans(of) == [(1, 30, "29.00")]


def test_a_credit_line_that_is_taken_back_is_negative_throughout() -> None:
    of = line("-29.00", 29)
    assert of.take_back(day(11), Decimal("-29.00")).from_deferred == Decimal("-19.00")
    assert spans(of) == [(1, 11, "-10.00")]


def test_what_a_credit_line_elsewhere_takes_of_its_days_is_not_deferred_any_more() -> None:
    of = line("29.00", 29)
    assert of.take_back(day(11), Decimal("10.00"), offset=Decimal("-15.00")).from_deferred == Decimal("4.00")
    assert of.take_back(day(11), Decimal("1.00"), offset=Decimal("-40.00")).from_deferred == Decimal("0.00")


def test_a_held_line_earns_nothing_from_that_day_on_and_all_of_it_is_deferred() -> None:
    of = line("29.00", 29, recognised=5)
    assert of.hold(day(3)) == Decimal("3.00")
    assert of.deferred(day(20)) == Decimal("27.00")
    assert of.take_back(day(20), Decimal("27.00")).from_deferred == Decimal("27.00")
    assert spans(of) == [(1, 3, "2.00")]


def test_of_a_line_that_was_given_up_nothing_is_deferred() -> None:
    of = line("29.00", 29)
    of.written_off = True
    assert of.deferred(day(1)) == Decimal("0.00")


def test_what_is_taken_back_of_a_line_in_two_spans_leaves_something_in_both() -> None:
    of = line("29.00", 29)
    of.take_back(day(11), Decimal("5.00"), (day(15), day(20)))
    of.take_back(day(12), Decimal("3.00"))
    assert spans(of) == [(1, 11, "10.00"), (11, 12, "1.00"), (12, 15, "2.31"), (20, 30, "7.69")]
