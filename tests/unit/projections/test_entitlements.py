"""What the entitlements document promises its readers."""

from datetime import date
from decimal import Decimal

import msgspec

from domain.commands import (
    BuyCredits,
    CloseAccount,
    CreditNote,
    GrantDiscount,
    OpenDispute,
    OverridePrice,
    PausePlan,
    PurchaseAddon,
    PurchasePlan,
    RemoveAddon,
    WinDispute,
    WithdrawDiscount,
)
from projections.history.as_of import At, as_of
from projections.models import entitlements
from projections.models.entitlements import EntitlementsDocument
from tests.support.projections.fold_driver import Billing, instant, wire

ACCOUNT = "acme/a-1"


def document(billing: Billing, account_id: str = ACCOUNT) -> EntitlementsDocument:
    [found] = as_of(billing.log, entitlements.FOLD, account_id, At(billing.log.last_position()))
    return found


def statuses(billing: Billing) -> dict[str, str]:
    return {e.product: e.status for e in document(billing).entitlements}


def test_an_account_without_events_has_no_document(billing: Billing) -> None:
    assert as_of(billing.log, entitlements.FOLD, ACCOUNT, At(99)) == ()


def test_an_account_that_holds_nothing_has_a_document(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    shown = document(billing)
    assert (shown.currency, shown.time_zone, shown.status) == ("EUR", "Europe/Paris", "good")
    assert (shown.entitlements, shown.anchor, shown.next_renewal, shown.support) == ((), None, None, False)


def test_it_says_what_is_held_and_how_the_account_stands(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-05T18:30")
    billing.give(ACCOUNT, RemoveAddon("custom_domain"), "2026-04-06")
    shown = document(billing)
    assert [(e.product, e.status, e.renews) for e in shown.entitlements] == [
        ("custom_domain", "ending", False),
        ("standard", "active", True),
    ]
    assert {e.access_until for e in shown.entitlements} == {instant("2026-04-20")}
    assert (shown.anchor, shown.next_renewal, shown.support) == (date(2026, 3, 20), date(2026, 4, 20), True)


def test_its_place_is_that_of_the_accounts_last_event(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.open("acme/other", "2026-03-21")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-22")
    last = billing.log.read_account(ACCOUNT)[-1]
    shown = document(billing)
    assert (shown.version, shown.revision, shown.as_of) == (last.version, last.position, last.effective_at)
    assert shown.fold == entitlements.FOLD.version


def test_products_stand_in_order_of_their_ids_whatever_the_order_of_purchase(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    for product in ("surveys", "custom_domain", "inbox_preview"):
        billing.give(ACCOUNT, PurchaseAddon(product), "2026-03-20")
    assert list(statuses(billing)) == ["custom_domain", "inbox_preview", "surveys"]


def test_a_declined_renewal_suspends_what_it_was_for(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.settle(ACCOUNT, "2026-04-20", pay="declined")
    assert statuses(billing) == {"standard": "suspended"}
    assert (document(billing).status, document(billing).next_renewal) == ("past_due", None)


def test_a_paused_plan_gives_no_support_but_credits_do(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, PausePlan("marketing"), "2026-03-21")
    assert not document(billing).support
    billing.give(ACCOUNT, BuyCredits("credits_5000"), "2026-03-22")
    assert document(billing).support
    assert {e.product: e.allowance for e in document(billing).entitlements} == {
        "credits_5000": 5000,
        "standard": None,
    }


def test_a_closed_account_keeps_what_it_once_held_as_ended(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, CloseAccount(), "2026-03-25")
    assert (document(billing).status, statuses(billing)) == ("closed", {"standard": "ended"})


def test_an_event_that_changes_nothing_shown_still_moves_the_revision(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    before = document(billing)
    billing.give(ACCOUNT, OverridePrice("custom_domain", "9.00"), "2026-03-20")
    after = document(billing)
    assert after.revision > before.revision
    assert msgspec.structs.replace(after, version=1, revision=before.revision) == before


def test_the_document_on_the_wire(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    assert wire(document(billing)) == {
        "account": ACCOUNT,
        "currency": "EUR",
        "time_zone": "Europe/Paris",
        "version": 3,
        "revision": 3,
        "fold": 3,
        "clock": "test",
        "credit": "0.00",
        "due": "0.00",
        "disputed_since": None,
        "discounts": [],
        "as_of": "2026-03-19T23:00:00Z",
        "status": "good",
        "anchor": "2026-03-20",
        "next_renewal": "2026-04-20",
        "support": True,
        "entitlements": [
            {
                "product": "standard",
                "status": "active",
                "renews": True,
                "access_until": "2026-04-19T22:00:00Z",
                "allowance": None,
            }
        ],
    }


def money(billing: Billing) -> tuple[str, str, str]:
    """Status, account credit and what is due."""
    shown = document(billing)
    return shown.account_status, str(shown.credit), str(shown.due)


def test_it_says_account_credit_and_what_is_due_of_all_invoices(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, CreditNote(1, "goodwill", line=1, net="5.00", to="account"), "2026-03-25")
    assert money(billing) == ("good", "5.00", "0.00")
    billing.settle(ACCOUNT, "2026-04-20", pay="declined")
    assert money(billing) == ("past_due", "0.00", "15.00")


def test_while_a_dispute_is_open_nothing_can_be_used_and_readers_of_before_see_it_past_due(
    billing: Billing,
) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, OpenDispute(1), "2026-04-02T10:00")
    shown = document(billing)
    assert (shown.status, shown.account_status) == ("past_due", "disputed")
    assert shown.disputed_since == instant("2026-04-02T10:00")
    [plan] = shown.entitlements
    assert (plan.status, plan.access_until) == ("suspended", instant("2026-04-02T10:00"))
    billing.give(ACCOUNT, WinDispute(1), "2026-04-05")
    assert (document(billing).account_status, document(billing).disputed_since) == ("good", None)
    assert statuses(billing) == {"standard": "active"}


def test_discounts_are_there_in_order_of_grant_with_what_is_left_of_them(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, GrantDiscount(percent="15", duration=3), "2026-03-20")
    billing.give(ACCOUNT, GrantDiscount(fixed="30.00", carried=True), "2026-03-20")
    billing.give(ACCOUNT, GrantDiscount(percent="5", duration="forever"), "2026-03-20")
    billing.give(ACCOUNT, WithdrawDiscount("D3"), "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    found = document(billing).discounts
    assert [(d.discount, d.percent, d.fixed, d.left, d.over) for d in found] == [
        ("D1", Decimal(15), None, None, False),
        ("D2", None, Decimal("30.00"), Decimal("13.00"), False),
        ("D3", Decimal(5), None, None, True),
    ]
    assert [(d.start, d.last_day) for d in found] == [
        (date(2026, 3, 20), date(2026, 6, 19)),
        (date(2026, 3, 20), date(2027, 3, 19)),
        (date(2026, 3, 20), None),
    ]
