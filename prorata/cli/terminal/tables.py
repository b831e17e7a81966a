"""Tables for the terminal, readable at 80 columns and in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain import events as e
from domain.texts import escaped
from prorata.cli.terminal.streams import styled
from prorata.wording.language import Wording
from prorata.wording.lines import calculation_said, span, titled

RIGHT = ">"
"""A prefix of a column's name that aligns the column to the right."""


class PlainConsole(Console):
    """A console that escapes characters which move the cursor or change direction, in every text and cell."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str("\n".join(map(escaped, text.split("\n"))), **options)


def console(*, stderr: bool = False, markup: bool = False) -> Console:
    """A console that adds no colours, and interprets no markup unless told. Piped output has 80 columns, or
    $COLUMNS."""
    file = styled(sys.stderr if stderr else sys.stdout)
    return PlainConsole(file=file, highlight=False, markup=markup, emoji=False)


def table(*columns: str) -> Table:
    """A table with these columns; long text wraps within its cell."""
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim", expand=False)
    for column in columns:
        made.add_column(
            column.removeprefix(RIGHT),
            justify="right" if column.startswith(RIGHT) else "left",
            overflow="fold",
        )
    return made


def heading(out: Console, text: str) -> None:
    """Print a title."""
    out.print()
    out.print(text, style="bold")


def print_lines(out: Console, lines: Iterable[e.Line], currency: str, total: Decimal, say: Wording) -> None:
    """Print an invoice's lines with their calculations, and its total."""
    made = table(say.say("line"), say.say("for"), say.say("calculation"), RIGHT + say.say("amount"))
    for line in lines:
        made.add_row(
            titled(line, say),
            span(line, say),
            calculation_said(line, currency, say),
            say.amount(line.amount, currency),
        )
    made.add_section()
    made.add_row(say.say("total"), "", "", say.amount(total, currency))
    out.print(made)


def print_invoice(out: Console, invoice: e.Invoice | None, say: Wording) -> None:
    """Print the next invoice, or that there is none."""
    if invoice is None:
        heading(out, say.say("Next invoice: none, as things stand"))
        return
    heading(out, say.say("Next invoice, as things stand: {date}", date=say.day(invoice.date)))
    print_lines(out, invoice.lines, invoice.currency, invoice.total, say)
