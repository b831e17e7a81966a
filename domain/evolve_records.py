"""What the events of the second part make of the state: of invoices' records, account credit, discounts,
disputes. `domain.evolve` begins here with what it does not know itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import assert_never

from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from domain.calendar import Instant, date_of
from domain.crediting import LineRef, allocate, packs_of, present_lines, record_of
from domain.discounts import free_months, made_free, taken_from
from domain.events import Invoice
from domain.state import Credited, Discount, Draft, Ended, InvoiceRecord, PendingRefund, PlanItem
from domain.windows import close_window, open_window, packs_until


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
        case e.InvoiceWrittenOff():
            record = draft.records[event.number]
            keep_record(
                draft,
                replace(
                    record,
                    status="uncollectible",
                    due=record.due - record.due,
                    declined=False,
                    written_off=True,
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
            draft.payment = None
            keep_record(draft, replace(draft.records[event.number], late=True))
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


# ---- what the first part's events do to records -----------------------------


def change_standing(draft: Draft, **changes: object) -> None:
    """Replace what is named."""
    draft.standing = replace(draft.standing, **changes)


def keep_record(draft: Draft, record: InvoiceRecord) -> None:
    """Keep how the invoice stands."""
    if record.untouched:
        record = replace(record, untouched=False)
    draft.records = {**draft.records, record.number: record}


def credit_spent(draft: Draft, invoice: Invoice) -> None:
    """The invoice was issued: it took account credit (R63) and discounts (R81, R86)."""
    if invoice.credit:
        change_standing(draft, credit=draft.standing.credit - invoice.credit)
    discounts = draft.standing.discounts
    if discounts:
        after = tuple([taken_from(discount, invoice.lines) for discount in discounts])
        free = dict.fromkeys((*draft.standing.free_products, *made_free(invoice.lines, discounts)))
        if after != discounts or len(free) > len(draft.standing.free_products):
            change_standing(draft, discounts=after, free_products=tuple(free))


def settled(draft: Draft, number: int, *, by_method: Decimal) -> None:
    """All that was due of the invoice is paid, by the payment method. A record that says nothing else is not
    kept."""
    record = draft.records[number]
    plain = not (record.credited or record.charged_back or record.refunded or record.by_method)
    if plain and by_method == draft.invoices[number].charge:
        draft.records = {n: kept for n, kept in draft.records.items() if n != number}
        return
    keep_record(draft, replace(_closed(record), by_method=record.by_method + by_method))


def _closed(record: InvoiceRecord) -> InvoiceRecord:
    return replace(
        record, status="paid", due=record.due - record.due, declined=False, late=False, suspended=(), tries=()
    )


def suspend(draft: Draft, products: Collection[str], since: Instant) -> None:
    """The items cannot be used from the instant, until they are paid (R38)."""
    for family, plan in draft.plans.items():
        if plan.product in products:
            draft.plans[family] = replace(plan, unpaid_since=min(since, plan.unpaid_since or since))
            close_window(draft.windows, plan.product, since)
    for product, addon in draft.addons.items():
        if product in products:
            draft.addons[product] = replace(addon, unpaid_since=min(since, addon.unpaid_since or since))
            close_window(draft.windows, product, since)


def suspend_packs(draft: Draft, number: int, since: Instant) -> None:
    """The packs that the invoice charged cannot be used from the instant (R58); others of the same product
    can."""
    suspended = packs_of(draft, number)
    if not suspended:
        return
    draft.packs = tuple(
        [replace(pack, unpaid_since=since) if pack in suspended else pack for pack in draft.packs]
    )
    for product in {pack.product for pack in suspended}:
        usable = [p.expires_at for p in draft.packs if p.product == product and p.unpaid_since is None]
        close_window(draft.windows, product, max(usable, default=since))


def restore(draft: Draft, products: Collection[str], at: Instant, invoices: Collection[int]) -> None:
    """The items are paid and can be used again from the instant (R40), if no dispute is open (R58); of packs
    those that these invoices charged."""
    if not products:
        return
    usable = draft.standing.disputed_at is None
    for family, plan in draft.plans.items():
        if plan.product in products and plan.unpaid_since is not None:
            assert plan.cycle is not None
            draft.plans[family] = replace(plan, unpaid_since=None)
            if usable and plan.paused_at is None:
                open_window(draft.windows, plan.product, at, plan.cycle.ends_at)
    for product, addon in draft.addons.items():
        if product in products and addon.unpaid_since is not None:
            draft.addons[product] = replace(addon, unpaid_since=None)
            if usable:
                open_window(draft.windows, product, at, addon.cycle.ends_at)
    paid = [p for p in draft.packs if p.unpaid_since is not None and p.invoice in invoices]
    if paid:
        draft.packs = tuple([replace(p, unpaid_since=None) if p in paid else p for p in draft.packs])
        for pack in paid if usable else ():
            open_window(draft.windows, pack.product, at, pack.expires_at)


def access_end(draft: Draft, natural: Instant | None, at: Instant) -> Instant:
    """When access to what ends at the instant ended: then, or before by its own or by a dispute (R44,
    R58)."""
    ends = [at if natural is None else min(natural, at)]
    if draft.standing.disputed_at is not None:
        ends.append(draft.standing.disputed_at)
    return min(ends)


def last_use(draft: Draft, product: str, at: Instant) -> Instant:
    """Until when packs of the product could be used, the last of which ends at the instant."""
    return access_end(draft, packs_until(draft, product), at)


def lines_credited(draft: Draft, plan: PlanItem, event: e.PlanChanged) -> tuple[tuple[int, int], ...]:
    """Keep what the change's credit line takes back of the lines of the old price (R65), and return the
    lines of the new one."""
    invoice = event.invoice
    before = tuple(reversed(present_lines(draft, plan)))
    if invoice is None:
        return before
    if invoice.lines[0].days is None:  # the difference comes on top
        return (*before, (invoice.number, 0))
    for line in invoice.lines:
        if line.kind == "credit_line" and line.net:
            parts = allocate(draft, plan, -line.net)
            _days_taken(draft, plan, line, invoice.number, [part.ref for part in parts])
            for part in parts:
                number, index = part.ref
                start, end = (line.from_date, line.to_date) if part.by_days else (None, None)
                credited = Credited(index, part.net, part.taxes, start, end, invoice.number)
                record = record_of(draft, number)
                keep_record(draft, replace(record, credited=(*record.credited, credited)))
    return ((invoice.number, 0),)


def _days_taken(draft: Draft, plan: PlanItem, credit: e.Line, number: int, had: Collection[LineRef]) -> None:
    """A credit line takes its days from every line of the price that counts days, also where its amount is
    taken from another (R61)."""
    for ref in present_lines(draft, plan):
        line = draft.invoices[ref[0]].lines[ref[1]]
        if ref not in had and line.days is not None:
            nothing = line.net - line.net
            taxes = tuple([nothing for _ in line.taxes or ()])
            credited = Credited(ref[1], nothing, taxes, credit.from_date, credit.to_date, number)
            record = record_of(draft, ref[0])
            keep_record(draft, replace(record, credited=(*record.credited, credited)))


# ---- collecting ------------------------------------------------------------


def _shares_paid(draft: Draft, shares: Iterable[e.Share], paid: Collection[int]) -> None:
    """Lower what is due of the invoices by their shares."""
    for share in shares:
        record = draft.records[share.invoice]
        record = replace(record, due=record.due - share.amount)
        keep_record(draft, _closed(record) if share.invoice in paid else record)


def _sum(shares: Iterable[e.Share]) -> Decimal:
    return sum([share.amount for share in shares], Decimal(0))


def _tries_made(draft: Draft, at: Instant) -> None:
    """The tries whose dates have begun are past."""
    for record in list(draft.records.values()):
        if record.tries:
            keep_record(draft, replace(record, tries=tuple([t for t in record.tries if t.at > at])))


# ---- correcting ------------------------------------------------------------


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
        record = replace(_closed(record), status=event.invoice_status)
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
    if event.command is not None and event.command.role == "support":
        given = (date_of(event.at, draft.time_zone), amount)
        change_standing(draft, corrected_by_support=(*draft.standing.corrected_by_support[-200:], given))


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


# ---- disputes ---------------------------------------------------------------


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


# ---- discounts ------------------------------------------------------------


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
