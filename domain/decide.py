"""`decide`: what a command does, with every check in the order of section 10 of the rules.

`admit` makes the checks that come before what is due is settled, `decide` those after. Both are pure. A
decision whose events begin a payment holds the intent only; `domain.conclude` makes the rest of the
payment's answer.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import assert_never

import msgspec

from domain import commands as c
from domain import events as e
from domain.account_commands import close_account, open_account, pay_balance
from domain.addons import (
    change_transactional,
    purchase_addon,
    remove_addon,
    start_transactional,
    stop_transactional,
    top_up_transactional,
    undo,
)
from domain.answers import Refusal
from domain.calendar import Instant, local_text
from domain.catalog import EMPTY, Catalogues
from domain.credits import buy_credits
from domain.money import zero
from domain.own_catalog import change_catalog, override_price
from domain.pausing import pause_plan, resume_plan
from domain.plans import cancel_plan, change_plan, purchase_plan
from domain.proposals import Context, Proposal, Proposed, Unchanged, past_due
from domain.settle import next_due
from domain.state import Account

ROLES_THAT_COMMAND = ("owner", "admin")
"""R43."""

LOCKING_DECLINES = 5
LOCK = timedelta(hours=24)
"""R16."""


class Decision(msgspec.Struct, frozen=True):
    """What is to be recorded: the event itself, or the intent of the payment that it needs first."""

    events: tuple[e.Event, ...]


class Repeated(msgspec.Struct, frozen=True):
    """The command was recorded before, with its first event as this version: it is answered as it was
    then."""

    version: int


def admit(state: Account | None, request: c.Request) -> Refusal | Repeated | None:
    """Make the checks that come before what is due is settled (section 10). None: the command is admitted."""
    if state is None:
        if isinstance(request.command, c.OpenAccount):
            return _forbidden(request)
        return Refusal("unknown_account")
    recorded = None if request.id is None else state.commands.get(request.id)
    if recorded is not None:
        if recorded.fingerprint != request.fingerprint:
            return Refusal("command_id_reused", {"id": request.id})
        in_progress = state.payment is not None and state.payment.command_id == request.id
        return Refusal("payment_in_progress") if in_progress else Repeated(recorded.version)
    if isinstance(request.command, c.OpenAccount):
        return Refusal("account_exists")
    if request.clock != state.clock:
        return Refusal("wrong_clock", {"clock": state.clock})
    if state.payment is not None:
        return Refusal("payment_in_progress")  # R16
    if refusal := _forbidden(request):
        return refusal
    return Refusal("account_closed") if state.closed else None


def decide(
    state: Account | None, request: c.Request, catalogues: Catalogues
) -> Decision | Unchanged | Refusal:
    """What the admitted command does to the state, in which everything due at its instant is settled."""
    ref = command_ref(request)
    if state is None:
        assert isinstance(request.command, c.OpenAccount)
        return Decision((open_account(request.command, request.at, ref).event,))
    due = next_due(state)
    if due is not None and due[1] <= request.at:
        raise ValueError(f"something fell due on {due[0]}: settle it before deciding")
    proposed = _propose(Context.of(state, request.at, ref, catalogues), request.command)
    if isinstance(proposed, Refusal) and proposed.code == "unknown_product":
        nothing_sold = catalogues.at(request.at) is EMPTY  # that is the reason then, not a wrong name
        return Refusal("no_catalogue", proposed.facts) if nothing_sold else proposed
    if not isinstance(proposed, Proposal):
        return proposed
    if proposed.reinstates:
        return Decision((proposed.event, *proposed.then))
    if not proposed.while_past_due and state.past_due:
        return past_due(state)
    return _charge(state, request, proposed)


def _propose(ctx: Context, command: c.Command) -> Proposed:  # noqa: C901 - one case a command
    match command:
        case c.PurchasePlan():
            return purchase_plan(ctx, command)
        case c.ChangePlan():
            return change_plan(ctx, command)
        case c.CancelPlan():
            return cancel_plan(ctx, command)
        case c.PausePlan():
            return pause_plan(ctx, command)
        case c.ResumePlan():
            return resume_plan(ctx, command)
        case c.PurchaseAddon():
            return purchase_addon(ctx, command)
        case c.RemoveAddon():
            return remove_addon(ctx, command)
        case c.Undo():
            return undo(ctx, command)
        case c.BuyCredits():
            return buy_credits(ctx, command)
        case c.StartTransactional():
            return start_transactional(ctx, command)
        case c.ChangeTransactional():
            return change_transactional(ctx, command)
        case c.TopUpTransactional():
            return top_up_transactional(ctx, command)
        case c.StopTransactional():
            return stop_transactional(ctx)
        case c.PayBalance():
            return pay_balance(ctx)
        case c.CloseAccount():
            return close_account(ctx)
        case c.OverridePrice():
            return override_price(ctx, command)
        case c.ChangeCatalog():
            return change_catalog(ctx, command)
        case c.OpenAccount():
            raise AssertionError("admit refuses to open an account twice")
        case _:
            assert_never(command)


def _charge(state: Account, request: c.Request, proposed: Proposal) -> Decision | Refusal:
    """Lock, confirmation, quote, and, where more than 0.00 is charged, the intent in place of the event
    (R15, R16, section 10)."""
    invoice: e.Invoice | None = getattr(proposed.event, "invoice", None)
    amount = proposed.pays or (zero(state.currency) if invoice is None else invoice.total)
    if amount:
        if refusal := _locked(state, request.at):
            return refusal
        if proposed.pays is None and not (request.cvv and request.billing):
            return _confirmation_required(state, request, amount, proposed.lines)
    if request.expected_total is not None and request.expected_total != amount:
        facts = {
            "total": str(amount),
            "currency": state.currency,
            "expected_total": str(request.expected_total),
        }
        return Refusal("quote_changed", facts, proposed.lines)
    if not amount:
        return Decision((proposed.event, *proposed.then))
    return Decision((_intent(state, request, proposed, amount),))


def _intent(state: Account, request: c.Request, proposed: Proposal, amount: Decimal) -> e.PaymentStarted:
    """The durable intent of a command's payment (R16)."""
    event = proposed.event
    if isinstance(event, e.InvoicePaid):
        return e.PaymentStarted(
            at=request.at,
            command=event.command,
            purpose="balance",
            amount=amount,
            currency=state.currency,
            invoice_number=event.number,
        )
    assert isinstance(event, e.Activation)
    return e.PaymentStarted(
        at=request.at,
        command=event.command,
        purpose="purchase",
        amount=amount,
        currency=state.currency,
        if_paid=event,
    )


def _locked(state: Account, at: Instant) -> Refusal | None:
    """Five attempts declined within less than 24 hours lock further ones until 24 hours after the last
    (R16)."""
    declines = state.declines
    if len(declines) < LOCKING_DECLINES or declines[-1] - declines[-LOCKING_DECLINES] >= LOCK:
        return None
    free_at = declines[-1] + LOCK
    if at >= free_at:
        return None
    return Refusal("payment_locked", {"until": local_text(free_at, state.time_zone)})


def _confirmation_required(
    state: Account, request: c.Request, amount: Decimal, lines: tuple[e.Line, ...]
) -> Refusal:
    """What is charged needs the CVV and the billing details confirmed (R15)."""
    missing = [name for name, given in (("cvv", request.cvv), ("billing", request.billing)) if not given]
    facts = {"total": str(amount), "currency": state.currency, "missing": missing}
    return Refusal("confirmation_required", facts, lines)


def _forbidden(request: c.Request) -> Refusal | None:
    """Only owner and admin give commands (R43)."""
    if request.role in ROLES_THAT_COMMAND:
        return None
    return Refusal("forbidden", {"role": request.role[:60]})


def command_ref(request: c.Request) -> e.CommandRef:
    """The reference by which the events name the command that they came of."""
    return e.CommandRef(request.role, request.id, request.fingerprint if request.id is not None else None)
