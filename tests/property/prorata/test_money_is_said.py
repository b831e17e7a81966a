"""In random histories of both parts of the rules every answer, event, invoice and credit note is said, in
both languages."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from io import StringIO
from random import Random
from typing import get_args

import pytest

from domain import events as e
from domain.answers import Answer
from domain.credit_note_story import credit_note_story, note_of
from domain.explain import rule_of_event
from domain.invoice_story import invoice_story
from prorata.cli.account.explain_screen import Teller, print_credit_note, print_invoice_story
from prorata.cli.terminal.tables import PlainConsole
from prorata.simulation.run import VirtualAccount
from prorata.wording import Language, answer_said, event_said_in_full, wording
from tests.reference.stories import story
from tests.reference.switches import drawn
from tests.support.domain.playing import played
from tests.support.domain.saying import told

LANGUAGES: tuple[Language, ...] = get_args(Language)
HISTORIES = 60


@cache
def histories() -> tuple[VirtualAccount, ...]:
    """Random accounts with some of what the second part knows."""
    return tuple([_history(Random(seed)) for seed in range(HISTORIES)])


def _history(random: Random) -> VirtualAccount:
    return played(story(random, switches=drawn(random)))


def answers() -> Iterator[tuple[Answer, str]]:
    """What commands of such accounts were answered, with the account's currency."""
    for seed in range(HISTORIES):
        random = Random(seed)
        for said in told(random, drawn(random)):
            yield said.answer, said.account.account.currency


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_is_a_sentence(language: Language) -> None:
    for answer, currency in answers():
        sentence = answer_said(answer, wording(language), currency)
        assert sentence.endswith(".")
        assert "{" not in sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_says_what_it_did_and_names_its_rule(language: Language) -> None:
    kinds = set()
    for account in histories():
        for event in account.history:
            sentence = event_said_in_full(event, account.account.currency, wording(language))
            assert sentence.endswith((".", "!"))
            assert "{" not in sentence
            assert rule_of_event(event).startswith("R")
            kinds.add(type(event))
    assert len(kinds & set(get_args(e.SecondPart))) > 15


def test_the_story_of_every_invoice_adds_up_and_names_only_earlier_events() -> None:
    for account in histories():
        for number, invoice in account.account.invoices.items():
            found = invoice_story(account.history, number)
            assert found is not None
            assert sum([x.line.net + x.line.tax for x in found.lines], Decimal(0)) == invoice.total
            assert sum([tax.tax for tax in found.taxes], Decimal(0)) == invoice.tax
            assert found.record == account.account.record(number)
            rests = [*found.taxes_because, *found.credit_because]
            rests += [version for x in found.lines for version in x.because]
            assert all(version < found.issued for version in rests)
            assert bool(found.credit_because) == bool(invoice.credit_taken)


def test_the_story_of_every_credit_note_is_that_of_its_event() -> None:
    told_of = 0
    for account in histories():
        for version, event in enumerate(account.history, 1):
            note = note_of(event)
            if note is None:
                continue
            found = credit_note_story(account.history, note.number)
            assert found is not None
            assert (found.note, found.issued) == (note, version)
            assert sum([tax.tax for tax in found.taxes], Decimal(0)) == note.tax
            told_of += 1
    assert told_of > 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_story_is_told_to_people(language: Language) -> None:
    for account in histories()[:20]:
        teller = Teller(account.history, account.account, wording(language))
        out = PlainConsole(file=StringIO(), width=100)
        for number in account.account.invoices:
            story_of_invoice = invoice_story(account.history, number)
            assert story_of_invoice is not None
            print_invoice_story(out, story_of_invoice, teller)
        for number in range(1, account.account.standing.next_credit_note):
            story_of_note = credit_note_story(account.history, number)
            assert story_of_note is not None
            print_credit_note(out, story_of_note, teller)
