"""The screens of `prorata show` and `prorata diff`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rich.console import Console

from domain import events as e
from domain.explain import rule_of_event
from domain.later import Unsettled
from eventlog.records import StoredEvent
from projections.history.past import Past
from projections.models.invoices import InvoiceDocument
from prorata.cli.terminal.tables import RIGHT, heading, table
from prorata.wording import Wording, event_said
from prorata.wording.changes import ChangeSaid
from prorata.wording.labels import ACCOUNT_STATUSES, INVOICES, STATUSES, UNSETTLED
from prorata.wording.second_part import CREDIT_REASONS

ReadEvent: TypeAlias = tuple[StoredEvent, e.Event]


def print_past(out: Console, found: Past, say: Wording, *, account: str) -> None:
    """Print the account's status, products, invoices and windows."""
    zone = found.state.time_zone
    out.print(
        say.say("{account} as it was: {moment}", account=account, moment=_moment(found, say)), style="bold"
    )
    last = found.last
    out.print(
        say.say(
            "After its event {version} at position {position}, effective {effective}, recorded {recorded}.",
            version=last.version,
            position=last.position,
            effective=say.moment(last.effective_at, zone),
            recorded=say.moment(last.recorded_at, zone),
        ),
        style="dim",
    )
    _print_status(out, found, say)
    _print_products(out, found, say)
    _print_since(out, found, say)
    _print_invoices(out, found, say)
    _print_credit_notes(out, found, say)
    _print_windows(out, found, say)


def print_diff(
    out: Console,
    before: Past,
    after: Past,
    found: Sequence[ChangeSaid],
    events: Sequence[ReadEvent],
    say: Wording,
    *,
    account: str,
) -> None:
    """Print each change with the versions of its events, then those events."""
    title = say.say(
        "{account} from {before} to {after}",
        account=account,
        before=_moment(before, say),
        after=_moment(after, say),
    )
    out.print(title, style="bold")
    heading(out, say.say("What changed"))
    if not found:
        out.print("  " + say.say("Nothing."))
    for change in found:
        versions = ", ".join(map(str, change.because)) or say.say("time alone")
        out.print(f"  · {change.sentence} [{versions}]")
    if not events:
        return
    back = after.last.version < before.last.version
    heading(out, say.say("Without these events") if back else say.say("By these events"))
    for stored, event in events:
        _print_event(out, f"{stored.version}.", event, after, say)
        if stored.recorded_at.date() != event.at.date():
            recorded = say.moment(stored.recorded_at, after.state.time_zone)
            out.print("     " + say.say("recorded {when}", when=recorded), style="dim")


def _moment(found: Past, say: Wording) -> str:
    zone = found.state.time_zone
    at = say.moment(found.at, zone)
    if found.known_at is None:
        return at
    return say.say("{at} as known {known}", at=at, known=say.moment(found.known_at, zone))


def _print_status(out: Console, found: Past, say: Wording) -> None:
    shown = found.entitlements
    none = say.say("none")
    out.print(say.say("Account: {status}", status=say.say(ACCOUNT_STATUSES[shown.account_status])))
    out.print(
        say.say(
            "Renewal dates counted from: {anchor}; next renewal: {renewal}; support: {support}",
            anchor=none if shown.anchor is None else say.day(shown.anchor),
            renewal=none if shown.next_renewal is None else say.day(shown.next_renewal),
            support=say.say("yes") if shown.support else say.say("no"),
        )
    )
    if found.state.past_due:
        amount = say.amount(found.state.amount_due, shown.currency)
        out.print(say.say("Open balance: {amount}", amount=amount))
    if shown.credit:
        amount = say.amount(shown.credit, shown.currency)
        out.print(say.say("Account credit: {amount}", amount=amount))


def _print_products(out: Console, found: Past, say: Wording) -> None:
    heading(out, say.say("Entitlements"))
    if not found.entitlements.entitlements:
        out.print(say.say("none"))
        return
    made = table(
        say.say("product"),
        say.say("status"),
        say.say("can be used"),
        say.say("access until"),
        RIGHT + say.say("price"),
        RIGHT + say.say("e-mails"),
    )
    items = {item.product: item for item in found.state.items}
    for one in found.entitlements.entitlements:
        item = items.get(one.product)
        usable = say.say("yes") if one.product in found.usable else say.say("no")
        made.add_row(
            say.product(one.product),
            say.say(STATUSES[one.status]),
            say.say("for a grace") if one.product in found.in_grace else usable,
            "–" if one.access_until is None else say.moment(one.access_until, found.state.time_zone),
            "–" if item is None or item.price is None else say.amount(item.price, found.state.currency),
            "–" if one.allowance is None else say.number(one.allowance),
        )
    out.print(made)


def _print_since(out: Console, found: Past, say: Wording) -> None:
    """Print what time has done since the last event, and what is due but not settled."""
    if found.by_time:
        heading(out, say.say("By time alone, not recorded"))
        for event in found.by_time:
            _print_event(out, "·", event, found, say)
    if found.unsettled:
        heading(out, say.say("Due, and not recorded"))
        for due in found.unsettled:
            out.print(f"  · {_unsettled(due, found, say)}")


def _unsettled(due: Unsettled, found: Past, say: Wording) -> str:
    since = say.moment(due.since, found.state.time_zone)
    what = say.say(UNSETTLED[due.what])
    if due.product is None:
        return say.say("{what}, since {since}", what=what, since=since)
    return say.say(
        "{what} of {product}, since {since}", what=what, product=say.product(due.product), since=since
    )


def _print_invoices(out: Console, found: Past, say: Wording) -> None:
    heading(out, say.say("Invoices"))
    if not found.invoices:
        out.print(say.say("none"))
        return
    more = any(invoice.credit or invoice.charged_back or invoice.disputed for invoice in found.invoices)
    made = table(
        say.say("number"),
        say.say("date"),
        RIGHT + say.say("amount"),
        *([RIGHT + say.say("account credit"), RIGHT + say.say("still to be paid")] if more else []),
        say.say("status"),
    )
    for invoice in found.invoices:
        amounts = [invoice.credit or 0 * invoice.total, invoice.due or 0 * invoice.total] if more else []
        made.add_row(
            str(invoice.number),
            say.day(invoice.date),
            say.amount(invoice.total, invoice.currency),
            *[say.amount(amount, invoice.currency) for amount in amounts],
            ", ".join(_standing(invoice, say)),
        )
    out.print(made)


def _standing(invoice: InvoiceDocument, say: Wording) -> list[str]:
    said = [say.say(INVOICES[invoice.status])]
    if invoice.disputed:
        said.append(say.say("disputed"))
    if invoice.charged_back:
        said.append(say.say("charged back"))
    return said


def _print_credit_notes(out: Console, found: Past, say: Wording) -> None:
    if not found.credit_notes:
        return
    heading(out, say.say("Credit notes"))
    made = table(
        say.say("number"),
        say.say("date"),
        say.say("invoice"),
        RIGHT + say.say("amount"),
        RIGHT + say.say("to the payment method"),
        RIGHT + say.say("to account credit"),
        say.say("reason"),
    )
    for note in found.credit_notes:
        amounts = [say.amount(one, note.currency) for one in (note.total, note.refunded, note.to_account)]
        reason = say.say(CREDIT_REASONS[note.reason])
        made.add_row(f"C{note.number}", say.day(note.date), str(note.invoice), *amounts, reason)
    out.print(made)


def _print_windows(out: Console, found: Past, say: Wording) -> None:
    zone = found.state.time_zone
    heading(out, say.say("Access windows"))
    windows = [(product, window) for product in found.access_windows.products for window in product.windows]
    if not windows:
        out.print(say.say("none"))
        return
    made = table(say.say("product"), say.say("from"), say.say("until"), say.say("renews"))
    for product, window in windows:
        last = window is product.windows[-1]
        made.add_row(
            say.product(product.product),
            say.moment(window.start, zone),
            "–" if window.until is None else say.moment(window.until, zone),
            say.say("yes") if last and product.renews else say.say("no"),
        )
    out.print(made)


def _print_event(out: Console, mark: str, event: e.Event, found: Past, say: Wording) -> None:
    when = say.moment(event.at, found.state.time_zone)
    sentence = event_said(event, found.state.currency, say)
    out.print(f"  {mark} {when}  {sentence} [{rule_of_event(event)}]")
