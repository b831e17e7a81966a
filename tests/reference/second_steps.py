"""Random steps of the second part: money given back, disputes, methods, discounts, taxes, late payments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from tests.reference.account.books import Books, Invoice, Line
from tests.reference.account.money import left_of, refundable
from tests.reference.catalogues import written
from tests.reference.dates import date_at
from tests.reference.settings_of_stories import tax_profile, terms
from tests.reference.switches import Switches

Step = dict[str, Any]
Choice = tuple[int, Step]
_REASONS = "billing_error service_failure duplicate goodwill ended_by_us tax buyer_details other".split()


def second_part(random: Random, books: Books, switches: Switches, now: int) -> list[Choice]:
    """What may be done now beside the first part, each with a weight."""
    choices: list[Choice] = []
    today = date_at(now, books.zone)
    if switches.corrections:
        choices += _corrections(random, books, today)
    if switches.disputes:
        choices += _disputes(random, books)
    if switches.methods:
        choices += _methods(random, books)
    if switches.discounts:
        choices += _discounts(random, books, today)
    if switches.tax:
        choices.append((40 if books.profile is None else 3, _tax_profile(random, today)))
    if switches.collection and books.past_due:
        choices.append((2, {"do": "stop_tries", "invoice": books.open_invoices()[-1]["number"]}))
    if switches.collection and books.invoices and random.random() < 0.1:
        choices.append((1, {"do": "stop_tries", "invoice": random.choice(books.invoices)["number"]}))
    if switches.late:
        choices += _late(random, books)
    if switches.consent and random.random() < 0.1:
        choices.append((1, {"do": "abandon_payment"}))
    return choices


def while_waiting(random: Random, books: Books, switches: Switches) -> Step | None:
    """R96: what may happen while a payment waits for the customer; None: a step of any kind. Corrections and
    the provider's facts of other invoices do not wait for it."""
    others: list[Choice] = []
    if switches.corrections:
        others += _corrections(random, books, books.today)
    if switches.disputes:
        others += _disputes(random, books)
    if others and random.random() < 0.45:
        return random.choices([step for _, step in others], [weight for weight, _ in others])[0]
    drawn = random.random()
    if drawn < 0.5:
        return {"do": "payment_answer", "answer": "paid"}
    if drawn < 0.65:
        return {"do": "payment_answer", "answer": "declined"}
    if drawn < 0.78:
        return {"do": "abandon_payment"}
    return None


# ---- corrections


def _corrections(random: Random, books: Books, today: date) -> Iterator[Choice]:
    if books.invoices:
        invoice = random.choice(books.invoices[-4:] if random.random() < 0.8 else books.invoices)
        yield 10, _credit_note(random, books, invoice, today)
        yield 2, {"do": "reissue", "invoice": invoice["number"], **_where(random)}
    owed = [invoice for invoice in books.open_invoices() if invoice["charged_back"]]
    for invoice in owed[:1]:
        yield 8, {"do": "write_off", "invoice": invoice["number"]}
    if random.random() < 0.1:
        yield 1, {"do": "write_off", "invoice": random.randint(1, len(books.invoices) + 2)}
    due = books.all_due()
    amount = random.choice([due or 10, due + 700, max(1, due // 2), 350, 1])
    yield 10 if due else 2, {"do": "record_payment", "amount": written(amount, books.currency)}
    for invoice in [one for one in books.invoices if one["written_off"]][:1]:
        left = invoice["written_off"] - invoice["recovered"]
        amount = random.choice([1, max(1, left // 2), left or 300, left + 1])
        recorded = {"do": "record_payment", "amount": written(amount, books.currency)}
        yield 4, {**recorded, "invoice": invoice["number"]}
    if random.random() < 0.05:
        number = random.randint(1, len(books.invoices) + 1)
        yield 1, {"do": "record_payment", "amount": written(300, books.currency), "invoice": number}
    if books.credit or random.random() < 0.1:
        step = {"do": "pay_out"}
        if random.random() < 0.6:
            step["amount"] = written(random.choice([1, books.credit, books.credit + 1]) or 1, books.currency)
        yield 2, step


def _where(random: Random) -> Step:
    found: Step = {}
    if random.random() < 0.5:
        found["to"] = random.choice(["account", "payment_method"])
    if random.random() < 0.1:
        found["refund"] = "failed"
    return found


def _credit_note(random: Random, books: Books, invoice: Invoice, today: date) -> Step:
    number = invoice["number"] if random.random() < 0.98 else len(books.invoices) + 1
    step: Step = {"do": "credit_note", "invoice": number, "reason": random.choice(_REASONS), **_where(random)}
    if random.random() < 0.25:
        step["by"] = "support"
    if random.random() < 0.3:
        return {**step, "end": True} if random.random() < 0.3 else step
    place = random.randint(1, len(invoice["lines"]))
    line = invoice["lines"][place - 1]
    step["line"] = place
    drawn = random.random()
    if drawn < 0.4:
        left = max(0, left_of(line))
        step["net"] = written(random.choice([left, left // 2, left // 3, left + 1, 1]), books.currency)
    elif drawn < 0.85:
        start, until = _days(random, line, today)
        step.update({"from": start.isoformat(), "until": until.isoformat()})
    if "net" not in step and random.random() < 0.35:
        step["end"] = True
    return step


def _days(random: Random, line: Line, today: date) -> tuple[date, date]:
    """Days of the line, mostly; often all that are left."""
    first, end = line["from"], line["to"]
    inside = first + timedelta(days=random.randint(0, max(0, (end - first).days - 1)))
    start = random.choice([first, inside, max(first, min(today, end - timedelta(days=1)))])
    until = random.choice([end, end, start + timedelta(days=1), start + timedelta(days=random.randint(1, 9))])
    if random.random() < 0.97:
        until = min(until, end)
    return start, until


# ---- the provider


def _disputes(random: Random, books: Books) -> Iterator[Choice]:
    for invoice in books.disputes:
        won = {"do": "dispute_won", "invoice": invoice["number"]}
        yield 12, won if random.random() < 0.5 else {**won, "do": "dispute_lost"}
        if random.random() < 0.1:
            yield 1, {"do": "dispute_opened", "invoice": invoice["number"]}
    able = [invoice for invoice in books.invoices[-4:] if refundable(invoice) > 0 and not invoice["disputed"]]
    if able:
        fact = random.choice(["dispute_opened", "dispute_opened", "dispute_lost"])
        yield 3, {"do": fact, "invoice": random.choice(able)["number"]}
    elif random.random() < 0.1:
        yield 1, {"do": "dispute_opened", "invoice": random.randint(1, len(books.invoices) + 1)}


def _methods(random: Random, books: Books) -> Iterator[Choice]:
    step: Step = {"do": "set_payment_method"}
    if random.random() < 0.2:
        step["works"] = False
        if random.random() < 0.4:
            step["final"] = True
    yield 8 if books.past_due else 1, step


def _late(random: Random, books: Books) -> Iterator[Choice]:
    for invoice in [one for one in books.invoices if one["pending"]][:2]:
        answer = random.choice(["paid", "paid", "declined"])
        yield 6, {"do": "payment_answer", "answer": answer, "invoice": invoice["number"]}


# ---- discounts, taxes


def _discounts(random: Random, books: Books, today: date) -> Iterator[Choice]:
    products = sorted(books.shelves.ever)
    grant: Step = {"do": "grant_discount", **terms(random, books.currency, products)}
    if random.random() < 0.12 and "nonprofit_percent" in books.shelves.policies:
        grant = {"do": "grant_discount", "nonprofit": True}
    if random.random() < 0.15:
        grant["last_day"] = (today + timedelta(days=random.choice([0, 10, 31, 60, 300]))).isoformat()
    if random.random() < 0.2:
        grant["by"] = "support"
    yield 5, grant
    if books.discounts:
        yield 2, {"do": "withdraw_discount", "discount": f"D{random.randint(1, len(books.discounts))}"}


def _tax_profile(random: Random, today: date) -> Step:
    return {"do": "set_tax_profile", **tax_profile(random, today)}
