"""What the access windows document promises its readers."""

from domain.commands import PausePlan, PayBalance, PurchaseAddon, PurchasePlan, ResumePlan
from projections.history.as_of import At, as_of
from projections.models import access_windows
from projections.models.access_windows import AccessWindowsDocument
from tests.support.projections.fold_driver import Billing, instant, wire

ACCOUNT = "acme/a-1"


def document(billing: Billing) -> AccessWindowsDocument:
    [found] = as_of(billing.log, access_windows.FOLD, ACCOUNT, At(billing.log.last_position()))
    return found


def spans(billing: Billing, product: str) -> list[tuple[object, object]]:
    [shown] = [p for p in document(billing).products if p.product == product]
    return [(window.start, window.until) for window in shown.windows]


def test_a_pause_closes_the_window_and_a_resume_opens_another(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20T10:00")
    billing.give(ACCOUNT, PausePlan("marketing"), "2026-03-25T10:00")
    billing.give(ACCOUNT, ResumePlan("marketing"), "2026-03-28T10:00")
    assert spans(billing, "standard") == [
        (instant("2026-03-20T10:00"), instant("2026-03-25T10:00")),
        (instant("2026-03-28T10:00"), instant("2026-04-20")),
    ]


def test_a_renewal_makes_the_window_longer(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("surveys"), "2026-03-20T10:00")
    billing.settle(ACCOUNT, "2026-05-01")
    assert spans(billing, "surveys") == [(instant("2026-03-20T10:00"), instant("2026-05-20"))]
    assert [p.renews for p in document(billing).products] == [True]


def test_a_suspension_closes_the_window_at_the_unpaid_date_until_the_balance_is_paid(
    billing: Billing,
) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.settle(ACCOUNT, "2026-04-21", pay="declined")
    assert spans(billing, "standard") == [(instant("2026-03-20"), instant("2026-04-20"))]
    assert [p.renews for p in document(billing).products] == [False]
    billing.give(ACCOUNT, PayBalance(), "2026-04-22T12:00")
    assert spans(billing, "standard")[1:] == [(instant("2026-04-22T12:00"), instant("2026-05-20"))]


def test_free_has_a_window_without_end(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("free"), "2026-03-21")
    assert spans(billing, "free") == [(instant("2026-03-21"), None)]


def test_a_product_without_any_window_is_named_with_none(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("free"), "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    assert spans(billing, "free") == []


def test_the_document_on_the_wire(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    assert wire(document(billing)) == {
        "account": ACCOUNT,
        "version": 3,
        "revision": 3,
        "fold": 2,
        "clock": "test",
        "time_zone": "Europe/Paris",
        "products": [
            {
                "product": "standard",
                "windows": [{"from": "2026-03-19T23:00:00Z", "until": "2026-04-19T22:00:00Z"}],
                "renews": True,
            }
        ],
    }
