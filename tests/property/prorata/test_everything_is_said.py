"""Whatever a random history answers and records is said to people in their language (R19)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import get_args

import pytest

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.explain import rule_of_line
from domain.invoices import invoice_changes
from domain.views import entitlement
from prorata.simulation.run import VirtualAccount
from prorata.simulation.scenario import Step
from prorata.wording import Language, answer_said, calculation_said, event_said, rule_said, wording
from tests.reference.stories import story
from tests.support.domain.playing import fork, played, request_of
from tests.support.domain.saying import told

LANGUAGES: tuple[Language, ...] = get_args(Language)


def test_every_answer_of_random_histories_is_said_in_french() -> None:
    codes: set[str | None] = set()
    outcomes: set[str] = set()
    for answer, currency in answers():
        sentence = answer_said(answer, wording("fr"), currency)
        assert sentence
        assert "{" not in sentence
        codes.add(answer.code)
        outcomes.update(answer.events[-1:])
    assert len(codes) > 15
    assert len(outcomes) > 12


def answers() -> Iterator[tuple[Answer, str]]:
    """What commands of random histories were answered."""
    found: list[tuple[Answer, str]] = []

    def look(account: VirtualAccount, step: Step) -> None:
        if isinstance(step.do, c.Command):
            currency = account.account.currency
            found.append((fork(account).give(request_of(step, currency)), currency))

    for seed in range(60):
        played(story(Random(seed)), before=look)
    yield from found


USABLE = {"en": "can be used until", "fr": "l’accès dure jusqu’au"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_says_that_something_can_be_used_only_where_it_can(language: Language) -> None:
    """Invariant 13: sentences agree with the state."""
    said_so = 0
    for seed in range(80):
        for said in told(Random(seed)):
            state, facts = said.account.account, said.answer.facts
            sentence = answer_said(said.answer, wording(language), state.currency)
            if USABLE[language] not in sentence.lower():
                continue
            shown = entitlement(state, facts["product"], said.account.catalogues)
            assert shown is not None
            assert shown.access_until is not None
            assert shown.status in ("active", "ending")
            assert shown.access_until > said.request.at
            assert wording(language).moment(shown.access_until, state.time_zone) in sentence
            said_so += 1
    assert said_so > 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_and_event_of_random_histories_is_said(language: Language) -> None:
    say = wording(language)
    kinds: set[str] = set()
    rules: set[str] = set()
    for seed in range(120):
        account = played(story(Random(seed)))
        currency = account.account.currency
        for event in account.history:
            sentence = event_said(event, currency, say)
            assert sentence.endswith((".", "!"))
            assert "{" not in sentence
            kinds.add(e.type_name(event))
            invoice, _ = invoice_changes(event)
            for line in () if invoice is None else invoice.lines:
                rule = rule_of_line(event, line)
                assert ": " in rule_said(rule, say), rule
                assert say.amount(line.amount, currency) in calculation_said(line, currency, say)
                rules.add(rule)
    of_the_first_part = {name for name, kind in e.EVENT_TYPES.items() if kind not in get_args(e.SecondPart)}
    of_the_first_part -= {"account_imported"}  # no history of commands has it: test_import_accounts
    assert len(kinds & of_the_first_part) > len(of_the_first_part) - 5
    assert len(rules) >= 10
