"""Which taxes an invoice has, with categories and reasons, and how each is rounded and shared (R71-R75)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from domain.events import TaxProfileSet
from domain.tax import Tax, TaxRow, TaxTable, member_state, same_taxes, shared, taxed
from tests.support.domain.lines import AT, plan_line

LONG_AGO, SPRING = date(2000, 1, 1), date(2026, 4, 5)
TABLE = TaxTable(
    "FR",
    (
        TaxRow("FR", Decimal(20), LONG_AGO),
        TaxRow("DE", Decimal(19), LONG_AGO),
        TaxRow("DE", Decimal(16), date(2026, 7, 1)),
        TaxRow("US", Decimal(0), LONG_AGO),
        TaxRow("US", Decimal("8.875"), LONG_AGO, "NY"),
    ),
)


def buyer(country: str, **changes: object) -> TaxProfileSet:
    """A business of the country without a VAT id."""
    found = TaxProfileSet(
        at=AT, country=country, region=None, kind="business", vat_id="none", exempt_until=None
    )
    return replace(found, **changes)


@pytest.mark.parametrize(
    ("country", "last_day_outside", "first_day_inside"),
    [
        ("BG", date(2006, 12, 31), date(2007, 1, 1)),
        ("RO", date(2006, 12, 31), date(2007, 1, 1)),
        ("HR", date(2013, 6, 30), date(2013, 7, 1)),
    ],
)
def test_a_country_is_a_member_state_from_the_day_on_which_it_joined(
    country: str, last_day_outside: date, first_day_inside: date
) -> None:
    assert not member_state(country, last_day_outside)
    assert member_state(country, first_day_inside)


def test_the_united_kingdom_is_a_member_state_to_the_end_of_2020() -> None:
    assert member_state("GB", date(2020, 12, 31))
    assert not member_state("GB", date(2021, 1, 1))


def test_who_was_a_member_before_the_log_begins_always_is_and_others_never_are() -> None:
    assert member_state("FR", date.min)
    assert not member_state("CH", date(2026, 1, 1))


def test_a_rate_is_of_the_standard_category_and_a_rate_of_nothing_of_the_zero_category() -> None:
    assert TABLE.taxes_of(buyer("FR"), SPRING) == (Tax("FR", "S", Decimal(20)),)
    assert TABLE.taxes_of(buyer("US"), SPRING) == (Tax("US", "Z", Decimal(0)),)


def test_a_regions_tax_is_one_of_its_own_beside_its_countrys() -> None:
    found = TABLE.taxes_of(buyer("US", region="NY"), SPRING)
    assert found == (Tax("US", "Z", Decimal(0)), Tax("US-NY", "S", Decimal("8.875")))


def test_without_a_profile_the_taxes_are_those_of_the_sellers_country() -> None:
    assert TABLE.taxes_of(None, SPRING) == (Tax("FR", "S", Decimal(20)),)


def test_a_country_without_a_row_is_outside_the_scope() -> None:
    assert TABLE.taxes_of(buyer("JP"), SPRING) == (Tax("JP", "O", Decimal(0), "outside_scope"),)


def test_a_row_holds_from_its_own_date() -> None:
    german = [TABLE.taxes_of(buyer("DE"), day)[0].rate for day in (date(2026, 6, 30), date(2026, 7, 1))]
    assert german == [Decimal(19), Decimal(16)]


def test_a_row_that_has_not_begun_asks_nothing() -> None:
    assert TABLE.taxes_of(buyer("FR"), date(1999, 12, 31)) == (Tax("FR", "O", Decimal(0), "outside_scope"),)


def test_a_business_of_another_member_state_with_a_confirmed_id_owes_the_tax_itself() -> None:
    found = TABLE.taxes_of(buyer("DE", vat_id="confirmed"), SPRING)
    assert found == (Tax("DE", "AE", Decimal(0), "reverse_charge"),)


@pytest.mark.parametrize(
    ("profile", "day"),
    [
        (buyer("FR", vat_id="confirmed"), SPRING),
        (buyer("DE", vat_id="unconfirmed"), SPRING),
        (buyer("DE", vat_id="confirmed", kind="consumer"), SPRING),
        (buyer("US", vat_id="confirmed"), SPRING),
    ],
    ids=["at home", "not confirmed", "a consumer", "outside the union"],
)
def test_nobody_else_owes_the_tax_itself(profile: TaxProfileSet, day: date) -> None:
    assert [tax.reason for tax in TABLE.taxes_of(profile, day)] == [None]


def test_a_seller_outside_the_union_has_no_reverse_charge() -> None:
    swiss = replace(TABLE, seller="CH")
    assert swiss.taxes_of(buyer("DE", vat_id="confirmed"), SPRING) == (Tax("DE", "S", Decimal(19)),)


def test_an_exemption_holds_to_its_last_day() -> None:
    profile = buyer("FR", exempt_until=SPRING)
    assert TABLE.taxes_of(profile, SPRING) == (Tax("FR", "E", Decimal(0), "exempt"),)
    assert TABLE.taxes_of(profile, date(2026, 4, 6)) == (Tax("FR", "S", Decimal(20)),)


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_a_tax_is_rounded_once_and_shared_by_largest_remainder() -> None:
    """5.48 x 20 % = 1.096 -> 1.10; rounded down 0.06, 0.06, 0.96; remainders 0.004, 0.004, 0.008."""
    assert shared(amounts("0.32", "0.32", "4.84"), Decimal(20), -2) == amounts("0.07", "0.06", "0.97")


def test_a_tax_is_rounded_half_up() -> None:
    """0.35 x 10 % = 0.035 -> 0.04; 0.34 x 10 % = 0.034 -> 0.03."""
    assert shared(amounts("0.35"), Decimal(10), -2) == amounts("0.04")
    assert shared(amounts("0.34"), Decimal(10), -2) == amounts("0.03")


def test_a_share_has_the_currencys_digits_also_where_the_nets_are_written_without() -> None:
    assert shared(amounts("1001", "1002"), Decimal(10), 0) == amounts("100", "100")
    assert shared(amounts("1.005", "1.009"), Decimal(10), -3) == amounts("0.100", "0.101")


def test_what_the_credit_lines_have_is_of_the_sum_and_theirs() -> None:
    """(9.68 - 6.29) x 20 % = 0.678 -> 0.68; the credit line has 1.26; the charge gets 1.94."""
    assert shared(amounts("9.68"), Decimal(20), -2, [(Decimal("-6.29"), Decimal("-1.26"))]) == amounts("1.94")


@pytest.mark.parametrize(
    ("had", "expected"),
    [("-1.25", ("0.99", "1.00")), ("-1.24", ("0.99", "0.99")), ("-1.23", ("0.98", "0.99"))],
)
def test_where_credit_lines_have_less_tax_the_smallest_remainder_gives_way_first(
    had: str, expected: tuple[str, str]
) -> None:
    """(5.00 + 5.02 - 6.32) x 20 % = 0.74. Rounded down 1.00 and 1.00, remainders 0.000 and 0.004. The credit
    line has 1.25: one cent too many, the first line gives it; with 1.24 both; with 1.23 the first twice."""
    found = shared(amounts("5.00", "5.02"), Decimal(20), -2, [(Decimal("-6.32"), Decimal(had))])
    assert found == amounts(*expected)


def test_of_three_lines_the_two_of_the_smallest_remainders_give_way() -> None:
    """(5.00 + 5.02 + 5.04 − 6.32) x 20 % = 1.748 -> 1.75; 1.00 each less 1.23 is two cents too many."""
    had = [(Decimal("-6.32"), Decimal("-1.23"))]
    assert shared(amounts("5.00", "5.02", "5.04"), Decimal(20), -2, had) == amounts("0.99", "0.99", "1.00")


def test_each_tax_is_a_group_of_its_own() -> None:
    """10.00 x 5 % = 0.50 and x 9.975 % = 0.9975 -> 1.00; neither is taxed by the other."""
    taxes = (Tax("CA", "S", Decimal(5)), Tax("CA-QC", "S", Decimal("9.975")))
    [line] = taxed([plan_line("10.00")], taxes, "EUR")
    assert line.taxes == (taxes[0].share(Decimal("0.50")), taxes[1].share(Decimal("1.00")))


def test_a_line_has_the_same_taxes_only_if_all_are() -> None:
    french, german = Tax("FR", "S", Decimal(20)), Tax("DE", "S", Decimal(19))
    [line] = taxed([plan_line("10.00")], [french], "EUR")
    assert same_taxes(line, [french])
    assert not same_taxes(line, [german])
    assert not same_taxes(line, [french, german])
    assert not same_taxes(line, [])
    assert same_taxes(plan_line("10.00"), [])
