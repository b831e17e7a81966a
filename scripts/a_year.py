"""Write docs/a-year.md: a year of one account as `prorata explain` and the finance ledger tell it.

python -m scripts.a_year            # writes docs/a-year.md
python -m scripts.a_year --check    # exit 1 if it is out of date

The events are those of the story, told without a database; what explains and what books them is the same
code that reads the log.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console

from consumers.finance_ledger.accounts import DEFERRED, REVENUE
from consumers.finance_ledger.journal import Transfer
from consumers.finance_ledger.postings import post
from domain import events as e
from domain.credit_note_story import CreditNoteStory
from domain.evolve import evolve_all
from domain.money import zero
from domain.state import Account
from prorata.cli.account.explain import story_of
from prorata.cli.account.explain_screen import Teller, print_credit_note, print_invoice_story
from prorata.cli.terminal.tables import PlainConsole
from prorata.simulation.run import history_of
from prorata.simulation.scenario import read_scenario
from prorata.wording import Wording
from tests.support.consumers.memory_shelf import MemoryShelf, published

ROOT: Final = Path(__file__).resolve().parents[1]
STORY: Final = ROOT / "tests" / "scenarios" / "stories" / "a_year_of_one_account.json"
PAGE: Final = ROOT / "docs" / "a-year.md"
ACCOUNT: Final = "main/year"
LAST_DAY: Final = date(2026, 12, 31)
WIDTH: Final = 110

HEAD: Final = """\
# A year of one account

Made by `python -m scripts.a_year` from the story
[a_year_of_one_account](../tests/scenarios/stories/a_year_of_one_account.json); a test refuses a stale one.
The story works each figure out by hand, as below. Played on a running system with
`prorata command --test-clock`, the same is read with `prorata explain year NUMBER`, which adds when each
event was recorded, and, with `--clock test`, from `prorata ledger show` and `prorata ledger export`.

{about}

## Its invoices and credit notes

| number | date | before tax | tax | total | account credit | due now | status |
|---|---|---|---|---|---|---|---|
{documents}

"""

LEDGER: Final = """\
## Its ledger

What its events book (docs/[ledger.md](ledger.md) says each kind), without what each day earns:

| day | what | debit | credit | amount | invoice |
|---|---|---|---|---|---|
{journal}

What each month earned, day by day, by product:

| month | {products} | together |
|---|{dashes}---|
{months}

The trial balance with the last day of the year, {last_day}; debits less credits:

| ledger account | balance |
|---|---|
{balances}
| together | {together} |

{checks}
"""


def page() -> str:
    """The whole page."""
    events = history_of(read_scenario(STORY, {}))
    state = evolve_all(None, events)
    assert state is not None
    about = json.loads(STORY.read_text(encoding="utf-8"))["about"]
    head = HEAD.format(about=about, documents="\n".join(_documents(state, events)))
    return head + "\n".join(_stories(state, events)) + "\n" + _ledger(state, events)


def _documents(state: Account, events: Sequence[e.Event]) -> Iterator[str]:
    for number, invoice in sorted(state.invoices.items()):
        record = state.record(number)
        amounts = (invoice.net, invoice.tax, invoice.total, invoice.credit_taken, record.due)
        yield f"| {number} | {invoice.date} | {' | '.join(map(str, amounts))} | {record.status} |"
    for event in events:
        if isinstance(event, e.CreditNoteIssued):
            gone = f"{event.lowered} less due, {event.refund} refunded, {event.to_account} to the account"
            taken = (-event.net, -event.tax, -event.total)
            row = f"{event.date} | {' | '.join(map(str, taken))} | | | of invoice {event.invoice}: {gone}"
            yield f"| C{event.number} | {row} |"


def _stories(state: Account, events: Sequence[e.Event]) -> Iterator[str]:
    teller = Teller(events, state, Wording("en"))
    numbers = [str(number) for number in sorted(state.invoices)]
    notes = [f"C{number}" for number in range(1, state.standing.next_credit_note)]
    for number in (*numbers, *notes):
        yield f"```\n$ prorata explain year {number}\n{_explained(number, teller)}```\n"


def _explained(number: str, teller: Teller) -> str:
    written = StringIO()
    out: Console = PlainConsole(file=written, width=WIDTH, highlight=False, markup=False, emoji=False)
    story = story_of(teller.events, teller.state, number, "year")
    if isinstance(story, CreditNoteStory):
        print_credit_note(out, story, teller)
    else:
        print_invoice_story(out, story, teller)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


# ---- the ledger ------------------------------------------------------------


def _ledger(state: Account, events: Sequence[e.Event]) -> str:
    shelf = MemoryShelf()
    for nth, message in enumerate(published(ACCOUNT, events)):
        post(shelf, message, events[nth], events[nth + 1] if nth + 1 < len(events) else None)
    earned = _earned(shelf)
    products = sorted({product for _, product in earned})
    balances = _balances(shelf, earned)
    months = [date(LAST_DAY.year, month, 1) for month in range(1, 13)]
    return LEDGER.format(
        journal="\n".join(map(_row, shelf.transfers)),
        products=" | ".join(products),
        dashes="---|" * len(products),
        months="\n".join(_month(month, products, earned) for month in months),
        last_day=LAST_DAY,
        balances="\n".join(f"| {name} | {amount} |" for name, amount in sorted(balances.items()) if amount),
        together=sum(balances.values(), zero(state.currency)),
        checks=_checks(shelf, state),
    )


def _row(transfer: Transfer) -> str:
    invoice = "" if transfer.invoice is None else transfer.invoice
    cells = (transfer.effective, transfer.kind, transfer.debit, transfer.credit, transfer.amount, invoice)
    return f"| {' | '.join(map(str, cells))} |"


def _earned(shelf: MemoryShelf) -> dict[tuple[date, str], Decimal]:
    """What each product earned in each month, to the last day inclusive: what `recognise` would book."""
    found: defaultdict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for lines in shelf.booked_lines.values():
        for line in lines:
            for piece in line.pieces:
                stop = min(piece.until, line.held_from or piece.until, LAST_DAY + timedelta(days=1))
                day = piece.next_day
                while day < stop:
                    following = min(stop, (day.replace(day=1) + timedelta(days=32)).replace(day=1))
                    found[day.replace(day=1), line.product] += piece.earned(following) - piece.earned(day)
                    day = following
    return dict(found)


def _balances(shelf: MemoryShelf, earned: dict[tuple[date, str], Decimal]) -> dict[str, Decimal]:
    balances: defaultdict[str, Decimal] = defaultdict(Decimal)
    for transfer in shelf.transfers:
        if transfer.effective <= LAST_DAY:
            balances[transfer.debit] += transfer.amount
            balances[transfer.credit] -= transfer.amount
    for (_, product), amount in earned.items():
        balances[DEFERRED] += amount
        balances[f"{REVENUE}:{product}"] -= amount
    return balances


def _month(month: date, products: list[str], earned: dict[tuple[date, str], Decimal]) -> str:
    amounts = [earned.get((month, product), Decimal("0.00")) for product in products]
    return f"| {month:%Y-%m} | {' | '.join(map(str, amounts))} | {sum(amounts, Decimal(0))} |"


def _checks(shelf: MemoryShelf, state: Account) -> str:
    """Invariant 10, with its figures: the same sum from what was paid and from what was invoiced."""
    facts = shelf.accounts[ACCOUNT].facts
    due = sum([record.due for record in state.records.values()], zero(state.currency))
    paid = facts.payments - facts.refunds - facts.charge_backs - facts.paid_out - facts.recovered
    asked = facts.totals - facts.credit_notes - due - facts.written_off + facts.credit
    return (
        "Invariant 10 of the rules: payments − refunds − charge-backs − paid out − recovered =\n"
        "totals − credit notes − due − written off + account credit: "
        f"{facts.payments} − {facts.refunds} − {facts.charge_backs} − {facts.paid_out} − {facts.recovered} = "
        f"**{paid}**; {facts.totals} − {facts.credit_notes} − {due} − {facts.written_off} + {facts.credit} = "
        f"**{asked}**."
    )


def main() -> int:
    """Write the page, or with --check report whether it is up to date; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="only compare")
    if parser.parse_args().check:
        return 0 if PAGE.read_text(encoding="utf-8") == page() else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
