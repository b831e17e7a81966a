"""The story of an invoice or of a credit note for people, in the order in which one asks: what, why, what
before, what then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
from rich.console import Console

from domain import events as e
from domain.arithmetic import TaxGroup
from domain.credit_note_story import CreditNoteStory
from domain.explain import rule_of_event
from domain.invoice_story import InvoiceStory
from domain.money import zero
from domain.state import Account, InvoiceRecord
from eventlog.records import StoredEvent
from prorata.cli.terminal.tables import heading
from prorata.wording import Wording, credited_said, event_said, line_said, tax_said
from prorata.wording.labels import INVOICES, UNPAID
from prorata.wording.second_part import CREDIT_REASONS


class Teller(msgspec.Struct, frozen=True):
    """Tells an account's events, which are named by their versions. `stored`: as they stand in the log; of
    events that were never stored, none."""

    events: Sequence[e.Event]
    state: Account
    say: Wording
    stored: Sequence[StoredEvent] = ()

    def amount(self, amount: Decimal) -> str:
        """The amount in the account's currency."""
        return self.say.amount(amount, self.state.currency)

    def tell(self, out: Console, version: int) -> None:
        """One event: when, what it did, its rule; and when it was recorded, where that was on another day."""
        event, say = self.events[version - 1], self.say
        when = say.moment(event.at, self.state.time_zone)
        told = event_said(event, self.state.currency, say)
        out.print(f"  {version}. {when}  {told} [{rule_of_event(event)}]")
        if self.stored and self.stored[version - 1].recorded_at.date() != event.at.date():
            recorded = say.moment(self.stored[version - 1].recorded_at, self.state.time_zone)
            out.print("     " + say.say("recorded {when}", when=recorded), style="dim")

    def tell_all(self, out: Console, title: str, versions: Iterable[int]) -> None:
        """The events under a title, in order; nothing where there are none."""
        told = sorted(set(versions))
        if told:
            heading(out, title)
            for version in told:
                self.tell(out, version)


def print_invoice_story(out: Console, story: InvoiceStory, teller: Teller) -> None:
    """The story of an invoice."""
    invoice, say = story.invoice, teller.say
    title = say.say(
        "Invoice {number} of {date}: {amount}, {status}",
        number=invoice.number,
        date=say.day(invoice.date),
        amount=teller.amount(invoice.total),
        status=say.say(INVOICES[story.status]),
    )
    out.print(title, style="bold")
    heading(out, say.say("Its lines"))
    for line in story.lines:
        out.print(f"  · {line_said(line.line, invoice.currency, line.rule, say)}")
    _print_taxes(out, story.taxes, teller, say.say("Its taxes, each rounded once"), "R72")
    if invoice.credit_taken:
        taken = say.say(
            "{total} − {credit} of account credit = {charge} to be charged.",
            total=teller.amount(invoice.total),
            credit=teller.amount(invoice.credit_taken),
            charge=teller.amount(invoice.charge),
        )
        heading(out, say.say("What account credit paid of it"))
        out.print(f"  · {taken} [R63]")
    because = [version for line in story.lines for version in line.because]
    rests = [*because, *story.taxes_because, *story.credit_because]
    teller.tell_all(out, say.say("What it rests on"), rests)
    teller.tell_all(out, say.say("How it was issued"), [story.issued])
    _print_what_happened(out, story, teller)
    if facts := standing_said(story.record, invoice, teller):
        heading(out, say.say("How it stands"))
        for fact in facts:
            out.print(f"  · {fact}")


def _print_what_happened(out: Console, story: InvoiceStory, teller: Teller) -> None:
    say = teller.say
    heading(out, say.say("What happened to it"))
    issuing = teller.events[story.issued - 1]
    if isinstance(issuing, e.InvoiceReissued):
        paid = say.say("What was paid of invoice {number} pays it.", number=issuing.note.invoice)
        out.print(f"  {paid} [R67]")
    elif not story.payment:
        out.print("  " + say.say(UNPAID[story.status]))
    for version in story.payment:
        if version != story.issued:
            teller.tell(out, version)
    if story.issued in story.payment:
        out.print("  " + say.say("It was paid before it was issued: payment comes before activation. [R16]"))


def standing_said(record: InvoiceRecord, invoice: e.Invoice, teller: Teller) -> list[str]:
    """How the invoice stands, where it is not simply paid by the payment method."""
    say, nothing = teller.say, zero(invoice.currency)
    facts = []
    if record.due:
        facts.append(say.say("{amount} are due.", amount=teller.amount(record.due)))
    credit = invoice.credit_taken + record.credit_applied
    if credit:
        facts.append(say.say("Account credit paid {amount}.", amount=teller.amount(credit)))
    back = sum([sum(one.taxes, one.net) for one in record.credited], nothing)
    if back:
        facts.append(say.say("{amount} of it were taken back.", amount=teller.amount(back)))
    if record.refunded:
        refunded = teller.amount(record.refunded)
        facts.append(say.say("{amount} went back to the payment method.", amount=refunded))
    if record.charged_back:
        facts.append(say.say("It was charged back."))
    if record.reissued:
        facts.append(say.say("Another invoice stands in its place."))
    return facts


def print_credit_note(out: Console, story: CreditNoteStory, teller: Teller) -> None:
    """The story of a credit note."""
    note, say = story.note, teller.say
    title = say.say(
        "Credit note C{number} of {date}: {amount} of invoice {invoice} ({reason})",
        number=note.number,
        date=say.day(note.date),
        amount=teller.amount(note.total),
        invoice=note.invoice,
        reason=say.say(CREDIT_REASONS[note.reason]),
    )
    out.print(title, style="bold")
    heading(out, say.say("What it takes back"))
    for line in story.lines:
        out.print(f"  · {credited_said(line, teller.state.currency, say)} [R61]")
    _print_taxes(out, story.taxes, teller, say.say("The tax that it takes back"), "R76")
    teller.tell_all(out, say.say("Its invoice"), [story.invoiced])
    teller.tell_all(out, say.say("How it was issued"), [story.issued])
    teller.tell_all(out, say.say("What became of the money"), story.money)


def _print_taxes(out: Console, taxes: Sequence[TaxGroup], teller: Teller, title: str, rule: str) -> None:
    if not taxes:
        return
    heading(out, title)
    for tax in taxes:
        told = tax_said(tax, teller.state.currency, teller.say)
        out.print(f"  · {told}: {teller.amount(tax.tax)} [{rule}]")
