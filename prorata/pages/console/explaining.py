"""Why an invoice, or a credit note, is what it is: its lines with rule and arithmetic, its taxes, the events
that it rests on, and what happened to it.

    shown = await explained(desk, call, "2", say)
    shown.lines, shown.parts
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import msgspec

from domain.credit_note_story import CreditNoteStory
from domain.evolve import evolve_all
from domain.invoice_story import InvoiceStory
from projections.history.past import ReadHistory
from prorata.cli.account.explain import story_of
from prorata.cli.account.explain_screen import Teller, standing_said
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.looking import unknown_account
from prorata.pages.console.story import Entry, told
from prorata.wording import Wording, credited_said, line_said, tax_said


class Part(msgspec.Struct, frozen=True):
    """Events of the story under one heading (`rests`, `issued`, `invoice`, `money`)."""

    heading: str
    entries: tuple[Entry, ...]


class Explained(msgspec.Struct, frozen=True):
    """The story of an invoice or a credit note, one of which is not None. `facts`: how it stands; `rules`: of
    each line."""

    account: str
    number: str
    currency: str
    zone: str
    invoice: InvoiceStory | None
    note: CreditNoteStory | None
    lines: tuple[str, ...]
    taxes: tuple[str, ...]
    parts: tuple[Part, ...]
    facts: tuple[str, ...]


async def explained(desk: Desk, call: Call, number: str, say: Wording) -> Explained:
    """The story of that one. Raises ProblemFound `unknown_account`, InvalidInput `unknown_invoice`,
    `unknown_credit_note`."""
    return await desk.run(partial(_explained, desk, call, number, say))


def _explained(desk: Desk, call: Call, number: str, say: Wording) -> Explained:
    history = desk.histories.of(call.account_id)
    state = evolve_all(None, history.events)
    if state is None:
        raise unknown_account()
    story = story_of(history.events, state, number, call.account)
    teller = Teller(history.events, state, say, history.stored)
    taxes = tuple([f"{tax_said(tax, state.currency, say)}: {teller.amount(tax.tax)}" for tax in story.taxes])

    def part(heading: str, versions: Iterable[int]) -> Part:
        return Part(heading, _entries(history, versions, state.currency, say))

    if isinstance(story, InvoiceStory):
        because = [version for line in story.lines for version in line.because]
        lines = tuple([line_said(line.line, state.currency, line.rule, say) for line in story.lines])
        parts = (
            part("rests", [*because, *story.taxes_because, *story.credit_because]),
            part("issued", [story.issued]),
            part("money", [version for version in story.payment if version != story.issued]),
        )
        facts = tuple(standing_said(story.record, story.invoice, teller))
        return Explained(
            call.account, number, state.currency, state.time_zone, story, None, lines, taxes, parts, facts
        )
    lines = tuple([credited_said(line, state.currency, say) for line in story.lines])
    parts = (
        part("invoice", [story.invoiced]),
        part("issued", [story.issued]),
        part("money", story.money),
    )
    return Explained(
        call.account, number, state.currency, state.time_zone, None, story, lines, taxes, parts, ()
    )


def _entries(history: ReadHistory, versions: Iterable[int], currency: str, say: Wording) -> tuple[Entry, ...]:
    return tuple(
        [
            told(history.events[version - 1], history.stored[version - 1], currency, (), say)
            for version in sorted(set(versions))
        ]
    )
