"""A language: its sentences from a gettext catalogue, its forms of amounts and dates from CLDR."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal, parse_pattern

from domain.calendar import Instant, begins_at, date_of, zone_info
from domain.texts import escaped

if TYPE_CHECKING:
    from babel.messages import Catalog

Language = Literal["en", "fr"]

LOCALES: Final[dict[str, str]] = {"en": "en_001", "fr": "fr"}
"""Of each language the CLDR locale; English is the world's, with the day before the month."""

LOCALE_FOLDER: Final = Path(__file__).parents[1] / "locale"

MOMENT: Final = "d MMM y HH:mm"

_DIGITS = re.compile(r"0\.0+")


def message(text: str) -> str:
    """The text itself: this marks a sentence that stands in a table as one to be translated."""
    return text


class Wording:
    """One language; `names`: how products are called, by id (others are called by their id)."""

    def __init__(self, language: Language, names: Mapping[str, str] | None = None) -> None:
        self.language: Language = language
        self._names = names or {}
        self._locale = Locale.parse(LOCALES[language])
        self._translations = NullTranslations() if language == "en" else translations(language)

    def naming(self, names: Mapping[str, str]) -> Wording:
        """The same language with these products' names."""
        return Wording(self.language, names)

    def say(self, sentence: str, /, **values: object) -> str:
        """The sentence, translated, with its values."""
        return self._translations.gettext(sentence).format(**_shown(values))

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The sentence for that number of things: the first form for one, the second for more, as the
        language counts."""
        form = self._translations.ngettext(one, many, number)
        return form.format(number=self.number(number), **_shown(values))

    def product(self, product: str) -> str:
        """The product's name."""
        return escaped(self._names.get(product, product))

    def products(self, products: Iterable[str]) -> str:
        """Their names: "A, B and C"."""
        return self.listed([self.product(product) for product in products])

    def listed(self, items: Iterable[str], *, either: bool = False) -> str:
        """ "A, B and C", or "A, B or C"."""
        return format_list(list(items), "or" if either else "standard", locale=self._locale)

    def amount(self, amount: Decimal, currency: str) -> str:
        """The amount with its currency and with all its digits: they are the currency's (R5), where CLDR's
        may differ."""
        exponent = amount.as_tuple().exponent
        digits = -exponent if isinstance(exponent, int) else 0
        standard = self._locale.currency_formats["standard"].pattern
        pattern = _DIGITS.sub("0." + "0" * digits if digits else "0", standard)
        return str(
            parse_pattern(pattern).apply(amount, self._locale, currency=currency, currency_digits=False)
        )

    def price(self, amount: Decimal) -> str:
        """The amount alone, where the currency stands elsewhere."""
        exponent = amount.as_tuple().exponent
        digits = -exponent if isinstance(exponent, int) else 0
        pattern = "#,##0." + "0" * digits if digits else "#,##0"
        return str(format_decimal(amount, pattern, locale=self._locale))

    def rate(self, rate: Decimal) -> str:
        """A percentage without needless zeros."""
        return str(format_decimal(rate.normalize() + 0, "#,##0.####", locale=self._locale))

    def number(self, number: int) -> str:
        """The whole number, grouped."""
        return str(format_decimal(number, locale=self._locale))

    def day(self, day: date) -> str:
        """The date, as `5 Apr 2026`."""
        return _day(day, self.language)

    def moment(self, at: Instant, zone: str) -> str:
        """The instant as a date where it is the beginning of one, else as date and time in the zone."""
        day = date_of(at, zone)
        if begins_at(day, zone) == at:
            return self.day(day)
        local = at.astimezone(zone_info(zone))
        return format_datetime(local, MOMENT, tzinfo=local.tzinfo, locale=self._locale)

    def local(self, text: str) -> str:
        """An instant as `domain.calendar.local_text` writes it: a date, or a date and time in a zone."""
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            return self.day(at)
        return format_datetime(at, MOMENT, tzinfo=at.tzinfo, locale=self._locale)


def amount_written(text: str, currency: str | None, say: Wording) -> str:
    """The amount that the text says; what is no amount stands as it is."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return text
    return say.price(amount) if currency is None else say.amount(amount, currency)


def _shown(values: Mapping[str, object]) -> dict[str, object]:
    """A sentence is one line, whatever an id or a name in it holds."""
    return {name: escaped(value) if isinstance(value, str) else value for name, value in values.items()}


@lru_cache(maxsize=4_096)
def _day(day: date, language: Language) -> str:
    return str(format_date(day, "medium", locale=LOCALES[language]))


@lru_cache(maxsize=8)
def wording(language: Language) -> Wording:
    """The language, with products called by their ids."""
    return Wording(language)


def catalogue(language: str) -> Catalog:
    """The language's catalogue, from its .po file."""
    from babel.messages.pofile import read_po  # English needs none of this, at every start

    with (LOCALE_FOLDER / language / "LC_MESSAGES" / "prorata.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@lru_cache(maxsize=8)
def translations(language: str) -> GNUTranslations:
    """The language's catalogue, compiled in memory: there is no .mo file that could go stale."""
    from babel.messages.mofile import write_mo

    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return GNUTranslations(compiled)
