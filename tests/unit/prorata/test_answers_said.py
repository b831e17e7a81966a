"""Every answer is said in a sentence for a person, with the page's confirmation where something was bought or
upgraded (R19)."""

from __future__ import annotations

from typing import get_args

import pytest

from domain import commands as c
from domain.answers import Answer, RefusalCode, what_was_done
from domain.proposals import AskedKind, HeldKind
from prorata.wording import Language, Wording, answer_said, wording
from prorata.wording.answers import (
    KINDS,
    MISSING,
    OUTCOMES,
    PAYMENT_METHOD,
    REFUSALS,
    TAILS,
    UNCHANGED,
    UPGRADED,
    UPGRADES,
)
from prorata.wording.booking import ACTION_REQUIRED, DISPUTES
from prorata.wording.declining import DECLINE_REASONS
from tests.support.domain.answers import CANCEL, PAUSE, PLAN, RESUME, every_answer, having, past_due
from tests.support.domain.given import GivenAccount
from tests.support.service.world import memory_world

LANGUAGES: tuple[Language, ...] = get_args(Language)
PARTS = {
    "{product} ({amount} on {date})",
    "{product} ({date})",
    "{note} ({amount} of invoice {invoice})",
    "{percent}%",
    *(*MISSING.values(), *KINDS.values(), *DISPUTES.values(), *DECLINE_REASONS.values()),
    *("once", "for ever", "on {products}", "to {day} inclusive", "as a nonprofit", "by the code {code}"),
    "carried until used up",
}
"""What stands inside a sentence."""
NAMES = {"standard": "Standard", "surveys": "Surveys", "custom_domain": "Custom domain"}
CONFIRMED = "Mission accomplished! Your plan has been upgraded."


def test_there_is_a_sentence_for_every_code_of_a_refusal_and_for_every_kind_of_thing() -> None:
    assert REFUSALS.keys() == set(get_args(RefusalCode))
    assert KINDS.keys() == {*get_args(AskedKind), *get_args(HeldKind)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_is_said_with_the_facts_that_it_has(language: Language) -> None:
    codes: set[str | None] = set()
    for answer in every_answer():
        sentence = answer_said(answer, wording(language), "EUR")
        assert sentence.endswith(".")
        assert "{" not in sentence
        codes.add(answer.code)
    assert codes == {None, *get_args(RefusalCode)}


def test_no_sentence_is_never_said() -> None:
    known = {*UPGRADED, *UNCHANGED, *ACTION_REQUIRED, *TAILS.values()}
    for table in (REFUSALS, OUTCOMES):
        known.update(one for several in table.values() for one in several)
    spoken = {one for answer in every_answer() for one in _sentences_of(answer)}
    spoken |= set(OUTCOMES[PAYMENT_METHOD])
    assert spoken == known
    recorded = {
        what_was_done(answer.events)
        for answer in every_answer()
        if answer.events and answer.code is None and answer.outcome != "action_required"
    }
    assert recorded == (OUTCOMES.keys() | UPGRADES) - {PAYMENT_METHOD}


def _sentences_of(answer: Answer) -> list[str]:
    """The templates that the answer is said in: `said` in a language that keeps them as they stand."""
    kept: list[str] = []

    class Unwritten(Wording):
        def say(self, sentence: str, /, **values: object) -> str:
            kept.append(sentence)
            return super().say(sentence, **values)

    answer_said(answer, Unwritten("en"), "EUR")
    return [sentence for sentence in kept if sentence not in PARTS]


def test_a_payment_method_that_was_set_is_said_as_that() -> None:
    world = memory_world()
    world.open()
    answer = world.say(do="payment_method", account="a1", works=False, at="2026-03-21")
    assert answer_said(answer, wording("en"), "EUR") == "Payments are answered so from now on."


SAID: list[tuple[tuple[c.Command, ...], str]] = [
    ((PLAN,), f"{CONFIRMED} Standard is active. It renews on 20 Apr 2026."),
    ((c.PurchaseAddon("surveys"),), f"{CONFIRMED} Surveys is active. It renews on 20 Apr 2026."),
    ((c.PurchasePlan("free"),), "free is active; it is free."),
    ((PLAN, c.ChangePlan("free")), "Standard becomes free (250) on 20 Apr 2026."),
    (
        (PLAN, CANCEL),
        "Standard ends on 20 Apr 2026; until then it can be used, and the cancellation undone.",
    ),
    (
        (PLAN, CANCEL, c.Undo("standard")),
        "Standard goes on as before; nothing was charged. It renews on 20 Apr 2026.",
    ),
    ((PLAN, CANCEL, CANCEL), "Nothing was changed: Standard ends on 20 Apr 2026 already."),
    (
        (PLAN, c.ChangePlan("free"), c.ChangePlan("free")),
        "Nothing was changed: Standard becomes free (250) on 20 Apr 2026 already.",
    ),
    ((PLAN, PAUSE), "Standard is paused."),
    (
        (PLAN, c.PurchaseAddon("surveys"), PAUSE),
        "Standard is paused. Still billed until removed one by one: Surveys (€7.50 on 20 Apr 2026).",
    ),
    ((PLAN, PAUSE, RESUME), "Standard is active again. It renews on 20 Apr 2026."),
    (
        (c.PurchaseAddon("surveys"), c.RemoveAddon("surveys")),
        "Surveys is removed; it can be used until 20 Apr 2026.",
    ),
    ((c.BuyCredits("credits_5000"),), "5,000 credits were added; they expire on 20 Mar 2027."),
    ((c.CloseAccount(),), "The account is closed; nothing is refunded."),
    ((c.PurchasePlan("gold"),), "The catalogue has no plan gold."),
    ((CANCEL,), "The account holds no plan (marketing)."),
    ((PLAN, c.PurchasePlan("standard")), "Standard is active already."),
    (
        (c.PurchaseAddon("surveys"), c.PurchaseAddon("surveys")),
        "Surveys is active already; it renews on 20 Apr 2026.",
    ),
    ((c.OverridePrice("surveys", "1.001"),), "1.001 is not an amount in EUR."),
]


@pytest.mark.parametrize(("commands", "sentence"), SAID, ids=[sentence for _, sentence in SAID])
def test_what_came_of_a_command_is_said_with_the_names_of_products(
    commands: tuple[c.Command, ...], sentence: str
) -> None:
    answer = having(*commands[:-1]).give(commands[-1], "2026-03-20")
    assert answer_said(answer, Wording("en", NAMES), "EUR") == sentence


def test_the_page_s_confirmation_is_said_in_french() -> None:
    answer = having(PLAN).give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    assert answer_said(answer, Wording("fr", NAMES), "EUR") == (
        "Mission accomplie ! Votre plan a bien été mis à niveau. "
        "Custom domain est actif. Renouvellement le 20 avr. 2026."
    )


def test_a_refusal_is_said_with_its_facts() -> None:
    refused = GivenAccount().give(c.PurchaseAddon("dedicated_ip"), "2026-03-20")
    assert answer_said(refused, wording("fr"), "EUR") == (
        "dedicated_ip demande un forfait actif : standard ou premium."
    )
    unconfirmed = GivenAccount().give(PLAN, "2026-03-20", cvv=False, billing=False)
    assert answer_said(unconfirmed, wording("fr"), "EUR") == (
        "20,00\xa0€ seraient débités maintenant : confirmez le code de sécurité de la carte et "
        "les coordonnées de facturation."
    )


def test_the_end_of_a_lock_is_said_as_a_local_time() -> None:
    account = GivenAccount()
    for _ in range(5):
        account.give(PLAN, "2026-03-20T09:30", payment="declined")
    locked = account.give(PLAN, "2026-03-20T09:31")
    assert answer_said(locked, wording("en"), "EUR").endswith(
        "the next attempt is possible at 21 Mar 2026 09:30."
    )


def test_a_pause_lists_what_is_still_billed_in_the_language() -> None:
    paused = having(PLAN, c.PurchaseAddon("custom_domain")).give(PAUSE, "2026-04-01")
    assert answer_said(paused, wording("fr"), "EUR") == (
        "standard est en pause. Restent facturés jusqu’à leur suppression un par un : "
        "custom_domain (10,00\xa0€ le 20 avr. 2026)."
    )


def test_an_unpaid_balance_is_said_with_its_amount() -> None:
    refused = past_due().give(c.CloseAccount(), "2026-02-06")
    assert (
        answer_said(refused, wording("en"), "EUR") == "Invoice 2 of €10.00 is unpaid: pay the balance first."
    )
