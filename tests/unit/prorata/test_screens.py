"""The shop and the billing page can be read in a terminal of 80 columns, and by programs."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from domain.billing_page import billing_page
from domain.calendar import parse_moment
from domain.errors import InvalidInput
from domain.shop import shop
from prorata.cli.account.billing_screen import print_billing
from prorata.cli.account.present import instant_of, names_of
from prorata.cli.account.screens import shop_json
from prorata.cli.account.shop_screen import print_shop
from prorata.wording import Language, Wording
from tests.support.domain.catalogs import SHIPPED
from tests.support.domain.given import GivenAccount, standard_with_domain
from tests.support.screens import drawn, flat


def shop_text(account: GivenAccount, at: str, language: Language = "en") -> str:
    found, say = shop(account.state, parse_moment(at, account.zone), account.catalogues), speaking(language)
    currency = account.state.currency
    return drawn(lambda out: print_shop(out, found, currency, say, account="a1", when=at))


def billing_text(account: GivenAccount, at: str, language: Language = "en") -> str:
    state, say = account.state, speaking(language)
    page = billing_page(state, parse_moment(at, account.zone), account.catalogues)
    return drawn(lambda out: print_billing(out, page, state, say, account="a1", when=at))


def speaking(language: Language) -> Wording:
    return Wording(language, names_of(SHIPPED))


@pytest.fixture
def account() -> GivenAccount:
    """Standard since 20 March, a custom domain since 5 April."""
    return standard_with_domain()


def test_the_shop_shows_sections_prices_and_calculations(account: GivenAccount) -> None:
    text = shop_text(account, "2026-04-05")
    for section in ("Marketing plans", "Websites & Commerce plans", "Add-ons", "Credits"):
        assert f"\n{section}\n" in text
    assert "€7.50 × 15/31 days = €3.63" in text
    assert "(already_active)" in text
    assert "start_transactional" in text
    assert "One block today: €20.00; it renews on 20 Apr 2026." in flat(text)


def test_the_shop_speaks_french(account: GivenAccount) -> None:
    text = shop_text(account, "2026-04-05", "fr")
    assert "Modules complémentaires" in text
    assert "7,50\xa0€ × 15/31 jours" in text
    assert "3,63\xa0€" in text


def test_the_billing_page_shows_what_is_held_and_the_removal_s_confirmation(account: GivenAccount) -> None:
    text = billing_text(account, "2026-04-06")
    assert "Monthly plans or credits" in text
    assert "Standard (500)" in text
    assert "change, pause," in text
    assert "Remove Custom domain? It can be used until 20 Apr 2026; nothing is refunded." in flat(text)
    assert "Open balance: none" in text
    assert "Next invoice, as things stand: 20 Apr 2026" in text
    assert "€30.00" in text


def test_the_billing_page_speaks_french(account: GivenAccount) -> None:
    text = billing_text(account, "2026-04-06", "fr")
    assert "Forfaits mensuels ou crédits" in text
    assert "Supprimer Custom domain ? L’accès dure jusqu’au 20 avr. 2026 ; rien n’est remboursé." in flat(
        text
    )


def test_the_billing_page_shows_an_open_balance(account: GivenAccount) -> None:
    account.settle("2026-04-20", due="declined")
    text = flat(billing_text(account, "2026-04-21"))
    assert "Account: past due" in text
    assert "Open balance: €30.00 Invoice 3 of 20 Apr 2026 is unpaid." in text
    assert "It cannot be used until paid: Standard and Custom domain." in text


def test_an_account_that_holds_nothing_has_a_page_too() -> None:
    text = billing_text(GivenAccount(), "2026-04-06")
    assert "Next invoice: none, as things stand" in text


def test_names_with_brackets_are_shown_as_they_are() -> None:
    marketing = msgspec.structs.replace(SHIPPED.families["marketing"], name="[bold]Plans[/bold] :smile:")
    families = {**SHIPPED.families, "marketing": marketing}
    account = GivenAccount(catalog=msgspec.structs.replace(SHIPPED, families=families))
    assert "\n[bold]Plans[/bold] :smile:\n" in shop_text(account, "2026-04-06")


def test_programs_get_the_sentence_beside_the_code_in_either_language(account: GivenAccount) -> None:
    found = shop(account.state, parse_moment("2026-04-06", account.zone), account.catalogues)
    [held] = [
        a for a in shop_json(found, "EUR", speaking("en"))["add_ons"] if a["product"] == "custom_domain"
    ]
    assert held["today"]["message"] == "Custom domain is active already; it renews on 20 Apr 2026."
    [held] = [
        a for a in shop_json(found, "EUR", speaking("fr"))["add_ons"] if a["product"] == "custom_domain"
    ]
    assert held["today"]["message"] == "Custom domain est déjà actif ; renouvellement le 20 avr. 2026."


def test_a_test_clock_is_looked_at_when_asked_and_never_before_its_last_instant(
    account: GivenAccount,
) -> None:
    state, now = account.state, parse_moment("2030-01-01", "UTC")
    assert instant_of(state, None, now) == state.last_at
    assert instant_of(state, "2026-05-01", now) == parse_moment("2026-05-01", account.zone)
    with pytest.raises(InvalidInput, match="last instant") as early:
        instant_of(state, "2026-04-01", now)
    assert early.value.code == "at_too_early"


def test_the_wall_clock_is_looked_at_now(account: GivenAccount) -> None:
    state, now = msgspec.structs.replace(account.state, clock="wall"), parse_moment("2030-01-01", "UTC")
    assert instant_of(state, None, now) == now
    with pytest.raises(InvalidInput, match="wall clock") as refused:
        instant_of(state, "2026-05-01", now)
    assert refused.value.code == "test_clock_only"


def test_simulation_starts_without_what_only_screens_need() -> None:
    program = (
        "import sys, prorata.cli, prorata.cli.simulate; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'babel', 'rich', 'psycopg', 'jsonschema'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
