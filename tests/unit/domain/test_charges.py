"""Which charge paid which invoice: what a refund gives back of, and what a dispute is about (R58, R62)."""

from domain import commands as c
from domain import events as e
from domain.charges import Charge, charge_of_invoice, charges_of
from domain.conclude import AnsweredPayment
from tests.support.domain.given import GivenAccount, standard_with_domain


def charges(account: GivenAccount) -> dict[int, Charge]:
    return charges_of(enumerate(account.events, 1))


def told(account: GivenAccount) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(one.purpose, one.status, one.invoices) for one in charges(account).values()]


def paying(account: GivenAccount, number: int) -> e.Event | None:
    """The intent of the charge whose money pays the invoice."""
    charge = charge_of_invoice(charges(account), number)
    return None if charge is None else account.events[charge.intent - 1]


def test_purchases_and_renewals_are_paid_by_their_own_charges() -> None:
    account = standard_with_domain()
    account.settle("2026-04-20")
    account.give(c.PurchaseAddon("surveys"), "2026-04-21", payment="declined")
    account.give(c.PurchaseAddon("surveys"), "2026-04-21", payment="cancelled")

    assert told(account) == [
        ("purchase", "paid", (1,)),
        ("purchase", "paid", (2,)),
        ("renewal", "paid", (3,)),
        ("purchase", "declined", ()),
        ("purchase", "cancelled", ()),
    ]
    assert isinstance(paying(account, 1), e.PaymentStarted)
    assert isinstance(paying(account, 3), e.CyclesRenewed)


def test_a_balance_pays_several_invoices_by_one_charge() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-20")
    account.settle("2026-04-20", due="declined")
    account.give(c.OpenDispute(1), "2026-04-21", role="finance")
    account.give(c.LoseDispute(1), "2026-04-22", role="finance")
    account.give(c.PayBalance(), "2026-04-23")

    [charge] = [one for one in charges(account).values() if one.purpose == "balance"]
    assert (charge.status, set(charge.invoices)) == ("paid", {1, 3})
    assert charge_of_invoice(charges(account), 1) == charge, "not the one that was charged back"


def test_while_it_is_not_answered_a_charge_pays_nothing() -> None:
    account = standard_with_domain()
    account.settle("2026-04-20", due=None)
    assert told(account)[-1] == ("renewal", "unanswered", (3,))
    account.answer("cancelled")
    account.settle("2026-04-20", due="paid")
    assert told(account)[-2:] == [("renewal", "cancelled", (3,)), ("renewal", "paid", (3,))]


def test_a_late_charge_is_known_by_its_invoice_whatever_comes_between() -> None:
    account = standard_with_domain()
    account.settle("2026-04-20", due=AnsweredPayment("pending"))
    account.give(c.PurchaseAddon("surveys"), "2026-04-21", payment="action_required")
    assert told(account)[-2:] == [("renewal", "late", (3,)), ("purchase", "action_required", ())]
    account.answer_late(3, "2026-04-21T00:05", paid=True)
    account.answer("paid")

    assert told(account)[-2:] == [("renewal", "paid", (3,)), ("purchase", "paid", (4,))]
    account.settle("2026-05-20", due="pending")
    account.answer_late(5, "2026-05-22", paid=False)
    assert told(account)[-1] == ("renewal", "failed", (5,))
    assert paying(account, 5) is None


def test_a_late_answer_leaves_the_payment_alone_that_waits_for_the_customer() -> None:
    account = standard_with_domain()
    account.settle("2026-04-20", due="pending")
    account.give(c.PurchaseAddon("surveys"), "2026-04-21", payment="action_required")
    waiting = account.state.payment
    assert waiting is not None
    account.answer_late(3, "2026-04-21T00:05", paid=True)
    assert account.state.payment == waiting


def test_what_paid_an_invoice_pays_the_one_that_was_issued_in_its_place() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    before = paying(account, 1)
    account.give(c.Reissue(1), "2026-03-21", role="finance")
    assert paying(account, 2) == before
