"""What the invoice documents promise their readers."""

from decimal import Decimal

from domain.commands import PayBalance, PurchaseAddon, PurchasePlan
from projections.history.as_of import At, as_of
from projections.models import invoices
from projections.models.invoices import InvoiceDocument
from tests.support.projections.fold_driver import CODEC, Billing, instant, wire

ACCOUNT = "acme/a-1"


def documents(billing: Billing) -> list[InvoiceDocument]:
    return list(as_of(billing.log, invoices.FOLD, ACCOUNT, At(billing.log.last_position())))


def with_a_declined_renewal(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-05")
    billing.settle(ACCOUNT, "2026-04-21", pay="declined")


def test_every_invoice_is_there_in_order_with_its_status(billing: Billing) -> None:
    with_a_declined_renewal(billing)
    assert [(d.number, str(d.total), d.status) for d in documents(billing)] == [
        (1, "20.00", "paid"),
        (2, "4.84", "paid"),
        (3, "30.00", "open"),
    ]


def test_lines_add_up_to_the_total(billing: Billing) -> None:
    with_a_declined_renewal(billing)
    for document in documents(billing):
        assert sum((line.amount for line in document.lines), Decimal(0)) == document.total


def test_a_purchase_that_is_not_paid_has_no_invoice(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20", pay="declined")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20", pay=None)
    assert documents(billing) == []


def test_paying_the_balance_makes_a_new_revision_of_that_invoice_alone(billing: Billing) -> None:
    with_a_declined_renewal(billing)
    before = documents(billing)
    billing.give(ACCOUNT, PayBalance(), "2026-04-25")
    after = documents(billing)
    assert after[:2] == before[:2]
    assert (after[2].status, after[2].revision) == ("paid", billing.log.last_position())


def test_an_unpaid_invoice_becomes_uncollectible_when_nothing_of_it_is_held(billing: Billing) -> None:
    with_a_declined_renewal(billing)
    billing.settle(ACCOUNT, "2026-06-01", pay="declined")
    assert documents(billing)[-1].status == "uncollectible"


def test_an_invoice_of_a_date_that_was_caught_up_says_when_it_was_issued(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.settle(ACCOUNT, "2026-05-03T09:00")
    renewal = documents(billing)[1]
    assert (renewal.date.isoformat(), renewal.issued_at) == ("2026-04-20", instant("2026-05-03T09:00"))


def test_a_state_at_rest_keeps_open_invoices_only_and_later_documents_are_the_same(billing: Billing) -> None:
    with_a_declined_renewal(billing)
    state = invoices.FOLD.start()
    for stored in billing.log.read_account(ACCOUNT):
        state = invoices.FOLD.apply(state, CODEC.read(stored), stored)
    rested = invoices.FOLD.at_rest(state)
    assert [d.number for d in invoices.FOLD.documents(rested)] == [3]
    billing.give(ACCOUNT, PayBalance(), "2026-04-25")
    after = billing.log.last_position()
    for stored in billing.log.read_account(ACCOUNT, state.version):
        rested = invoices.FOLD.apply(rested, CODEC.read(stored), stored)
    assert [d for d in invoices.FOLD.documents(rested) if d.revision == after] == documents(billing)[2:]


def test_the_document_on_the_wire(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    assert [wire(d) for d in documents(billing)] == [
        {
            "account": ACCOUNT,
            "number": 1,
            "date": "2026-03-20",
            "issued_at": "2026-03-19T23:00:00Z",
            "currency": "EUR",
            "total": "20.00",
            "status": "paid",
            "lines": [
                {
                    "product": "standard",
                    "tier": "500",
                    "kind": "plan",
                    "from": "2026-03-20",
                    "to": "2026-04-20",
                    "days": 31,
                    "of_days": 31,
                    "unit_price": "20.00",
                    "quantity": None,
                    "amount": "20.00",
                }
            ],
            "version": 3,
            "revision": 3,
            "fold": 2,
            "clock": "test",
        }
    ]
