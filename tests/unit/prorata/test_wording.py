"""What people read is said in their language, with its amounts and dates (R19)."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.extract import extract_from_file

import prorata
from domain import commands as c
from domain import events as e
from domain.explain import rule_of_line
from domain.money import MINOR_DIGITS, zero
from prorata.wording import Language, calculation_said, line_said, wording
from prorata.wording.language import LOCALE_FOLDER, catalogue
from tests.support.domain.given import GivenAccount

PACKAGE = Path(prorata.__file__).parent
LANGUAGES: tuple[Language, ...] = get_args(Language)
TRANSLATED = [language for language in LANGUAGES if language != "en"]
KEYWORDS: dict[str, tuple[int, ...] | None] = {"say": None, "message": None, "count": (1, 2)}

Sentence = str | tuple[str, ...]


def sentences_in_the_code() -> set[Sentence]:
    found: set[Sentence] = set()
    for path in PACKAGE.rglob("*.py"):
        for _line, sentence, _comments, _context in extract_from_file("python", path, keywords=KEYWORDS):
            found.add(sentence)
    for path in PACKAGE.rglob("*.html"):
        for _line, sentence, _comments, _context in extract_from_file("jinja2", path, keywords=KEYWORDS):
            found.add(sentence)
    return found


def forms(sentence: object) -> tuple[str, ...]:
    return (sentence,) if isinstance(sentence, str) else tuple(sentence)  # type: ignore[arg-type]


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


# ---- the catalogues ------------------------------------------------------


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_holds_exactly_the_sentences_of_the_code(language: Language) -> None:
    held = {entry.id for entry in catalogue(language) if entry.id}
    assert held == sentences_in_the_code()


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_with_the_same_values(language: Language) -> None:
    for entry in catalogue(language):
        if not entry.id:
            continue
        assert not entry.fuzzy, entry.id
        for original, translated in zip(forms(entry.id), forms(entry.string), strict=True):
            assert translated, entry.id
            assert placeholders(translated) == placeholders(original), entry.id


def test_no_compiled_catalogue_is_kept_that_could_go_stale() -> None:
    assert not list(LOCALE_FOLDER.rglob("*.mo"))


# ---- amounts and dates ---------------------------------------------------


def test_amounts_and_dates_have_the_form_of_the_language() -> None:
    english, french = wording("en"), wording("fr")
    assert english.amount(Decimal("1234.50"), "EUR") == "€1,234.50"
    assert french.amount(Decimal("1234.50"), "EUR") == "1\u202f234,50\xa0€"
    assert french.amount(Decimal("-4.84"), "EUR") == "-4,84\xa0€"
    assert (english.day(date(2026, 4, 5)), french.day(date(2026, 4, 5))) == ("5 Apr 2026", "5 avr. 2026")
    begin, later = datetime(2026, 4, 4, 22, tzinfo=UTC), datetime(2026, 4, 5, 16, 30, tzinfo=UTC)
    assert english.moment(begin, "Europe/Paris") == "5 Apr 2026"
    assert french.moment(later, "Europe/Paris") == "5 avr. 2026 18:30"
    assert french.listed(["a", "b", "c"], either=True) == "a, b ou c"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_amount_keeps_every_digit_that_its_currency_has(language: Language) -> None:
    say = wording(language)
    for currency, digits in MINOR_DIGITS.items():
        amount = zero(currency) + Decimal(123456789).scaleb(-digits)
        shown = "".join(ch for ch in say.amount(amount, currency) if ch.isdecimal())
        assert shown == "123456789", currency


# ---- lines and events ----------------------------------------------------


def test_a_line_explains_itself_with_its_rule_in_both_languages() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    event = account.events[-1]
    assert isinstance(event, e.AddonPurchased)
    [line] = event.invoice.lines
    rule = rule_of_line(event, line)
    assert line_said(line, "EUR", rule, wording("en")) == (
        "custom_domain, 5 Apr 2026 to 20 Apr 2026: €10.00 × 15/31 days = €4.84. "
        "R12: an add-on's first charge: by days from the purchase to the plans' renewal date."
    )
    assert line_said(line, "EUR", rule, wording("fr")) == (
        "custom_domain, du 5 avr. 2026 au 20 avr. 2026 : 10,00\xa0€ × 15/31 jours = 4,84\xa0€. "
        "R12 : premier débit d’un module : au prorata des jours, de l’achat à la date de renouvellement "
        "des forfaits."
    )


def test_one_block_is_not_said_as_many() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    answer = account.give(c.StartTransactional(21), "2026-03-20")
    assert [calculation_said(line, "EUR", wording("en")) for line in answer.lines] == [
        "€20.00 × 20 blocks = €400.00",
        "€18.00 × 1 block = €18.00",
    ]
