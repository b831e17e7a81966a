"""What was done is said in a sentence for a person, with the page's confirmation where something was bought
or upgraded (R19)."""

from __future__ import annotations

from datetime import date

import pytest

from domain import commands as c
from tests.support.domain.given import GivenAccount

ENGLISH = "Mission accomplished! Your plan has been upgraded."
FRENCH = "Mission accomplie ! Votre plan a bien été mis à niveau."

SENTENCES: list[tuple[tuple[c.Command, ...], str]] = [
    ((c.PurchasePlan("standard"),), f"{ENGLISH} standard is active. It renews on 2026-04-20."),
    ((c.PurchaseAddon("surveys"),), f"{ENGLISH} surveys is active. It renews on 2026-04-20."),
    (
        (c.PurchasePlan("standard"), c.ChangePlan("premium")),
        f"{ENGLISH} premium is active. It renews on 2026-04-20.",
    ),
    ((c.PurchasePlan("free"),), "free is active; it is free."),
    (
        (c.PurchasePlan("standard"), c.ChangePlan("free")),
        "standard becomes free (250) on 2026-04-20.",
    ),
    (
        (c.PurchasePlan("standard"), c.CancelPlan("marketing")),
        "standard ends on 2026-04-20; until then it can be used, and the cancellation undone.",
    ),
    (
        (c.PurchasePlan("standard"), c.CancelPlan("marketing"), c.Undo("standard")),
        "standard goes on as before; nothing was charged.",
    ),
    ((c.PurchasePlan("free"), c.CancelPlan("marketing")), "free has ended."),
    ((c.PurchasePlan("standard"), c.PausePlan("marketing")), "standard is paused."),
    (
        (c.PurchasePlan("standard"), c.PurchaseAddon("surveys"), c.PausePlan("marketing", date(2026, 4, 1))),
        "standard is paused. Still billed until removed one by one: surveys (7.50 on 2026-04-20).",
    ),
    (
        (c.PurchasePlan("standard"), c.PausePlan("marketing"), c.ResumePlan("marketing")),
        "standard is active again. It renews on 2026-04-20.",
    ),
    (
        (c.PurchaseAddon("surveys"), c.RemoveAddon("surveys")),
        "surveys is removed; it can be used until 2026-04-20.",
    ),
    (
        (c.PurchasePlan("standard"), c.StartTransactional(1), c.ChangeTransactional(2)),
        "From 2026-04-20 2 blocks are renewed.",
    ),
    (
        (c.PurchasePlan("standard"), c.StartTransactional(1), c.TopUpTransactional(2)),
        "50000 e-mails were added until the cycle's end.",
    ),
    ((c.BuyCredits("credits_5000"),), "5000 credits were added; they expire on 2027-03-20."),
    ((c.OverridePrice("surveys", "8.00"),), "surveys costs 8.00 from now on."),
    ((c.CloseAccount(),), "The account is closed; nothing is refunded."),
]


@pytest.mark.parametrize(("commands", "sentence"), SENTENCES, ids=[text for _, text in SENTENCES])
def test_what_was_done_is_said_in_a_sentence(commands: tuple[c.Command, ...], sentence: str) -> None:
    account = GivenAccount()
    answers = [account.give(command, "2026-03-20") for command in commands]
    assert answers[-1].message == sentence


def test_the_confirmation_is_the_page_s_in_french() -> None:
    account = GivenAccount()
    bought = account.give(c.PurchasePlan("standard"), "2026-03-20", language="fr")
    assert bought.message == f"{FRENCH} standard est actif. Renouvellement le 20/04/2026."
    assert account.give(c.PausePlan("marketing"), "2026-03-20", language="fr").message


def test_a_paid_balance_and_a_change_that_costs_nothing_are_said_as_that() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.OverridePrice("essentials", "20.00"), "2026-03-20")
    changed = account.give(c.ChangePlan("essentials"), "2026-03-21")
    assert changed.message == "Your plan is now essentials (500); nothing was charged."
    account.settle("2026-04-20", due="declined")
    assert account.give(c.PayBalance(), "2026-04-21").message == "Invoice 2 is paid."
