"""What the events of the second part make of the state: collecting, correcting, disputes, discounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import assert_never

from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from domain.calendar import Instant, date_of
from domain.crediting import record_of
from domain.discounts import free_months
from domain.evolve_access import last_use, restore, suspend, suspend_packs
from domain.evolve_records import change_standing, closed, keep_record
from domain.state import Credited, Discount, Draft, Ended, PendingRefund
from domain.windows import close_window, open_window

GIVEN_ON = 30
"""Dates: today and the 29 before it (R60)."""


def apply_second_part(draft: Draft, event: e.SecondPart) -> None:  # noqa: C901 - one case an event
    """Change the draft as the event says."""
    match event:
        case e.CreditNoteIssued():
            _credit_note_issued(draft, event)
        case e.InvoiceReissued():
            _invoice_reissued(draft, event)
        case e.RefundConcluded():
            _refund_concluded(draft, event)
        case e.CreditApplied():
            for share in event.shares:
                record = draft.records[share.invoice]
                keep_record(draft, replace(record, credit_applied=record.credit_applied + share.amount))
            _shares_paid(draft, event.shares, event.paid)
            change_standing(draft, credit=draft.standing.credit - _sum(event.shares))
            restore(draft, event.restored, event.at, event.paid)
        case e.CreditPaidOut():
            change_standing(draft, credit=draft.standing.credit - event.amount)
        case e.PaymentRecorded():
            _shares_paid(draft, event.shares, event.paid)
            change_standing(draft, credit=draft.standing.credit + event.to_account)
            restore(draft, event.restored, event.at, event.paid)
            if event.recovered is not None:
                record = draft.records[event.recovered]
                keep_record(draft, replace(record, written_off=record.written_off - event.amount))
        case e.InvoiceWrittenOff():
            record = draft.records[event.number]
            keep_record(
                draft,
                replace(
                    record,
                    status="uncollectible",
                    due=record.due - record.due,
                    declined=False,
                    written_off=record.due,
                ),
            )
        case e.TryDeclined():
            draft.payment = None
            _tries_made(draft, event.at)
            if event.final:
                change_standing(draft, method_refused=True)
        case e.TriesStopped():
            keep_record(draft, replace(record_of(draft, event.number), tries=(), tries_stopped=True))
        case e.PaymentReminder():
            if event.stage == "lapses_soon":
                keep_record(draft, replace(draft.records[event.invoice], reminded=True))
        case e.PaymentMethodSet():
            _tries_made(draft, event.at)
            change_standing(draft, method_refused=False)
        case e.PaymentActionRequired():
            assert draft.payment is not None
            draft.payment = replace(draft.payment, waits_until=event.until)
        case e.PaymentLate():
            _payment_late(draft, event)
        case e.LatePaymentFailed():
            record = draft.records[event.number]
            keep_record(
                draft,
                replace(
                    record,
                    late=False,
                    declined=True,
                    charged_back=True,
                    suspended=event.suspended,
                    due_again_at=event.at,
                    remind_before=event.remind_before if event.remind_before is not UNSET else None,
                ),
            )
            suspend(draft, event.suspended, draft.standing.disputed_at or event.at)
        case e.DisputeOpened():
            _dispute_opened(draft, event)
        case e.DisputeWon():
            record = record_of(draft, event.number)
            facts = (*record.dispute_facts, "won")
            keep_record(draft, replace(record, disputed_at=None, dispute_facts=facts))
            _dispute_ended(draft, event.at)
        case e.DisputeLost():
            _dispute_lost(draft, event)
        case e.TaxProfileSet():
            change_standing(draft, tax_profile=event)
        case e.DiscountGranted():
            discount = Discount(event, event.fixed if event.carried else None)
            change_standing(draft, discounts=(*draft.standing.discounts, discount))
            if event.code is None and free_months(event):
                free = dict.fromkeys((*draft.standing.free_products, *(event.products or ())))
                change_standing(draft, free_products=tuple(free))
            if event.carried and event.fixed is not None:
                _count_for_support(draft, event, event.fixed)
        case e.DiscountWithdrawn():
            _change_discounts(draft, event.number, withdrawn=True)
        case e.DiscountEnds():
            _told(draft, event.product)
        case e.CreditsReturned():
            _credits_returned(draft, event)
        case _:
            assert_never(event)


def _payment_late(draft: Draft, event: e.PaymentLate) -> None:
    assert draft.payment is not None
    answer_by = event.answer_by if event.answer_by is not UNSET else None
    record = replace(
        draft.records[event.number], late=True, late_intent=draft.payment.intent, answer_by=answer_by
    )
    draft.payment = None
    keep_record(draft, record)


def _shares_paid(draft: Draft, shares: Iterable[e.Share], paid: Collection[int]) -> None:
    """Lower what is due of the invoices by their shares."""
    for share in shares:
        record = draft.records[share.invoice]
        record = replace(record, due=record.due - share.amount)
        keep_record(draft, closed(record) if share.invoice in paid else record)


def _sum(shares: Iterable[e.Share]) -> Decimal:
    return sum([share.amount for share in shares], Decimal(0))


def _tries_made(draft: Draft, at: Instant) -> None:
    """The tries whose dates have begun are past."""
    for record in list(draft.records.values()):
        if record.tries:
            keep_record(draft, replace(record, tries=tuple([t for t in record.tries if t.at > at])))


def _credit_note_issued(draft: Draft, event: e.CreditNoteIssued) -> None:
    standing = draft.standing
    record = record_of(draft, event.invoice)
    credited = list(record.credited)
    for line in event.lines:
        if line.kind == "credit_line":
            _uncredit(draft, event.invoice)
        days = (line.from_date, line.to_date) if line.by_days else (None, None)
        taxes = tuple([tax.amount for tax in line.taxes])
        credited.append(Credited(line.line - 1, line.amount, taxes, *days))
    record = replace(
        record,
        credited=tuple(credited),
        due=record.due - event.lowered,
        refunded=record.refunded + event.refund,
    )
    if event.reason != "upgrade" and event.invoice_status != record.status:
        record = replace(closed(record), status=event.invoice_status)
    keep_record(draft, record)
    refunds = standing.refunds
    if event.refund:
        refunds = (*refunds, PendingRefund(draft.version, event.number, event.invoice, event.refund))
    change_standing(
        draft,
        credit=standing.credit + event.to_account,
        next_credit_note=event.number + 1,
        refunds=refunds,
    )
    _count_for_support(draft, event, event.total)
    restore(draft, event.restored, event.at, (event.invoice,))


def _uncredit(draft: Draft, number: int) -> None:
    """The credit line of that invoice was taken back itself: what it took back counts no more (R61)."""
    for record in list(draft.records.values()):
        kept = tuple([credited for credited in record.credited if credited.by_invoice != number])
        if len(kept) < len(record.credited):
            keep_record(draft, replace(record, credited=kept))


def _count_for_support(draft: Draft, event: e.Event, amount: Decimal) -> None:
    """Keep what support gave on each of the last dates on which it gave something: more than R60 asks for."""
    if event.command is None or event.command.role != "support":
        return
    today = date_of(event.at, draft.time_zone)
    given = dict(draft.standing.corrected_by_support)
    given[today] = given.get(today, amount - amount) + amount
    change_standing(draft, corrected_by_support=tuple(given.items())[-GIVEN_ON:])


def _invoice_reissued(draft: Draft, event: e.InvoiceReissued) -> None:
    note, invoice = event.note, event.invoice
    before = record_of(draft, note.invoice)
    _credit_note_issued(draft, note)
    old = draft.records[note.invoice]
    keep_record(draft, replace(old, reissued=True))
    draft.next_invoice = invoice.number + 1
    draft.invoices = draft.invoices.and_one(invoice)
    moved = replace(
        before,
        number=invoice.number,
        by_method=before.by_method - before.refunded - note.refund,
        refunded=Decimal(0),
    )
    keep_record(draft, moved)
    draft.packs = tuple(
        [replace(p, invoice=invoice.number) if p.invoice == note.invoice else p for p in draft.packs]
    )
    for family, plan in draft.plans.items():
        if any(number == note.invoice for number, _ in plan.lines):
            lines = tuple([(invoice.number if n == note.invoice else n, i) for n, i in plan.lines])
            draft.plans[family] = replace(plan, lines=lines)


def _refund_concluded(draft: Draft, event: e.RefundConcluded) -> None:
    standing = draft.standing
    refunds = tuple([refund for refund in standing.refunds if refund.note != event.note])
    change_standing(draft, refunds=refunds)
    if not event.refunded:
        change_standing(draft, credit=standing.credit + event.amount)
        record = record_of(draft, event.invoice)
        keep_record(draft, replace(record, refunded=record.refunded - event.amount))


def _credits_returned(draft: Draft, event: e.CreditsReturned) -> None:
    gone = next(
        p
        for p in draft.packs
        if (p.product, p.credits, p.expires_on) == (event.product, event.credits, event.expires_on)
    )
    until = last_use(draft, event.product, event.at)
    packs = list(draft.packs)
    packs.remove(gone)
    draft.packs = tuple(packs)
    left = [pack for pack in packs if pack.product == event.product]
    if not left:
        draft.ended[event.product] = Ended(until, metered=True)
    usable = [pack.expires_at for pack in left if pack.unpaid_since is None]
    close_window(draft.windows, event.product, max(usable, default=event.at))


def _dispute_opened(draft: Draft, event: e.DisputeOpened) -> None:
    record = record_of(draft, event.number)
    facts = (*record.dispute_facts, "opened")
    keep_record(draft, replace(record, disputed_at=event.at, dispute_facts=facts))
    if draft.standing.disputed_at is None:
        change_standing(draft, disputed_at=event.at)
        for product in draft.windows:
            close_window(draft.windows, product, event.at)


def _dispute_lost(draft: Draft, event: e.DisputeLost) -> None:
    record = record_of(draft, event.number)
    since = draft.standing.disputed_at or event.at
    suspend(draft, event.suspended, since)
    suspend_packs(draft, event.number, since)
    keep_record(
        draft,
        replace(
            record,
            status="open",
            due=record.due + event.amount,
            by_method=record.by_method - event.amount,
            declined=True,
            charged_back=True,
            suspended=event.suspended,
            disputed_at=None,
            dispute_facts=(*record.dispute_facts, "lost"),
            due_again_at=event.at,
            remind_before=event.remind_before if event.remind_before is not UNSET else None,
        ),
    )
    _dispute_ended(draft, event.at)


def _dispute_ended(draft: Draft, at: Instant) -> None:
    """If no other dispute is open, what is held and paid can be used again (R58)."""
    if draft.standing.disputed_at is None or any(r.disputed_at is not None for r in draft.records.values()):
        return
    change_standing(draft, disputed_at=None)
    _tries_made(draft, at)
    for plan in draft.plans.values():
        if plan.paused_at is None and plan.unpaid_since is None:
            open_window(draft.windows, plan.product, at, None if plan.cycle is None else plan.cycle.ends_at)
    for product, addon in draft.addons.items():
        if addon.unpaid_since is None:
            open_window(draft.windows, product, at, addon.cycle.ends_at)
    for pack in draft.packs:
        if pack.unpaid_since is None:
            open_window(draft.windows, pack.product, at, pack.expires_at)


def void_carried(draft: Draft) -> None:
    """What is left of carried discounts is void at closing (R86)."""
    if draft.standing.discounts:
        discounts = [replace(d, withdrawn=d.withdrawn or d.terms.carried) for d in draft.standing.discounts]
        change_standing(draft, discounts=tuple(discounts))


def _change_discounts(draft: Draft, number: int, **changes: object) -> None:
    discounts = [replace(d, **changes) if d.terms.number == number else d for d in draft.standing.discounts]
    change_standing(draft, discounts=tuple(discounts))


def _told(draft: Draft, product: str) -> None:
    discounts = [replace(d, told=(*d.told, product)) for d in draft.standing.discounts]
    change_standing(draft, discounts=tuple(discounts))
