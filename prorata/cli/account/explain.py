"""`prorata explain`: the story of an invoice, from the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console

from domain import events as e
from domain.calendar import local_text
from domain.errors import InvalidInput
from domain.evolve import evolve_all
from domain.explain import InvoiceStory, invoice_story, rule_of_event
from domain.state import Account
from eventlog.codec import domain_codec
from eventlog.records import StoredEvent
from prorata.cli.account.present import AccountName, Json, LanguageChoice, Tenant, unknown
from prorata.cli.terminal.tables import console, heading
from prorata.settings import Settings
from prorata.wiring import opened_log
from prorata.wording import Wording, event_said, line_said
from prorata.wording.labels import INVOICES, UNPAID
from service.commands import account_id_of


def explain(
    account: AccountName,
    invoice: Annotated[int, Parameter(help="The invoice's number in the account.")],
    *,
    json: Json = False,
    language: LanguageChoice = "en",
    tenant: Tenant = "main",
) -> int:
    """Why the invoice is what it is: the events that it rests on, each line's rule and arithmetic, what
    happened to its payment, and its status now. Read from the log alone.
    """
    codec = domain_codec()
    with opened_log(Settings.of()) as log:
        stored = log.read_account(account_id_of(tenant, account))
    if not stored:
        raise unknown(account, tenant)
    events = [codec.read(row) for row in stored]
    story = invoice_story(events, invoice)
    state = evolve_all(None, events)
    assert state is not None
    if story is None:
        issued = state.next_invoice - 1
        last = f"its last is {issued}" if issued else "it has none yet"
        raise InvalidInput("unknown_invoice", "", f"{account} has no invoice {invoice}: {last}")
    say = Wording(language)
    if json:
        found = {"account": account, **explain_json(story, events, stored, state, say)}
        print(msgspec.json.encode(found).decode())
    else:
        print_story(console(), story, events, stored, state, say)
    return 0


def explain_json(
    story: InvoiceStory,
    events: Sequence[e.Event],
    stored: Sequence[StoredEvent],
    state: Account,
    say: Wording,
) -> dict[str, Any]:
    """For programs: lines with rule and arithmetic, and each event that the story names, once."""
    because = {version for line in story.lines for version in line.because}
    versions = sorted(because | {story.issued, *story.payment})
    return {
        "invoice": story.invoice,
        "status": story.status,
        "issued": story.issued,
        "payment": story.payment,
        "lines": [
            {
                **msgspec.structs.asdict(line),
                "sentence": line_said(line.line, state.currency, line.rule, say),
            }
            for line in story.lines
        ],
        "events": [
            {
                "version": version,
                "type": e.type_name(events[version - 1]),
                "effective_at": local_text(events[version - 1].at, state.time_zone),
                "recorded_at": stored[version - 1].recorded_at,
                "position": stored[version - 1].position,
                "rule": rule_of_event(events[version - 1]),
                "sentence": event_said(events[version - 1], state.currency, say),
            }
            for version in versions
        ],
    }


def print_story(
    out: Console,
    story: InvoiceStory,
    events: Sequence[e.Event],
    stored: Sequence[StoredEvent],
    state: Account,
    say: Wording,
) -> None:
    """For people, in the order in which one asks: what, why, what before, what then."""
    invoice, currency = story.invoice, state.currency
    title = say.say(
        "Invoice {number} of {date}: {amount}, {status}",
        number=invoice.number,
        date=say.day(invoice.date),
        amount=say.amount(invoice.total, currency),
        status=say.say(INVOICES[story.status]),
    )
    out.print(title, style="bold")

    def tell(version: int) -> None:
        event, row = events[version - 1], stored[version - 1]
        when = say.moment(event.at, state.time_zone)
        out.print(f"  {version}. {when}  {event_said(event, currency, say)} [{rule_of_event(event)}]")
        if row.recorded_at.date() != event.at.date():
            recorded = say.moment(row.recorded_at, state.time_zone)
            out.print("     " + say.say("recorded {when}", when=recorded), style="dim")

    heading(out, say.say("Its lines"))
    for line in story.lines:
        out.print(f"  · {line_said(line.line, currency, line.rule, say)}")
    because = sorted({version for line in story.lines for version in line.because})
    if because:
        heading(out, say.say("What it rests on"))
        for version in because:
            tell(version)
    heading(out, say.say("How it was issued"))
    tell(story.issued)
    heading(out, say.say("What happened to its payment"))
    if not story.payment:
        out.print("  " + say.say(UNPAID[story.status]))
    for version in story.payment:
        if version != story.issued:
            tell(version)
    if story.issued in story.payment:
        out.print("  " + say.say("It was paid before it was issued: payment comes before activation. [R16]"))
