"""The statement of an account (R95): its lines explain all that is owed, at any two days of any history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest

from domain import events as e
from domain.calendar import CivilDate, date_of
from domain.evolve import evolve
from domain.money import zero
from domain.state import Account
from domain.statement import KINDS, Owed, Statement, StatementLine, statement
from tests.reference.stories import story
from tests.reference.switches import NAMES, drawn
from tests.support.domain.playing import played

DAY = timedelta(days=1)
GIVING_UP = (e.ItemsLapsed, e.InvoiceWrittenOff, e.CreditNoteIssued, e.PaymentRecorded)

every_history = pytest.mark.parametrize("first", range(0, 200, 20))


def histories(first: int) -> Iterator[list[e.Event]]:
    """Of all that the rules have, catalogues that change included."""
    for seed in range(first, first + 20):
        random = Random(seed)
        yield played(story(random, 40, drawn(random, NAMES))).history


def owed_of(state: Account) -> object:
    """What the account's own state says is owed."""
    due = sum([record.due for record in state.open_invoices], zero(state.currency))
    return due - state.standing.credit


def lines_of(history: list[e.Event]) -> Iterator[tuple[e.Event, Account, Owed, list[StatementLine]]]:
    """Each event, the state after it, and its lines."""
    state: Account | None = None
    opening = history[0]
    assert isinstance(opening, e.AccountOpened)
    owed = Owed(opening)
    for event in history:
        state = evolve(state, event)
        yield event, state, owed, list(owed.take(event))


@every_history
def test_after_every_event_is_owed_what_the_account_says(first: int) -> None:
    for history in histories(first):
        for event, state, owed, _ in lines_of(history):
            assert owed.amount == owed_of(state), event


@every_history
def test_only_what_is_given_up_or_comes_in_after_it_needs_a_line_that_no_event_names(first: int) -> None:
    for history in histories(first):
        for event, _, _, lines in lines_of(history):
            written_off = [line for line in lines if line.kind == "write_off"]
            assert not written_off or isinstance(event, GIVING_UP), event


@every_history
def test_what_one_span_closes_with_the_next_opens_with_and_both_together_are_the_whole(first: int) -> None:
    for history in histories(first):
        opened = history[0]
        assert isinstance(opened, e.AccountOpened)
        begin = date_of(opened.at, opened.time_zone)
        end = date_of(history[-1].at, opened.time_zone) + DAY
        middle = begin + (end - begin) // 2
        whole, early, late = (statement(history, *span) for span in _spans(begin, middle, end))
        assert whole.opening == 0
        assert early.closing == late.opening
        assert whole.closing == late.closing
        assert whole.lines == early.lines + late.lines
        for shown in (whole, early, late):
            assert shown.opening + sum(line.amount for line in shown.lines) == shown.closing


def test_every_kind_of_line_is_met() -> None:
    met = {
        line.kind
        for first in range(0, 200, 20)
        for history in histories(first)
        for _, _, _, lines in lines_of(history)
        for line in lines
    }
    assert met == set(KINDS)


def _spans(begin: CivilDate, middle: CivilDate, end: CivilDate) -> list[tuple[CivilDate, CivilDate]]:
    return [(begin, end), (begin, middle), (middle, end)]


def test_a_history_begins_with_its_opening() -> None:
    with pytest.raises(ValueError, match="opens no account"):
        statement([], CivilDate(2026, 4, 1), CivilDate(2026, 5, 1))


def _whole(history: list[e.Event]) -> Statement:
    return statement(history, CivilDate.min, CivilDate.max)


def test_the_sums_of_the_kinds_are_those_of_the_rule() -> None:
    for history in histories(0):
        shown = _whole(history)
        assert shown.closing == sum([shown.total(kind) for kind in KINDS], zero(shown.currency))
        issued = [event for event in history if isinstance(event, e.CreditNoteIssued)]
        reissued = [event.note for event in history if isinstance(event, e.InvoiceReissued)]
        assert -shown.total("credit_note") == sum(note.total for note in issued + reissued)
