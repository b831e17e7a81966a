"""When the calendar says that an account is due."""

from domain.commands import BuyCredits, CloseAccount, CreditNote, PausePlan, PurchaseAddon, PurchasePlan
from projections.history.as_of import At, as_of
from projections.models import calendar
from projections.models.calendar import Due
from tests.support.projections.fold_driver import Billing, instant

ACCOUNT = "acme/a-1"


def due(billing: Billing) -> Due:
    [found] = as_of(billing.log, calendar.FOLD, ACCOUNT, At(billing.log.last_position()))
    return found


def test_an_account_that_holds_nothing_is_never_due(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    assert due(billing).due_at is None


def test_it_is_due_at_the_beginning_of_its_first_date(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("surveys"), "2026-03-25")
    billing.give(ACCOUNT, BuyCredits("credits_5000"), "2026-03-20T12:00")
    assert due(billing).due_at == instant("2026-04-25")


def test_a_scheduled_resume_is_due_too(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, PausePlan("marketing", instant("2026-04-02T12:00").date()), "2026-03-21")
    assert due(billing).due_at == instant("2026-04-02")


def test_a_payment_without_answer_is_due_since_its_intent(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20T10:00", pay=None)
    pending = due(billing)
    assert (pending.pending_payment, pending.due_at) == (True, instant("2026-03-20T10:00"))
    assert pending.recorded_at == billing.log.read_account(ACCOUNT)[-1].recorded_at


def test_a_renewal_whose_payment_has_no_answer_is_pending(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.settle(ACCOUNT, "2026-05-01", pay=None)
    assert (due(billing).pending_payment, due(billing).due_at) == (True, instant("2026-04-20"))


def test_a_renewal_whose_payment_was_cancelled_is_due_again_at_its_date(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.settle(ACCOUNT, "2026-05-01", pay=None)
    billing.recover(ACCOUNT, "cancelled")
    assert (due(billing).pending_payment, due(billing).due_at) == (False, instant("2026-04-20"))


def test_a_closed_account_is_never_due_again(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, CloseAccount(), "2026-03-25")
    assert due(billing).due_at is None


def test_it_says_on_which_clock_the_account_lives(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20", clock="wall")
    assert due(billing).clock == "wall"


def test_a_refund_without_an_answer_is_due_at_once_also_of_a_closed_account(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, CloseAccount(), "2026-03-21")
    billing.refunds = "unknown"
    billing.give(ACCOUNT, CreditNote(1, "ended_by_us"), "2026-03-22T10:00")
    assert (due(billing).pending_payment, due(billing).due_at) == (True, instant("2026-03-22T10:00"))
    billing.refunded(ACCOUNT)
    assert (due(billing).pending_payment, due(billing).due_at) == (False, None)
