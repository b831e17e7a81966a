"""What the credit note documents promise their readers."""

from domain.commands import (
    CreditNote,
    GrantDiscount,
    PurchaseAddon,
    PurchasePlan,
    Reissue,
    RemoveAddon,
    SetTaxProfile,
)
from projections.history.as_of import At, as_of
from projections.models import credit_notes
from projections.models.credit_notes import CreditNoteDocument
from tests.support.projections.fold_driver import ACCOUNT, CODEC, TAXED, Billing, wire


def documents(billing: Billing) -> list[CreditNoteDocument]:
    return list(as_of(billing.log, credit_notes.FOLD, ACCOUNT, At(billing.log.last_position())))


def with_an_addon(billing: Billing) -> None:
    """Standard since 20 March, and an add-on of 4.84 and 0.97 tax from 5 to 20 April."""
    billing.catalogues = TAXED
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, SetTaxProfile("FR", "consumer"), "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-05")


def went(billing: Billing) -> list[tuple[str, str, str, str | None]]:
    """What each lowered, refunded and gave to the account, and how its refund is."""
    return [(str(d.lowered), str(d.refunded), str(d.to_account), d.refund) for d in documents(billing)]


def test_an_account_without_credit_notes_has_no_document(billing: Billing) -> None:
    with_an_addon(billing)
    assert documents(billing) == []


def test_the_document_on_the_wire(billing: Billing) -> None:
    with_an_addon(billing)
    billing.give(
        ACCOUNT, CreditNote(2, "service_failure", line=1, net="1.61", ticket="T-7"), "2026-04-15T12:00"
    )
    after = billing.log.last_position()
    assert [wire(d) for d in documents(billing)] == [
        {
            "account": ACCOUNT,
            "number": 1,
            "date": "2026-04-15",
            "issued_at": "2026-04-15T10:00:00Z",
            "currency": "EUR",
            "invoice": 2,
            "reason": "service_failure",
            "net": "1.61",
            "tax": "0.32",
            "total": "1.93",
            "lowered": "0.00",
            "refunded": "1.93",
            "to_account": "0.00",
            "refund": "made",
            "reissue": None,
            "ticket": "T-7",
            "lines": [
                {
                    "line": 1,
                    "product": "custom_domain",
                    "tier": None,
                    "kind": "addon",
                    "from": "2026-04-05",
                    "to": "2026-04-20",
                    "by_days": False,
                    "amount": "1.61",
                    "taxes": [{"jurisdiction": "FR", "category": "S", "rate": "20", "amount": "0.32"}],
                }
            ],
            "version": after,
            "revision": after,
            "fold": 1,
            "clock": "test",
        }
    ]


def test_they_are_numbered_in_order_of_issue_apart_from_invoices(billing: Billing) -> None:
    with_an_addon(billing)
    billing.give(ACCOUNT, CreditNote(2, "goodwill", line=1, net="1.00"), "2026-04-06")
    billing.give(ACCOUNT, CreditNote(1, "goodwill", line=1, net="1.00"), "2026-04-07")
    assert [(d.number, d.invoice) for d in documents(billing)] == [(1, 2), (2, 1)]


def test_a_refund_is_asked_for_until_the_provider_answers(billing: Billing) -> None:
    with_an_addon(billing)
    billing.refunds = "unknown"
    billing.give(ACCOUNT, CreditNote(2, "goodwill"), "2026-04-06")
    assert went(billing) == [("0.00", "5.81", "0.00", "asked")]


def test_what_could_not_be_refunded_is_account_credit(billing: Billing) -> None:
    with_an_addon(billing)
    billing.refunds = "failed"
    billing.give(ACCOUNT, CreditNote(2, "goodwill"), "2026-04-06")
    assert went(billing) == [("0.00", "0.00", "5.81", "failed")]
    assert documents(billing)[0].revision == billing.log.last_position()


def test_a_note_to_the_account_asks_for_no_refund(billing: Billing) -> None:
    with_an_addon(billing)
    billing.give(ACCOUNT, CreditNote(2, "goodwill", to="account"), "2026-04-06")
    assert went(billing) == [("0.00", "0.00", "5.81", None)]


def test_what_cannot_be_supplied_any_more_lowers_what_is_due(billing: Billing) -> None:
    with_an_addon(billing)
    billing.settle(ACCOUNT, "2026-04-21", pay="declined")
    billing.give(ACCOUNT, RemoveAddon("custom_domain"), "2026-04-25")
    [note] = documents(billing)
    assert (note.reason, note.invoice, went(billing)) == (
        "not_supplied",
        3,
        [("12.00", "0.00", "0.00", None)],
    )


def test_a_note_of_a_reissue_names_the_new_invoice(billing: Billing) -> None:
    with_an_addon(billing)
    billing.give(ACCOUNT, SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-04-06")
    billing.give(ACCOUNT, Reissue(2), "2026-04-07")
    [note] = documents(billing)
    assert (note.reissue, note.reason, str(note.total), str(note.refunded)) == (3, "tax", "5.81", "0.97")


def test_a_state_at_rest_keeps_those_alone_whose_refund_has_no_answer(billing: Billing) -> None:
    with_an_addon(billing)
    billing.give(ACCOUNT, CreditNote(1, "goodwill", line=1, net="1.00"), "2026-04-06")
    billing.refunds = "unknown"
    billing.give(ACCOUNT, CreditNote(2, "goodwill"), "2026-04-06")
    state = credit_notes.FOLD.start()
    for stored in billing.log.read_account(ACCOUNT):
        state = credit_notes.FOLD.apply(state, CODEC.read(stored), stored)
    rested = credit_notes.FOLD.at_rest(state)
    assert [d.number for d in credit_notes.FOLD.documents(rested)] == [2]
    billing.refunds = "refunded"
    billing.give(ACCOUNT, GrantDiscount(percent="15"), "2026-04-07")
    for stored in billing.log.read_account(ACCOUNT, state.version):
        rested = credit_notes.FOLD.apply(rested, CODEC.read(stored), stored)
    assert credit_notes.FOLD.documents(rested) == (documents(billing)[1],)
    assert documents(billing)[1].refund == "made"
