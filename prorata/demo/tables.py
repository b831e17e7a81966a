"""The stories as tables, each row with the rule that explains it."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from consumers.entitlement_cache import Permission
from domain.arithmetic import arithmetic
from domain.calendar import Instant, local_text
from domain.events import Event, Opening
from domain.explain import rule_of_event, rule_of_line
from domain.invoices import invoice_changes
from prorata.demo.play import AnsweredStep
from prorata.simulation.shown import Shown
from prorata.wording import event_said_in_full, wording

STATUS_RULES = {
    "active": "R44",
    "ending": "R26, R44",
    "paused": "R31, R44",
    "suspended": "R38",
    "ended": "R26, R44",
}


def print_answers(console: Console, told: list[AnsweredStep]) -> None:
    """Print each step and its answer."""
    table = _table("commands", "at", "command", "outcome", "charged", "what the customer is told")
    for one in told:
        step, answer = one.step, one.answer
        asked = " ".join(str(step[name]) for name in ("do", "product", "family", "blocks") if name in step)
        table.add_row(
            step["at"], asked, answer.code or answer.outcome, answer.charged or "–", str(answer.message)
        )
    console.print(table)
    console.print()


def print_events(console: Console, events: list[Event]) -> None:
    """Print the account's events, as they arrived."""
    table = _table("billing.events.v1", "effective", "what happened", "rule")
    opened, say = events[0], wording("en")
    assert isinstance(opened, Opening)
    for event in events:
        table.add_row(
            f"{event.at:%Y-%m-%d %H:%MZ}",
            event_said_in_full(event, opened.currency, say),
            rule_of_event(event),
        )
    console.print(table)
    console.print()


def print_invoices(console: Console, shown: Shown, events: list[Event]) -> None:
    """Print each invoice, line by line, with its arithmetic."""
    issuing = {issued.number: event for event in events if (issued := invoice_changes(event)[0]) is not None}
    table = _table("billing.invoices.v1", "invoice", "line", "for", "calculation", "amount", "rule")
    for invoice in shown.invoices:
        issued = invoice_changes(issuing[invoice.number])[0]
        assert issued is not None
        for line in issued.lines:
            span = f"{line.from_date} – {line.to_date}"
            rule = rule_of_line(issuing[invoice.number], line)
            table.add_row("", line.product, span, arithmetic(line), str(line.amount), rule)
        total = (f"[bold]{invoice.number}[/bold]  {invoice.date}", f"[bold]{invoice.status}[/bold]")
        table.add_row(*total, "", "total", f"[bold]{invoice.total}[/bold]", "R24", end_section=True)
    console.print(table)
    console.print()


def print_access(console: Console, shown: Shown) -> None:
    """Print which products may be used, and when."""
    windows = {used.product: used for used in shown.access_windows}
    table = _table(
        "billing.entitlements.v1, billing.access-windows.v1",
        *("product", "status", "renews", "access until", "allowance", "windows", "rule"),
    )
    for held in shown.entitlements:
        spans = "\n".join(f"{w.from_} – {w.until or 'open'}" for w in windows[held.product].windows)
        allowance = "–" if held.allowance is None else f"{held.allowance:,}"
        renews = "yes" if held.renews else "no"
        rule = STATUS_RULES[held.status] + ", R45"
        table.add_row(held.product, held.status, renews, held.access_until or "–", allowance, spans, rule)
    console.print(table)
    console.print()


def print_cache(console: Console, at: Instant, zone: str, answers: dict[str, Permission]) -> None:
    """Print the entitlement cache's answers to "may this be used?"."""
    table = _table(
        f"the entitlement cache, asked at {local_text(at, zone)}", "product", "usable", "until", "rule"
    )
    for product, answer in answers.items():
        until = "–" if answer.until is None else local_text(answer.until, zone)
        table.add_row(product, answer.usable, until, "R45")
    console.print(table)
    console.print()


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=SIMPLE_HEAD,
        show_edge=False,
    )
    for column in columns:
        table.add_column(
            column, justify="right" if column in ("amount", "charged") else "left", overflow="fold"
        )
    return table
