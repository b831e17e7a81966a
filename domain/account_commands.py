"""The account itself: opening, paying the balance (R40), closing (R42)."""

from __future__ import annotations

from domain import events as e
from domain.answers import Refusal
from domain.calendar import Instant, check_time_zone
from domain.commands import OpenAccount
from domain.money import check_currency
from domain.proposals import Context, Proposal, Proposed, balance_due


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
    """Pay the open invoice by the saved method: an attempt (R16) that needs no confirmation (R15)."""
    invoice = ctx.state.open_invoice
    if invoice is None:
        return Refusal("nothing_due")
    paid = e.InvoicePaid(at=ctx.at, command=ctx.command, number=invoice.number, amount=invoice.total)
    return Proposal(paid, while_past_due=True, pays=invoice.total)


def close_account(ctx: Context) -> Proposed:
    """End everything now; refused while an invoice is open (R42)."""
    if ctx.state.open_invoice is not None:
        return balance_due(ctx.state)
    return Proposal(e.AccountClosed(at=ctx.at, command=ctx.command))
