"""From the lines of a charge to the invoice: discounts (R80), taxes (R72), account credit (R63), in that
order.

invoice = invoice_of(state, day, lines, issued_at, catalogues)
upgrade = upgrade_invoice(state, plan, (charge, credit), day, issued_at, catalogues)
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues
from domain.crediting import Allocation, allocate, credit_worth, line_taxes, present_lines, share_of
from domain.discounts import discounted
from domain.events import CommandRef, CreditedLine, CreditNoteIssued, DiscountGranted, Invoice, Line
from domain.money import zero
from domain.state import Account, Discount, PlanItem
from domain.tax import Tax, same_taxes, taxed

_HUNDRED = Decimal(100)


class Issued(msgspec.Struct, frozen=True):
    """An invoice, and the credit notes that come before it (R75)."""

    invoice: Invoice
    notes: tuple[CreditNoteIssued, ...] = ()


def invoice_of(
    state: Account,
    day: CivilDate,
    lines: tuple[Line, ...],
    issued_at: Instant,
    catalogues: Catalogues,
    grant: DiscountGranted | None = None,
) -> Invoice:
    """The account's next invoice: for the date, issued at the instant (R24, R47, R51). `grant`: a discount
    that is given with it. Raises TaxUnavailable (R71)."""
    standing = state.standing
    if catalogues.taxes is None and grant is None and not standing.credit and not standing.discounts:
        total = sum([line.amount for line in lines], zero(state.currency))
        return Invoice(state.next_invoice, day, state.currency, total, lines, issued_at)
    lines = discounted(lines, discounts_with(state, grant))
    if lines and (taxes := _taxes(state, day, catalogues)):
        lines = taxed(lines, taxes, state.currency)
    return _invoice(state, day, lines, issued_at, standing.credit)


def discounts_with(state: Account, grant: DiscountGranted | None) -> tuple[Discount, ...]:
    """The account's discounts, and the one that is given now."""
    discounts = state.standing.discounts
    if grant is None:
        return discounts
    return (*discounts, Discount(grant))


def upgrade_invoice(
    state: Account,
    plan: PlanItem,
    charge: Line,
    credit: Line,
    issued_at: Instant,
    catalogues: Catalogues,
    grant: DiscountGranted | None,
    command: CommandRef | None,
) -> Issued:
    """The invoice of an upgrade by days (R29): the new price, and a credit line of what the days of the old
    one still bear (R65), with the taxes of the lines that it credits. Where those are not the charge's, or
    the credit is above the charge, credit notes to the account come before it (R75). Raises
    TaxUnavailable."""
    day, currency = charge.from_date, state.currency
    worth = credit_worth(state, plan, day, -credit.amount)
    (charge,) = discounted((charge,), discounts_with(state, grant), worth)
    taxes = _taxes(state, day, catalogues)
    credited = allocate(state, present_lines(state, plan), worth)
    same = all(same_taxes(_line(state, part), taxes) for part in credited)
    if plan.brought is not None and not credited:
        worth = min(worth, charge.net)  # billed elsewhere: there is no invoice to take the rest back of
    available = state.standing.credit
    if worth > charge.net or not same:
        notes = _upgrade_notes(state, credited, charge, issued_at, command)
        (charge,) = taxed((charge,), taxes, currency) if taxes else (charge,)
        available += sum([note.total for note in notes], zero(currency))
        return Issued(_invoice(state, day, (charge,), issued_at, available), notes)
    if worth != -credit.amount:
        credit = msgspec.structs.replace(credit, discount=credit.amount + worth)
    lines: tuple[Line, ...] = (charge, credit)
    if taxes:
        elsewhere = zero(currency)
        if plan.brought is not None:
            elsewhere = worth - sum([part.net for part in credited], zero(currency))
        credit = _credit_with_taxes(credit, credited, elsewhere, taxes)
        lines = taxed((charge,), taxes, currency, (credit,))
    return Issued(_invoice(state, day, lines, issued_at, available))


def _invoice(
    state: Account, day: CivilDate, lines: tuple[Line, ...], issued_at: Instant, credit: Decimal
) -> Invoice:
    total = zero(state.currency)
    for line in lines:
        total += line.net
        for tax in line.taxes or ():
            total += tax.amount
    taken = min(credit, total)
    return Invoice(
        state.next_invoice,
        day,
        state.currency,
        total,
        lines,
        issued_at,
        taken + zero(state.currency) if taken else msgspec.UNSET,
    )


def _taxes(state: Account, day: CivilDate, catalogues: Catalogues) -> tuple[Tax, ...]:
    if catalogues.taxes is None:
        return ()
    return catalogues.taxes.taxes_of(state.standing.tax_profile, day)


def _line(state: Account, part: Allocation) -> Line:
    number, index = part.ref
    return state.invoices[number].lines[index]


def _credit_with_taxes(
    credit: Line, credited: tuple[Allocation, ...], elsewhere: Decimal, taxes: tuple[Tax, ...]
) -> Line:
    """The credit line with the taxes of the lines that it credits. What was billed `elsewhere` counts as
    taxed as today."""
    amounts = [
        -sum([part.taxes[place] for part in credited], share_of(elsewhere, tax.rate, _HUNDRED))
        for place, tax in enumerate(taxes)
    ]
    shares = tuple([tax.share(amount) for tax, amount in zip(taxes, amounts, strict=True)])
    return msgspec.structs.replace(credit, taxes=shares)


def _upgrade_notes(
    state: Account,
    credited: tuple[Allocation, ...],
    charge: Line,
    issued_at: Instant,
    command: CommandRef | None,
) -> tuple[CreditNoteIssued, ...]:
    """One credit note for each invoice whose lines are credited, the latest line first; all to the
    account."""
    notes = []
    number = state.standing.next_credit_note
    for invoice in dict.fromkeys(part.ref[0] for part in credited):
        lines = tuple([_credited_line(state, part, charge) for part in credited if part.ref[0] == invoice])
        net = sum([line.amount for line in lines], zero(state.currency))
        tax = sum([line.tax for line in lines], zero(state.currency))
        notes.append(
            CreditNoteIssued(
                at=issued_at,
                command=command,
                number=number,
                invoice=invoice,
                date=charge.from_date,
                reason="upgrade",
                lines=lines,
                net=net,
                tax=tax,
                total=net + tax,
                lowered=zero(state.currency),
                refund=zero(state.currency),
                to_account=net + tax,
                invoice_status="paid",
            )
        )
        number += 1
    return tuple(notes)


def _credited_line(state: Account, part: Allocation, charge: Line) -> CreditedLine:
    line = _line(state, part)
    start = charge.from_date if part.by_days else line.from_date
    return CreditedLine(
        part.ref[1] + 1,
        line.product,
        line.tier,
        line.kind,
        start,
        line.to_date,
        part.by_days,
        part.net,
        line_taxes(line, part.taxes),
    )
