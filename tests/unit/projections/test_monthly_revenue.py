"""What the revenue of a month is made of."""

from decimal import Decimal

from domain.commands import (
    ChangePlan,
    CreditNote,
    GrantDiscount,
    LoseDispute,
    PayBalance,
    PurchaseAddon,
    PurchasePlan,
    Reissue,
    SetTaxProfile,
    WriteOff,
)
from projections.history.as_of import At, as_of
from projections.models.added import monthly_revenue
from projections.models.added.monthly_revenue import NOTHING, Revenue
from projections.models.credit_notes import FOLD as CREDIT_NOTES
from projections.models.invoices import FOLD as INVOICES
from tests.support.projections.fold_driver import TAXED, Billing
from tests.support.projections.read_models import be_corrected

ACCOUNT = "acme/a-1"
TWENTY = Decimal("20.00")


def months(billing: Billing) -> dict[str, dict[str, Revenue]]:
    made = as_of(billing.log, monthly_revenue.FOLD, ACCOUNT, At(billing.log.last_position()))
    return {f"{d.month:%Y-%m}": {f"{r.product} {r.kind}": r for r in d.revenues} for d in made}


def bought(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-05")


def test_an_invoice_counts_in_the_month_of_its_date_product_by_product(billing: Billing) -> None:
    bought(billing)
    billing.settle(ACCOUNT, "2026-04-20")
    found = months(billing)
    assert list(found) == ["2026-03", "2026-04"]
    assert {what: str(r.billed) for what, r in found["2026-04"].items()} == {
        "custom_domain addon": "14.84",
        "standard plan": "20.00",
    }
    assert all(r.paid == r.billed and r.open == 0 for r in found["2026-04"].values())


def test_a_declined_renewal_is_open_until_it_is_paid(billing: Billing) -> None:
    bought(billing)
    billing.settle(ACCOUNT, "2026-04-21", pay="declined")
    plan = months(billing)["2026-04"]["standard plan"]
    assert (plan.billed, plan.paid, plan.open) == (TWENTY, NOTHING, TWENTY)
    billing.give(ACCOUNT, PayBalance(), "2026-05-02")
    plan = months(billing)["2026-04"]["standard plan"]
    assert (plan.paid, plan.open) == (TWENTY, NOTHING)


def test_what_is_never_paid_is_uncollectible(billing: Billing) -> None:
    bought(billing)
    billing.settle(ACCOUNT, "2026-06-01", pay="declined")
    plan = months(billing)["2026-04"]["standard plan"]
    assert (plan.billed, plan.open, plan.uncollectible) == (TWENTY, NOTHING, TWENTY)


def test_a_credit_line_is_credited_and_not_billed(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-04-01")
    billing.give(ACCOUNT, PurchasePlan("essentials"), "2026-04-01")
    billing.give(ACCOUNT, ChangePlan("standard"), "2026-04-16")
    found = months(billing)["2026-04"]
    assert {what: (str(r.billed), str(r.credited)) for what, r in found.items()} == {
        "essentials plan": ("13.00", "0"),
        "standard plan": ("10.00", "0"),
        "essentials credit_line": ("0", "6.50"),
    }
    assert found["essentials credit_line"].paid == Decimal("-6.50")


def test_all_months_together_are_all_invoices(billing: Billing) -> None:
    bought(billing)
    billing.give(ACCOUNT, ChangePlan("standard", "2500"), "2026-04-10")
    billing.settle(ACCOUNT, "2026-07-01")
    billing.settle(ACCOUNT, "2026-09-01", pay="declined")
    invoices = as_of(billing.log, INVOICES, ACCOUNT, At(billing.log.last_position()))
    revenues = [r for month in months(billing).values() for r in month.values()]
    assert sum(r.billed - r.credited for r in revenues) == sum(i.total for i in invoices)
    assert sum(r.paid for r in revenues) == sum(i.total for i in invoices if i.status == "paid")


def test_discounts_are_taken_off_and_taxes_are_no_revenue(billing: Billing) -> None:
    billing.catalogues = TAXED
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, SetTaxProfile("FR", "consumer"), "2026-03-20")
    billing.give(ACCOUNT, GrantDiscount(percent="15", duration="forever"), "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    plan = months(billing)["2026-03"]["standard plan"]
    assert (plan.billed, plan.discounts, plan.paid) == (TWENTY, Decimal("3.00"), Decimal("17.00"))


def test_a_credit_note_counts_in_the_month_of_its_own_date(billing: Billing) -> None:
    bought(billing)
    billing.give(ACCOUNT, CreditNote(1, "goodwill", line=1, net="5.00"), "2026-04-10")
    found = months(billing)
    assert found["2026-03"]["standard plan"].taken_back == NOTHING
    assert found["2026-04"]["standard plan"] == Revenue("standard", "plan", taken_back=Decimal("5.00"))


def test_what_was_paid_and_is_charged_back_is_open_again_until_it_is_written_off(billing: Billing) -> None:
    bought(billing)
    billing.give(ACCOUNT, LoseDispute(1), "2026-04-10")
    plan = months(billing)["2026-03"]["standard plan"]
    assert (plan.billed, plan.paid, plan.open) == (TWENTY, NOTHING, TWENTY)
    billing.give(ACCOUNT, WriteOff(1), "2026-04-11")
    plan = months(billing)["2026-03"]["standard plan"]
    assert (plan.paid, plan.open, plan.uncollectible) == (NOTHING, NOTHING, TWENTY)


def test_an_invoice_issued_anew_is_billed_twice_and_taken_back_once(billing: Billing) -> None:
    billing.catalogues = TAXED
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, SetTaxProfile("DE", "business"), "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-21")
    billing.give(ACCOUNT, Reissue(1), "2026-03-22")
    plan = months(billing)["2026-03"]["standard plan"]
    assert (plan.billed, plan.taken_back, plan.paid) == (2 * TWENTY, TWENTY, 2 * TWENTY)


def test_all_months_together_are_all_invoices_less_all_credit_notes_before_tax(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-01-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-01-20")
    billing.settle(ACCOUNT, "2026-06-01")
    be_corrected(billing, ACCOUNT)
    everything = At(billing.log.last_position())
    invoices = as_of(billing.log, INVOICES, ACCOUNT, everything)
    notes = as_of(billing.log, CREDIT_NOTES, ACCOUNT, everything)
    revenues = [r for month in months(billing).values() for r in month.values()]
    nets = sum(i.net or NOTHING for i in invoices)
    assert sum(r.paid + r.open + r.uncollectible for r in revenues) == nets
    assert sum(r.billed - r.credited - r.discounts for r in revenues) == nets
    assert sum(r.taken_back for r in revenues) == sum(note.net for note in notes) > 0
