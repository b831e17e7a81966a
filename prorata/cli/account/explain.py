"""`prorata explain`: the story of an invoice or of a credit note, from the log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter

from domain import events as e
from domain.calendar import local_text
from domain.credit_note_story import CreditNoteStory, credit_note_story
from domain.errors import InvalidInput
from domain.evolve import evolve_all
from domain.explain import rule_of_event
from domain.invoice_story import InvoiceStory, invoice_story
from domain.state import Account
from eventlog.codec import domain_codec
from prorata.cli.account.explain_screen import Teller, print_credit_note, print_invoice_story
from prorata.cli.account.present import AccountName, Json, LanguageChoice, Tenant, unknown
from prorata.cli.terminal.tables import console
from prorata.settings import Settings
from prorata.wiring import opened_log
from prorata.wording import Wording, credited_said, event_said, line_said, tax_said
from service.commands import account_id_of

_NUMBER: Final = re.compile(r"(C?)([1-9][0-9]{0,9})\Z")


def explain(
    account: AccountName,
    number: Annotated[str, Parameter(help="An invoice's number in the account, or a credit note's: 2, C1.")],
    *,
    json: Json = False,
    language: LanguageChoice = "en",
    tenant: Tenant = "main",
) -> int:
    """Why the invoice is what it is: the events that it rests on, each line's rule and arithmetic, its taxes,
    all that happened to it, and how it stands now. Of a credit note: which line and which days it takes back,
    and where the money went. Read from the log alone.
    """
    codec = domain_codec()
    with opened_log(Settings.of()) as log:
        stored = log.read_account(account_id_of(tenant, account))
    if not stored:
        raise unknown(account, tenant)
    events = [codec.read(row) for row in stored]
    state = evolve_all(None, events)
    assert state is not None
    story = story_of(events, state, number, account)
    teller = Teller(events, state, Wording(language), stored)
    if json:
        print(msgspec.json.encode({"account": account, **explain_json(story, teller)}).decode())
    elif isinstance(story, InvoiceStory):
        print_invoice_story(console(), story, teller)
    else:
        print_credit_note(console(), story, teller)
    return 0


def story_of(
    events: Sequence[e.Event], state: Account, number: str, account: str
) -> InvoiceStory | CreditNoteStory:
    """The story of the invoice, or credit note, of that number. Raises InvalidInput `unknown_invoice`,
    `unknown_credit_note`."""
    found = _NUMBER.match(number)
    if found is None:
        message = f"{number[:40]!r} is no number of an invoice, such as 2, or of a credit note, such as C1"
        raise InvalidInput("unknown_invoice", "", message)
    story: InvoiceStory | CreditNoteStory | None
    if found[1]:
        code, kind, last = "unknown_credit_note", "credit note", state.standing.next_credit_note - 1
        story = credit_note_story(events, int(found[2]))
    else:
        code, kind, last = "unknown_invoice", "invoice", state.next_invoice - 1
        story = invoice_story(events, int(found[2]))
    if story is None:
        known = f"its last is {found[1]}{last}" if last else "it has none yet"
        raise InvalidInput(code, "", f"{account} has no {kind} {number}: {known}")
    return story


def explain_json(story: InvoiceStory | CreditNoteStory, teller: Teller) -> dict[str, Any]:
    """For programs: lines with arithmetic, taxes, and each event that the story names, once."""
    if isinstance(story, InvoiceStory):
        return _invoice_json(story, teller)
    return _credit_note_json(story, teller)


def _invoice_json(story: InvoiceStory, teller: Teller) -> dict[str, Any]:
    because = {version for line in story.lines for version in line.because}
    rests = because | {*story.taxes_because, *story.credit_because}
    currency, say = teller.state.currency, teller.say
    return {
        "invoice": story.invoice,
        "status": story.status,
        "due": story.record.due,
        "issued": story.issued,
        "payment": story.payment,
        "lines": [
            {**msgspec.structs.asdict(line), "sentence": line_said(line.line, currency, line.rule, say)}
            for line in story.lines
        ],
        "taxes": _taxes_json(story, teller),
        "taxes_because": story.taxes_because,
        "credit_because": story.credit_because,
        "events": _events_json(rests | {story.issued, *story.payment}, teller),
    }


def _credit_note_json(story: CreditNoteStory, teller: Teller) -> dict[str, Any]:
    note = story.note
    return {
        "credit_note": {
            "number": f"C{note.number}",
            "invoice": note.invoice,
            "date": note.date,
            "reason": note.reason,
            "net": note.net,
            "tax": note.tax,
            "total": note.total,
            "lowered": note.lowered,
            "refund": note.refund,
            "to_account": note.to_account,
        },
        "issued": story.issued,
        "invoiced": story.invoiced,
        "money": story.money,
        "lines": [
            {
                **msgspec.structs.asdict(line),
                "sentence": credited_said(line, teller.state.currency, teller.say),
            }
            for line in story.lines
        ],
        "taxes": _taxes_json(story, teller),
        "events": _events_json({story.invoiced, story.issued, *story.money}, teller),
    }


def _taxes_json(story: InvoiceStory | CreditNoteStory, teller: Teller) -> list[dict[str, Any]]:
    return [
        {
            **msgspec.structs.asdict(tax),
            "arithmetic": tax.arithmetic,
            "sentence": tax_said(tax, teller.state.currency, teller.say),
        }
        for tax in story.taxes
    ]


def _events_json(versions: Iterable[int], teller: Teller) -> list[dict[str, Any]]:
    state, events, stored = teller.state, teller.events, teller.stored
    return [
        {
            "version": version,
            "type": e.type_name(events[version - 1]),
            "effective_at": local_text(events[version - 1].at, state.time_zone),
            "recorded_at": stored[version - 1].recorded_at,
            "position": stored[version - 1].position,
            "rule": rule_of_event(events[version - 1]),
            "sentence": event_said(events[version - 1], state.currency, teller.say),
        }
        for version in sorted(versions)
    ]
