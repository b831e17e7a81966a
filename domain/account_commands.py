"""The account itself: opening, paying the balance (R40), closing (R42)."""

from __future__ import annotations

from msgspec import UNSET

from domain import events as e
from domain.answers import Refusal
from domain.calendar import Instant, check_time_zone
from domain.commands import OpenAccount, SetTaxProfile
from domain.money import check_currency
from domain.proposals import (
    Context,
    Proposal,
    Proposed,
    balance_due,
    dispute_open,
    forbidden,
)


def open_account(command: OpenAccount, at: Instant, ref: e.CommandRef) -> Proposal:
    """Begin an account's history. Currency and zone were checked where the command came in."""
    return Proposal(
        e.AccountOpened(
            at=at,
            command=ref,
            currency=check_currency(command.currency),
            time_zone=check_time_zone(command.time_zone),
            clock=command.clock,
            catalog=command.catalog,
        )
    )


def pay_balance(ctx: Context) -> Proposed:
    """Pay all that is due by the saved method: an attempt (R16) that needs no confirmation (R15)."""
    first = next(iter(ctx.state.past_due_invoices), None)
    if first is None:
        return Refusal("nothing_due")
    due = ctx.state.amount_due
    paid = e.InvoicePaid(at=ctx.at, command=ctx.command, number=first.number, amount=due)
    return Proposal(paid, while_past_due=True, pays=due)


def close_account(ctx: Context) -> Proposed:
    """End everything now; refused while a dispute or an invoice is open (R42, R58)."""
    if ctx.state.disputed:
        return dispute_open(ctx.state)
    if ctx.state.open_invoices:
        return balance_due(ctx.state)
    return Proposal(e.AccountClosed(at=ctx.at, command=ctx.command))


def set_tax_profile(ctx: Context, command: SetTaxProfile) -> Proposed:
    """Replace the whole tax profile; it reaches the next invoice (R70). That an id is confirmed, or an
    exemption, comes from a check or from finance: on the wall clock from nobody else. With new details (R92)
    what was confirmed before stays so where the country is the same: that the id is the same one was checked
    where the details are kept."""
    held = ctx.state.standing.tax_profile
    if _claims_more(command, held) and ctx.state.clock == "wall" and ctx.command.role != "finance":
        return forbidden(ctx.command.role, ("finance",))
    profile = e.TaxProfileSet(
        at=ctx.at,
        command=ctx.command,
        country=command.country,
        region=command.region,
        kind=command.kind,
        vat_id=command.vat_id,
        exempt_until=command.exempt_until,
        details=command.details if command.details is not UNSET else held.details if held else None,
    )
    return Proposal(profile, while_past_due=True)


def _claims_more(command: SetTaxProfile, held: e.TaxProfileSet | None) -> bool:
    """Whether the profile says that something was checked of which the one before did not say it."""
    if command.details is UNSET or held is None or held.country != command.country:
        return command.vat_id == "confirmed" or command.exempt_until is not None
    if command.vat_id == "confirmed" and held.vat_id != "confirmed":
        return True
    last_day = command.exempt_until
    return last_day is not None and (held.exempt_until is None or last_day > held.exempt_until)
