"""What the invoice documents promise their readers."""

from decimal import Decimal

from domain.commands import (
    CreditNote,
    GrantDiscount,
    LoseDispute,
    OpenDispute,
    PayBalance,
    PurchaseAddon,
    PurchasePlan,
    RecordPayment,
    Reissue,
    SetTaxProfile,
    WriteOff,
)
from projections.history.as_of import At, as_of
from projections.models import invoices
from projections.models.invoices import InvoiceDocument
from tests.support.projections.fold_driver import CODEC, TAXED, Billing, instant, wire

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


def test_a_state_at_rest_shows_no_invoice_and_later_the_changed_ones_alone(billing: Billing) -> None:
    with_a_declined_renewal(billing)
    state = invoices.FOLD.start()
    for stored in billing.log.read_account(ACCOUNT):
        state = invoices.FOLD.apply(state, CODEC.read(stored), stored)
    rested = invoices.FOLD.at_rest(state)
    assert invoices.FOLD.documents(rested) == ()
    billing.give(ACCOUNT, PayBalance(), "2026-04-25")
    billing.give(ACCOUNT, OpenDispute(1), "2026-04-26")
    for stored in billing.log.read_account(ACCOUNT, state.version):
        rested = invoices.FOLD.apply(rested, CODEC.read(stored), stored)
    changed = {d.number: d for d in invoices.FOLD.documents(rested)}
    assert changed == {d.number: d for d in documents(billing) if d.number != 2}


def standing(billing: Billing) -> list[tuple[int, str, str, str, str]]:
    """Number, total, account credit, due and status of each invoice."""
    return [(d.number, str(d.total), str(d.credit), str(d.due), d.status) for d in documents(billing)]


def test_of_an_open_invoice_its_total_is_due_until_it_is_paid(billing: Billing) -> None:
    with_a_declined_renewal(billing)
    assert standing(billing)[2] == (3, "30.00", "0.00", "30.00", "open")
    billing.give(ACCOUNT, RecordPayment("12.00"), "2026-04-22")
    assert standing(billing)[2] == (3, "30.00", "0.00", "18.00", "open")
    billing.give(ACCOUNT, PayBalance(), "2026-04-25")
    assert standing(billing)[2] == (3, "30.00", "0.00", "0.00", "paid")


def test_a_credit_note_lowers_what_is_due_and_account_credit_is_taken_by_the_next_invoice(
    billing: Billing,
) -> None:
    with_a_declined_renewal(billing)
    billing.give(ACCOUNT, CreditNote(3, "goodwill", line=1, net="5.00"), "2026-04-22")
    assert standing(billing)[2] == (3, "30.00", "0.00", "25.00", "open")
    billing.give(ACCOUNT, PayBalance(), "2026-04-23")
    billing.give(ACCOUNT, CreditNote(1, "goodwill", line=1, net="6.00", to="account"), "2026-04-24")
    billing.settle(ACCOUNT, "2026-05-20")
    assert standing(billing)[3] == (4, "30.00", "6.00", "0.00", "paid")


def test_account_credit_pays_what_is_open_and_counts_as_credit_of_it(billing: Billing) -> None:
    with_a_declined_renewal(billing)
    billing.give(ACCOUNT, CreditNote(1, "goodwill", line=1, net="6.00", to="account"), "2026-04-22")
    assert standing(billing)[2] == (3, "30.00", "6.00", "24.00", "open")


def test_a_paid_invoice_that_is_disputed_and_lost_is_open_charged_back_and_due_again(
    billing: Billing,
) -> None:
    with_a_declined_renewal(billing)
    billing.give(ACCOUNT, PayBalance(), "2026-04-23")
    billing.give(ACCOUNT, OpenDispute(1), "2026-04-24")
    assert next((d.disputed, d.charged_back) for d in documents(billing)) == (True, False)
    billing.give(ACCOUNT, LoseDispute(1), "2026-04-26")
    assert next((d.disputed, d.charged_back) for d in documents(billing)) == (False, True)
    assert standing(billing)[0] == (1, "20.00", "0.00", "20.00", "open")
    assert documents(billing)[0].revision == billing.log.last_position()
    billing.give(ACCOUNT, WriteOff(1), "2026-04-27")
    assert standing(billing)[0] == (1, "20.00", "0.00", "0.00", "uncollectible")


def test_net_tax_and_total_add_up_with_discounts_and_taxes(billing: Billing) -> None:
    billing.catalogues = TAXED
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, SetTaxProfile("DE", "consumer", region="HEL"), "2026-03-20")
    billing.give(ACCOUNT, GrantDiscount(percent="15", duration="forever"), "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    [document] = documents(billing)
    assert [str(x) for x in (document.net, document.tax, document.total)] == ["17.00", "3.49", "20.49"]
    [line] = wire(document)["lines"]
    assert (line["discount"], line["discounts"]) == ("3.00", [{"discount": "D1", "amount": "3.00"}])
    assert [(tax["jurisdiction"], tax["amount"]) for tax in line["taxes"]] == [
        ("DE", "3.23"),
        ("DE-HEL", "0.26"),
    ]


def test_an_invoice_issued_anew_is_paid_by_what_paid_the_one_before(billing: Billing) -> None:
    billing.catalogues = TAXED
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, SetTaxProfile("DE", "business", vat_id="unconfirmed"), "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-21")
    billing.give(ACCOUNT, Reissue(1), "2026-03-22")
    assert standing(billing) == [
        (1, "23.80", "0.00", "0.00", "paid"),
        (2, "20.00", "0.00", "0.00", "paid"),
    ]


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
            "fold": 3,
            "clock": "test",
            "net": "20.00",
            "tax": "0.00",
            "credit": "0.00",
            "due": "0.00",
            "charged_back": False,
            "disputed": False,
        }
    ]
