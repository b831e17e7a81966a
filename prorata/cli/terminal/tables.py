"""Tables for the terminal, readable at 80 columns and in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.texts import escaped
from prorata.cli.terminal.streams import styled

if TYPE_CHECKING:
    from domain import events as e
    from prorata.wording.language import Wording

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


def hanging(out: Console, mark: str, text: str, style: str = "") -> None:
    """Print a text behind its mark, all of its lines behind it; a terminal shows it in that style."""
    laid = Table.grid(padding=(0, 1))
    laid.add_column(no_wrap=True)
    laid.add_column(overflow="fold")
    laid.add_row(mark, escaped(text), style=style)
    out.print(laid)


def heading(out: Console, text: str) -> None:
    """Print a title."""
    out.print()
    out.print(text, style="bold")


def print_lines(
    out: Console, lines: Sequence[e.Line], currency: str, charged: Decimal | None, say: Wording
) -> None:
    """Print an invoice's lines before tax with their calculations, its taxes (R72) and its total. `charged`:
    what is charged of it, where account credit pays a part (R63); None: not known."""
    from domain.arithmetic import tax_groups
    from domain.money import zero
    from prorata.wording.lines import calculation_said, span, tax_said, titled

    made = table(say.say("line"), say.say("for"), say.say("calculation"), RIGHT + say.say("amount"))
    for line in lines:
        made.add_row(
            titled(line, say),
            span(line, say),
            calculation_said(line, currency, say),
            say.amount(line.net, currency),
        )
    made.add_section()
    net = sum([line.net for line in lines], zero(currency))
    taxes = tax_groups(lines)
    if taxes:
        made.add_row(say.say("before tax"), "", "", say.amount(net, currency))
        for tax in taxes:
            made.add_row(tax_said(tax, currency, say), "", "", say.amount(tax.tax, currency))
    total = sum([tax.tax for tax in taxes], net)
    made.add_row(say.say("total"), "", "", say.amount(total, currency))
    if charged is not None and charged != total:
        made.add_row(say.say("account credit"), "", "", say.amount(charged - total, currency))
        made.add_row(say.say("charged"), "", "", say.amount(charged, currency))
    out.print(made)


def print_invoice(out: Console, invoice: e.Invoice | None, say: Wording) -> None:
    """Print the next invoice, or that there is none."""
    if invoice is None:
        heading(out, say.say("Next invoice: none, as things stand"))
        return
    heading(out, say.say("Next invoice, as things stand: {date}", date=say.day(invoice.date)))
    print_lines(out, invoice.lines, invoice.currency, invoice.charge, say)
