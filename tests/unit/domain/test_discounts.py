"""What discounts take of lines: which lines, how much, and in which order (R79-R87)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from domain.discounts import discounted, expiry, free_months, made_free, over, reaches, taken_from
from domain.events import Line, LineDiscount
from tests.support.domain.lines import START, discount, plan_line


def taken(line: Line) -> list[tuple[str, str]]:
    return [(took.discount, str(took.amount)) for took in line.discounts or ()]


def test_months_reach_the_lines_that_begin_before_their_end() -> None:
    """3 months from 5 April: the last line reached may begin on 4 July."""
    terms = discount(percent=Decimal(10), months=3).terms
    assert expiry(terms) == date(2026, 7, 4)
    assert reaches(terms, plan_line("1.00", from_date=date(2026, 7, 4)))
    assert not reaches(terms, plan_line("1.00", from_date=date(2026, 7, 5)))


def test_a_last_day_before_the_end_of_the_months_counts() -> None:
    assert expiry(discount(months=3, last_day=date(2026, 5, 1)).terms) == date(2026, 5, 1)
    assert expiry(discount(months=3, last_day=date(2026, 12, 1)).terms) == date(2026, 7, 4)


def test_a_discount_reaches_lines_from_its_grant_to_its_last_day() -> None:
    terms = discount(percent=Decimal(10), last_day=date(2026, 4, 20)).terms
    dates = [date(2026, 4, 4), START, date(2026, 4, 20), date(2026, 4, 21)]
    reached = [reaches(terms, plan_line("1.00", from_date=day)) for day in dates]
    assert reached == [False, True, True, False]


def test_without_names_it_is_for_plans_and_a_carried_one_for_every_line_that_charges() -> None:
    lines = [plan_line("1.00", kind=kind) for kind in ("plan", "addon", "blocks", "credits", "credit_line")]
    assert [reaches(discount().terms, line) for line in lines] == [True, False, False, False, False]
    carried = discount(carried=True, fixed=Decimal(1)).terms
    assert [reaches(carried, line) for line in lines] == [True, True, True, True, False]


def test_with_names_it_is_for_those_and_never_for_a_credit_line() -> None:
    terms = discount(products=("surveys",)).terms
    assert reaches(terms, plan_line("1.00", "surveys", "addon"))
    assert not reaches(terms, plan_line("1.00", "standard"))
    assert not reaches(terms, plan_line("-1.00", "surveys", "credit_line"))


def test_a_percentage_is_rounded_half_up_on_the_prorated_amount() -> None:
    """9.68 x 15 % = 1.452 -> 1.45; 0.30 x 15 % = 0.045 -> 0.05."""
    found = discounted([plan_line("9.68"), plan_line("0.30")], [discount(percent=Decimal(15))])
    assert [str(line.discount) for line in found] == ["1.45", "0.05"]
    assert [str(line.net) for line in found] == ["8.23", "0.25"]


def test_of_percentages_the_largest_counts_and_of_equal_ones_the_earlier() -> None:
    discounts = [discount(number, percent=Decimal(p)) for number, p in ((1, 10), (2, 15), (3, 15), (4, 5))]
    [line] = discounted([plan_line("20.00")], discounts)
    assert taken(line) == [("D2", "3.00")]


def test_a_percentage_that_comes_to_nothing_is_none() -> None:
    [line] = discounted([plan_line("0.02")], [discount(percent=Decimal(10))])
    assert not taken(line)


def test_the_percentage_comes_before_the_fixed_ones_which_end_with_the_line() -> None:
    """20.00 with 15 %, 10 % and goodwill 30.00: 3.00, then 17.00."""
    discounts = [
        discount(1, fixed=Decimal("30.00"), carried=True),
        discount(2, percent=Decimal(10)),
        discount(3, percent=Decimal(15)),
    ]
    [line] = discounted([plan_line("20.00")], discounts)
    assert taken(line) == [("D3", "3.00"), ("D1", "17.00")]
    assert line.net == 0
    assert taken_from(discounts[0], [line]).left == Decimal("13.00")


def test_of_fixed_ones_that_of_the_earliest_expiry_is_taken_first_then_the_earlier_granted() -> None:
    discounts = [
        discount(number, fixed=Decimal("2.00"), carried=True, last_day=date(2026, month, 1))
        for number, month in ((1, 8), (2, 7), (3, 7), (4, 6))
    ]
    [line] = discounted([plan_line("7.00")], discounts)
    assert taken(line) == [("D4", "2.00"), ("D2", "2.00"), ("D3", "2.00"), ("D1", "1.00")]


def test_a_fixed_one_goes_from_line_to_line_and_leaves_what_others_took_of_each() -> None:
    """D1 takes 8.00 of the first 10.00, and D2 2.00 of what is left there and 10.00 of the second 20.00."""
    discounts = [
        discount(1, fixed=Decimal("8.00"), carried=True, last_day=date(2026, 6, 1)),
        discount(2, fixed=Decimal("12.00"), carried=True, last_day=date(2026, 7, 1)),
    ]
    first, second = discounted([plan_line("10.00"), plan_line("20.00")], discounts)
    assert taken(first) == [("D1", "8.00"), ("D2", "2.00")]
    assert taken(second) == [("D2", "10.00")]


@pytest.mark.parametrize(("fixed", "expected"), [("3.39", "3.39"), ("3.40", "3.39"), ("30.00", "3.39")])
def test_fixed_ones_take_no_part_of_what_an_upgrade_credits(fixed: str, expected: str) -> None:
    """9.68 charged, 6.29 credited: at most 3.39."""
    [line] = discounted(
        [plan_line("9.68")], [discount(fixed=Decimal(fixed), once=True)], credited=Decimal("6.29")
    )
    assert taken(line) == [("D1", expected)]


def test_where_the_credit_is_above_the_charge_fixed_ones_take_nothing() -> None:
    [line] = discounted(
        [plan_line("5.00")], [discount(fixed=Decimal(1), once=True)], credited=Decimal("6.29")
    )
    assert not taken(line)


def test_two_fixed_ones_together_take_no_part_of_what_an_upgrade_credits() -> None:
    discounts = [discount(number, fixed=Decimal("2.00"), once=True) for number in (1, 2)]
    [line] = discounted([plan_line("9.68")], discounts, credited=Decimal("6.29"))
    assert taken(line) == [("D1", "2.00"), ("D2", "1.39")]


def test_an_amount_for_once_is_one_over_the_lines_of_an_invoice() -> None:
    first, second = discounted(
        [plan_line("4.00"), plan_line("4.00")], [discount(fixed=Decimal("5.00"), once=True)]
    )
    assert taken(first) == [("D1", "4.00")]
    assert taken(second) == [("D1", "1.00")]


def test_a_monthly_amount_is_prorated_as_each_line_that_counts_days() -> None:
    """5.00 x 15/31 = 2.419 -> 2.42, of each line; nothing of a pack."""
    monthly = discount(fixed=Decimal("5.00"), products=("standard", "surveys", "pack"))
    lines = [
        plan_line("9.68"),
        plan_line("4.84", "surveys", "addon"),
        plan_line("9.00", "pack", "credits", days=None, of_days=None),
    ]
    assert [taken(line) for line in discounted(lines, [monthly])] == [[("D1", "2.42")], [("D1", "2.42")], []]


def test_what_is_used_or_withdrawn_takes_nothing() -> None:
    half = discount(percent=Decimal(50))
    lines = (plan_line("20.00"),)
    assert discounted(lines, [replace(half, used=True)]) == lines
    assert discounted(lines, [replace(half, withdrawn=True)]) == lines
    assert discounted(lines, []) == lines


def test_one_for_once_is_used_by_the_first_invoice_of_which_it_took_something() -> None:
    once = discount(percent=Decimal(15), once=True)
    lines = (plan_line("20.00"),)
    assert not taken_from(once, lines).used
    assert taken_from(once, discounted(lines, [once])).used
    assert not taken_from(once, discounted(lines, [discount(2, percent=Decimal(20))])).used
    for_ever = discount(percent=Decimal(15))
    assert taken_from(for_ever, discounted(lines, [for_ever])) == for_ever


def test_a_carried_one_keeps_what_several_lines_left_of_it() -> None:
    goodwill = discount(fixed=Decimal("30.00"), carried=True)
    lines = discounted([plan_line("9.68"), plan_line("4.84")], [goodwill])
    assert taken_from(goodwill, lines) == replace(goodwill, left=Decimal("15.48"))


def test_a_discount_is_over_when_used_up_withdrawn_or_past_its_last_day() -> None:
    half = discount(percent=Decimal(50), last_day=date(2026, 5, 1))
    assert not over(half, date(2026, 5, 1))
    assert over(half, date(2026, 5, 2))
    assert over(replace(half, used=True), START)
    assert over(replace(half, withdrawn=True), START)
    goodwill = discount(fixed=Decimal("1.00"), carried=True)
    assert not over(goodwill, START)
    assert over(replace(goodwill, left=Decimal("0.00")), START)


def test_free_months_are_a_hundred_percent_for_some_months() -> None:
    assert free_months(discount(percent=Decimal(100), months=1).terms)
    assert not free_months(discount(percent=Decimal(100)).terms)
    assert not free_months(discount(percent=Decimal(99), months=1).terms)


def test_what_free_months_took_whole_is_named_and_nothing_else() -> None:
    free = discount(1, percent=Decimal(100), months=1, products=("surveys",))
    half = discount(2, percent=Decimal(50))
    lines = discounted([plan_line("20.00"), plan_line("4.84", "surveys", "addon")], [free, half])
    assert made_free(lines, [free, half]) == ("surveys",)
    assert made_free(lines, [half]) == ()


def test_the_discount_of_a_line_is_the_sum_of_what_was_taken() -> None:
    discounts = [discount(1, percent=Decimal(15)), discount(2, fixed=Decimal("2.00"), once=True)]
    [line] = discounted([plan_line("20.00")], discounts)
    assert line.discounts == (LineDiscount("D1", Decimal("3.00")), LineDiscount("D2", Decimal("2.00")))
    assert line.discount == Decimal("5.00")
    assert line.net == Decimal("15.00")
