"""A person clicks through the product page's two ways, in both languages, with scripts and without."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from prorata.demo.pages import Pages

Look = Callable[..., Page]
Opened = Callable[[str], str]

WORDS = {
    "en": {
        "shop": "Shop New Plans",
        "account": "Account",
        "billing": "Billing",
        "purchase": "Purchase Custom domain",
        "window": "Purchase Custom domain",
        "code": "Card security code (CVV)",
        "continue": "Continue",
        "right": "My billing information is right.",
        "pay": "Pay Now",
        "accomplished": "Mission accomplished! Your plan has been upgraded.",
        "manage": "Manage Add-On",
        "remove": "Remove Add-On",
        "confirm": "Confirm",
        "until": "Custom domain is removed; it can be used until 20 Apr 2026.",
        "arithmetic": "€10.00 × 15/31 days = €4.84",
    },
    "fr": {
        "shop": "Découvrir les forfaits",
        "account": "Compte",
        "billing": "Facturation",
        "purchase": "Acheter Custom domain",
        "window": "Acheter Custom domain",
        "code": "Cryptogramme de la carte (CVV)",
        "continue": "Continuer",
        "right": "Mes coordonnées de facturation sont exactes.",
        "pay": "Payer maintenant",
        "accomplished": "Mission accomplie",
        "manage": "Gérer le module",
        "remove": "Supprimer le module",
        "confirm": "Confirmer",
        "until": "20 avr. 2026",
        "arithmetic": "10,00 € × 15/31 jours = 4,84 €",
    },
}


def pay(page: Page, words: dict[str, str], code: str = "123") -> None:
    """Give the code to the payment element, confirm the billing information, and pay."""
    frame = page.frame_locator("iframe:visible")
    frame.get_by_label(words["code"]).fill(code)
    frame.get_by_role("button", name=words["continue"]).click()
    frame.get_by_label(words["right"]).check()
    frame.get_by_role("button", name=words["pay"]).click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_person_buys_an_add_on_and_removes_it(
    look: Look, account: Opened, language: str, scripts: bool
) -> None:
    words = WORDS[language]
    page = look(account(f"clicks-{language}-{scripts}"), language, scripts=scripts)
    page.locator("summary").first.click()
    page.get_by_role("link", name=words["account"], exact=True).click()
    page.get_by_role("link", name=words["shop"]).last.click()
    expect(page.get_by_text(words["arithmetic"].replace("\u00a0", " ")).first).to_be_visible()
    page.get_by_role("button", name=words["purchase"]).click()
    expect(page.get_by_role("dialog")).to_contain_text(words["window"])
    pay(page, words)
    expect(page.get_by_role("status")).to_contain_text(words["accomplished"])

    page.get_by_role("link", name=words["billing"], exact=True).last.click()
    page.get_by_text(words["manage"]).first.click()
    page.get_by_role("button", name=words["remove"]).click()
    page.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(page.get_by_role("status")).to_contain_text(words["until"])
    expect(page.locator(".badge.ending")).to_be_visible()


def test_a_pause_says_what_goes_on_being_billed_before_it_is_confirmed(
    look: Look, account: Opened, site: Pages
) -> None:
    name = account("pauses")
    site.ask("POST", f"/v1/accounts/{name}/purchase-addon", {"product": "custom_domain", "at": "2026-04-05"})
    page = look(name)
    page.goto(f"{site.url}/account/billing")
    page.get_by_role("link", name=re.compile("Pause")).click()
    expect(page.get_by_text("Still billed until removed one by one: Custom domain")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("Standard is paused.")
    page.get_by_role("link", name=re.compile("Resume")).click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("Standard is active again.")


def test_a_declined_card_is_told_and_another_one_pays(look: Look, account: Opened, site: Pages) -> None:
    page, words = look(account("declines")), WORDS["en"]
    page.goto(f"{site.url}/account/shop?buy=custom_domain")
    pay(page, words, "000")
    expect(page.get_by_role("status")).to_contain_text("was declined; nothing was changed")
    pay(page, words)
    expect(page.get_by_role("status")).to_contain_text("Mission accomplished!")


def test_a_payment_that_waits_for_consent_says_so_and_can_be_given_up(
    look: Look, account: Opened, site: Pages
) -> None:
    page, words = look(account("consents")), WORDS["en"]
    page.goto(f"{site.url}/account/shop?buy=custom_domain")
    pay(page, words, "001")
    expect(page.get_by_text("Your bank asks whether you consent to the payment of €4.84")).to_be_visible()
    page.get_by_role("button", name="I have answered").click()
    expect(page.get_by_role("status")).to_contain_text("still waits")
    page.get_by_role("link", name="Give up the payment").click()
    page.get_by_role("button", name="Confirm").click()
    page.goto(f"{site.url}/account/shop?buy=custom_domain")
    pay(page, words)
    expect(page.get_by_role("status")).to_contain_text("Mission accomplished!")


def test_a_quote_that_changed_meanwhile_is_shown_again(look: Look, account: Opened, site: Pages) -> None:
    name = account("quotes")
    page, words = look(name), WORDS["en"]
    page.goto(f"{site.url}/account/shop?buy=custom_domain")
    repriced = {"product": "custom_domain", "price": "12.00", "at": "2026-04-10"}
    site.ask("POST", f"/v1/accounts/{name}/reprice", repriced)
    pay(page, words)
    expect(page.get_by_role("status")).to_contain_text("nothing was done")
    expect(page.get_by_text("€12.00 × 10/31 days = €3.87")).to_be_visible()
    pay(page, words)
    expect(page.get_by_role("status")).to_contain_text("Mission accomplished!")


def test_a_session_that_is_over_says_so(look: Look, account: Opened, site: Pages) -> None:
    page = look(account("expires"))
    page.goto(f"{site.url}/account/shop")
    page.context.clear_cookies()
    page.get_by_role("link", name="Invoices").click()
    expect(page.get_by_text("Your session is over.")).to_be_visible()


def test_pay_now_pressed_twice_and_back_buys_once(look: Look, account: Opened, site: Pages) -> None:
    name = account("double")
    page = look(name)
    page.goto(f"{site.url}/account/shop?buy=custom_domain")
    frame = page.frame_locator("iframe:visible")
    frame.get_by_label("Card security code (CVV)").fill("123")
    frame.get_by_role("button", name="Continue").click()
    frame.get_by_label("My billing information is right.").check()
    frame.get_by_role("button", name="Pay Now").dblclick()
    expect(page.get_by_role("status")).to_contain_text("Mission accomplished!")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Mission accomplished!")
    page.go_back()
    page.goto(f"{site.url}/account/shop?buy=custom_domain")
    expect(page.get_by_text("Custom domain is active already")).to_be_visible()
    bought = site.ask("GET", f"/v1/accounts/{name}/invoices?wait=5")["items"]
    assert [invoice["total"] for invoice in bought] == ["20.00", "4.84"]
