"""What `prorata bill --dry-run` prints."""

from __future__ import annotations

from prorata.cli.terminal.tables import console, table
from service.billing.foreseeing import Foreseen


def print_foreseen(foreseen: Foreseen) -> None:
    """Print how many accounts and invoices, and by product how much, beside the month before."""
    said = f"{foreseen.accounts} accounts would be billed, {foreseen.invoices} invoices"
    if foreseen.first is not None:
        said += f" of {foreseen.first.isoformat()}"
        if foreseen.last is not None and foreseen.last != foreseen.first:
            said += f" to {foreseen.last.isoformat()}"
    if foreseen.waiting:
        said += f", {foreseen.waiting} wait for a payment's answer"
    print(said)
    for currency, charged in sorted(foreseen.charged.items()):
        print(f"{currency}: {charged} would be charged")
    if not foreseen.products:
        return
    shown = table(
        "", "product", ">lines", ">before tax", ">lines a month before", ">before tax", ">difference"
    )
    for one in foreseen.products:
        shown.add_row(
            one.currency,
            one.product,
            str(one.now.lines),
            str(one.now.amount),
            str(one.before.lines),
            str(one.before.amount),
            f"{one.difference:+}",
        )
    console().print(shown)
