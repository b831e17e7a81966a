"""What renewals make of the state: renewed, paid, declined, lapsed."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from domain.evolve_access import access_end, ended, last_use, restore, suspend
from domain.evolve_addons import end_addon
from domain.evolve_plans import forget_downgrade, plan_access_until
from domain.evolve_records import Changes, change_standing, credit_spent, keep_record, settled
from domain.state import AddonItem, Draft, InvoiceRecord, PendingPayment, PlanItem
from domain.windows import close_window, renew_window


def _cycles_renewed(draft: Draft, event: e.CyclesRenewed) -> None:
    items: list[str] = []
    for renewal in event.renewals:
        product, cycle = renewal.product, renewal.cycle
        items.append(product)
        if renewal.family is not None:
            draft.plans[renewal.family] = _renewed_plan(draft.plans[renewal.family], renewal)
            if renewal.replaces is not None:
                draft.ended.pop(product, None)
                ended(draft, renewal.replaces, cycle.starts_at)
        else:
            before = draft.addons[product]
            draft.addons[product] = AddonItem(
                product,
                renewal.price,
                cycle,
                renewal.requires,
                before.removed,
                before.unpaid_since,
                renewal.blocks,
                renewal.blocks,
                before.e_mails_per_block,
                0,
                renewal.block_prices,
                before.bought,
            )
        renew_window(draft.windows, product, cycle.starts_at, cycle.ends_at)
    invoice, number = event.invoice, event.invoice.number
    draft.next_invoice = number + 1
    draft.invoices = draft.invoices.and_one(invoice)
    if invoice.credit or draft.standing.discounts:
        credit_spent(draft, invoice)
    due = invoice.total if invoice.credit is UNSET else invoice.total - invoice.credit
    if due:
        record = InvoiceRecord(number, "open", due, event.at, due - due, tuple(items), untouched=True)
        draft.records = {**draft.records, number: record} if draft.records else {number: record}
        draft.payment = PendingPayment(draft.version, "renewal", event.at, due, None, number)


def _renewed_plan(before: PlanItem, renewal: e.Renewal) -> PlanItem:
    assert renewal.tier is not None
    assert renewal.price is not None
    return PlanItem(
        before.family, renewal.product, renewal.tier, renewal.price, renewal.cycle, bought=before.bought
    )


def _invoice_paid(draft: Draft, event: e.InvoicePaid) -> None:
    number = event.number
    record = draft.records[number]
    if not record.late:  # a late one holds nothing (R98): what is pending is another payment
        draft.payment = None
    if record.untouched and event.amount == record.due:
        others = len(draft.records) > 1
        draft.records = {n: kept for n, kept in draft.records.items() if n != number} if others else {}
    else:
        settled(draft, number, by_method=event.amount)
    if event.restored:
        restore(draft, event.restored, event.at, (number,))


def _renewal_declined(draft: Draft, event: e.RenewalDeclined) -> None:
    record = draft.records[event.number]
    suspend(draft, event.suspended, record.at)
    keep_record(
        draft,
        replace(
            record,
            declined=True,
            late=False,
            untouched=False,
            suspended=event.suspended,
            tries=event.tries or (),
            remind_before=event.remind_before if event.remind_before is not UNSET else None,
        ),
    )
    draft.payment = None
    if event.final:
        change_standing(draft, method_refused=True)


def _items_lapsed(draft: Draft, event: e.ItemsLapsed) -> None:
    for family, plan in list(draft.plans.items()):
        if plan.product in event.items:
            until = plan_access_until(plan)
            assert until is not None, "Free cannot lapse"
            forget_downgrade(draft, family)
            del draft.plans[family]
            ended(draft, plan.product, access_end(draft, until, event.at))
            close_window(draft.windows, plan.product, event.at)
    for product in event.items:
        if product in draft.addons:
            end_addon(draft, product, event.at)
    unpaid = [p for p in draft.packs if p.unpaid_since is not None and p.invoice == event.number]
    for pack in [p for p in unpaid if p.product in event.items]:
        until = last_use(draft, pack.product, event.at)
        draft.packs = tuple([kept for kept in draft.packs if kept is not pack])
        if all(kept.product != pack.product for kept in draft.packs):
            ended(draft, pack.product, until, metered=True)
    draft.anchor = event.account_anchor
    if draft.payment is not None and draft.payment.purpose == "balance_retry":
        draft.payment = None  # its decline; a purchase that waits is not answered by what ends
    if event.written_off:
        record = draft.records[event.number]
        keep_record(draft, replace(record, status="uncollectible", declined=False))


CHANGES: Final[Changes] = {
    e.CyclesRenewed: _cycles_renewed,
    e.InvoicePaid: _invoice_paid,
    e.RenewalDeclined: _renewal_declined,
    e.ItemsLapsed: _items_lapsed,
}
"""What each of these events changes."""
