"""`decide`: what a command does, with every check in the order of section 10 of the rules.

`admit` makes the checks that come before what is due is settled, `decide` those after. Both are pure. A
decision whose events begin a payment holds the intent only; `domain.conclude` makes the rest of the
payment's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import UNSET

from domain import commands as c
from domain import events as e
from domain.account_commands import (
    close_account,
    open_account,
    pay_balance,
    set_tax_profile,
)
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
from domain.calendar import Instant, date_of, local_text
from domain.catalog import EMPTY, Catalogues
from domain.collection import under_payment
from domain.collection_commands import record_payment, set_payment_method, stop_tries
from domain.corrections import give_credit_note, pay_out, reissue, write_off
from domain.crediting import present_lines
from domain.credits import buy_credits
from domain.disputes import lose_dispute, open_dispute, win_dispute
from domain.granting import code_of, code_refused, grant_by_code, grant_discount, withdraw_discount
from domain.money import zero
from domain.own_catalog import change_catalog, override_price
from domain.pausing import pause_plan, resume_plan
from domain.plans import cancel_plan, change_plan, purchase_plan
from domain.proposals import (
    Context,
    Proposal,
    Proposed,
    Unchanged,
    forbidden,
    past_due,
    payment_under_way,
)
from domain.settle import balance_payment, next_due
from domain.state import Account, PendingPayment
from domain.tax import TaxUnavailable

ROLES_THAT_COMMAND = ("owner", "admin")
"""R43."""
STAFF = ("support", "finance")
"""R60."""
_FINANCE_ALONE = (c.Reissue, c.WriteOff, c.PayOut, c.RecordPayment, c.StopTries)
STAFF_COMMANDS = (c.CreditNote, *_FINANCE_ALONE, c.GrantDiscount, c.WithdrawDiscount)
_FACTS = (c.OpenDispute, c.WinDispute, c.LoseDispute)
BOOKKEEPING = (c.CreditNote, *_FINANCE_ALONE, *_FACTS)
"""What does not wait for a payment of another invoice, and is done to a closed account too (section 10)."""

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


class Waiting(msgspec.Struct, frozen=True):
    """The command's payment waits for the customer: the provider is asked for the reference anew (R96)."""

    payment: PendingPayment


def admit(state: Account | None, request: c.Request) -> Refusal | Repeated | Waiting | None:
    """Make the checks that come before what is due is settled (section 10). None: the command is admitted."""
    if state is None:
        if isinstance(request.command, c.OpenAccount):
            return _forbidden(request)
        return Refusal("unknown_account")
    recorded = None if request.id is None else state.commands.get(request.id)
    payment = state.payment
    mine = payment if payment is not None and payment.command_id == request.id else None
    over = mine is not None and mine.waits_until is not None and request.at >= mine.waits_until
    if recorded is not None and not over:  # R96: its time is over, so its key is free again
        if recorded.fingerprint != request.fingerprint:
            return Refusal("command_id_reused", {"id": request.id})
        if mine is None:
            return Repeated(recorded.version)
        return Refusal("payment_in_progress") if mine.waits_until is None else Waiting(mine)
    if isinstance(request.command, c.OpenAccount):
        return Refusal("account_exists")
    if request.clock != state.clock:
        return Refusal("wrong_clock", {"clock": state.clock})
    if refusal := _waits(state, request):
        return refusal
    if refusal := _forbidden(request):
        return refusal
    books = isinstance(request.command, BOOKKEEPING)
    return Refusal("account_closed") if state.closed and not books else None


def _waits(state: Account, request: c.Request) -> Refusal | None:
    """A payment without an answer holds the account (R16); one that waits for the customer can be given up,
    and is when its time is over (R96). The books wait for the payment of their own invoice only."""
    payment = state.payment
    if payment is None:
        return None
    if payment.waits_until is not None and (
        isinstance(request.command, c.AbandonPayment) or request.at >= payment.waits_until
    ):
        return None
    if isinstance(request.command, BOOKKEEPING) and not _touches(state, request, payment):
        return None
    return Refusal("payment_in_progress")


def _touches(state: Account, request: c.Request, payment: PendingPayment) -> bool:
    """The payment is of the invoice that the command is about, or credits lines of it; or a date has begun
    while a command's payment had no answer: what falls due on it comes first, and waits too."""
    command = request.command
    zone = state.time_zone
    if state.unanswered is None and date_of(request.at, zone) > date_of(payment.at, zone):
        return True
    asked = getattr(command, "invoice", None)
    if payment.invoice_number is not None:
        oldest_first = isinstance(command, c.RecordPayment) and command.invoice is None
        return oldest_first or asked in under_payment(state)
    changed = payment.if_paid
    if isinstance(changed, e.PlanChanged) and changed.family in state.plans:
        credited = present_lines(state, state.plans[changed.family])
        return asked in {number for number, _ in credited}
    return False


def decide(
    state: Account | None, request: c.Request, catalogues: Catalogues
) -> Decision | Unchanged | Refusal:
    """What the admitted command does to the state, in which everything due at its instant is settled."""
    ref = command_ref(request)
    if state is None:
        assert isinstance(request.command, c.OpenAccount)
        return Decision((open_account(request.command, request.at, ref).event,))
    due = next_due(state)
    if state.payment is None and due is not None and due[1] <= request.at:
        raise ValueError(f"something fell due on {due[0]}: settle it before deciding")
    ctx = Context.of(state, request.at, ref, catalogues)
    code = code_of(request.command)
    if code is not None:
        grant = grant_by_code(state, code, ctx.today, request.at, ref, catalogues)
        ctx = msgspec.structs.replace(ctx, grant=grant)
    try:
        proposed = _PROPOSERS[type(request.command)](ctx, request.command)
    except TaxUnavailable:
        return _no_tax(ctx, code)
    if isinstance(proposed, Refusal) and proposed.code == "unknown_product":
        nothing_sold = catalogues.at(request.at) is EMPTY  # that is the reason then, not a wrong name
        return Refusal("no_catalogue", proposed.facts) if nothing_sold else proposed
    if not isinstance(proposed, Proposal):
        return proposed
    if proposed.reinstates:
        return Decision((proposed.event, *proposed.then))
    if not proposed.while_past_due and (state.past_due or state.disputed):
        return past_due(state)
    if refused := _cannot_be_billed(ctx, code, proposed):
        return refused
    return _charge(state, request, proposed, ctx.grant if code is not None and proposed.lines else None)


def _cannot_be_billed(ctx: Context, code: str | None, proposed: Proposal) -> Refusal | None:
    """The discount code does not hold, a note would credit a late invoice, or the tax profile is missing."""
    if code is not None and (lines := proposed.lines):
        known = ctx.catalogues.codes.get(code)
        if refused := code_refused(ctx.state, code, known, ctx.grant, lines, ctx.today):
            return refused
    if proposed.before and (refused := _credits_late(ctx.state, proposed)):
        return refused
    return None if ctx.catalogues.taxes is None else _details_missing(ctx, proposed)


def _no_tax(ctx: Context, code: str | None) -> Refusal:
    """Nobody says which taxes are asked (R71); what is refused before is refused so."""
    state = ctx.state
    if state.past_due or state.disputed:
        return past_due(state)
    if code is not None:
        known = ctx.catalogues.codes.get(code)
        if refused := code_refused(state, code, known, ctx.grant, None, ctx.today):
            return refused
    missing = state.standing.tax_profile is None
    return Refusal("billing_details_missing" if missing else "tax_unavailable")


def _credits_late(state: Account, proposed: Proposal) -> Refusal | None:
    """An upgrade that has to credit an invoice by a note (R75) waits for that invoice's late payment
    (R98)."""
    for event in proposed.before:
        if isinstance(event, e.CreditNoteIssued) and state.record(event.invoice).late:
            return payment_under_way(event.invoice)
    return None


def _details_missing(ctx: Context, proposed: Proposal) -> Refusal | None:
    """With tax on, what asks for money needs a tax profile (R70)."""
    if ctx.state.standing.tax_profile is not None:
        return None
    if proposed.invoice is not None and proposed.invoice.net > 0:
        return Refusal("billing_details_missing")
    return None


def _refuse_opening(_: Context, __: c.OpenAccount) -> Proposed:
    raise AssertionError("admit refuses to open an account twice")


_PROPOSERS: Final[dict[type[c.Command], Callable[[Context, Any], Proposed]]] = {
    c.OpenAccount: _refuse_opening,
    c.PurchasePlan: purchase_plan,
    c.ChangePlan: change_plan,
    c.CancelPlan: cancel_plan,
    c.PausePlan: pause_plan,
    c.ResumePlan: resume_plan,
    c.PurchaseAddon: purchase_addon,
    c.RemoveAddon: remove_addon,
    c.Undo: undo,
    c.BuyCredits: buy_credits,
    c.StartTransactional: start_transactional,
    c.ChangeTransactional: change_transactional,
    c.TopUpTransactional: top_up_transactional,
    c.StopTransactional: lambda ctx, _: stop_transactional(ctx),
    c.PayBalance: lambda ctx, _: pay_balance(ctx),
    c.CloseAccount: lambda ctx, _: close_account(ctx),
    c.OverridePrice: override_price,
    c.ChangeCatalog: change_catalog,
    c.SetPaymentMethod: lambda ctx, _: set_payment_method(ctx),
    c.AbandonPayment: lambda _, __: Unchanged({}),
    c.SetTaxProfile: set_tax_profile,
    c.CreditNote: give_credit_note,
    c.Reissue: reissue,
    c.RecordPayment: record_payment,
    c.PayOut: pay_out,
    c.StopTries: stop_tries,
    c.WriteOff: write_off,
    c.GrantDiscount: grant_discount,
    c.WithdrawDiscount: withdraw_discount,
    c.OpenDispute: open_dispute,
    c.WinDispute: win_dispute,
    c.LoseDispute: lose_dispute,
}
"""What each command asks, by its own module."""


def _charge(
    state: Account, request: c.Request, proposed: Proposal, grant: e.DiscountGranted | None
) -> Decision | Refusal:
    """Lock, confirmation, quote, and, where more than 0.00 is charged, the intent in place of the event
    (R7, R15, R16, section 10)."""
    invoice = proposed.invoice
    amount = proposed.pays or (zero(state.currency) if invoice is None else invoice.charge)
    if amount:
        if refusal := _locked(state, request.at):
            return _recorded(proposed, grant) if proposed.follows_method else refusal
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
        return _recorded(proposed, grant)
    intent = _intent(state, request, proposed, amount, grant)
    return Decision((proposed.event, intent) if proposed.follows_method else (intent,))


def _recorded(proposed: Proposal, grant: e.DiscountGranted | None) -> Decision:
    """What is recorded of a command that needs no payment."""
    with_it = () if grant is None else (grant,)
    return Decision((*with_it, *proposed.before, proposed.event, *proposed.then))


def _intent(
    state: Account,
    request: c.Request,
    proposed: Proposal,
    amount: Decimal,
    grant: e.DiscountGranted | None,
) -> e.PaymentStarted:
    """The durable intent of a command's payment (R16)."""
    event = proposed.event
    if proposed.pays is not None:
        return balance_payment(state, request.at, "balance", command=event.command)
    assert isinstance(event, e.Activation)
    return e.PaymentStarted(
        at=request.at,
        command=event.command,
        purpose="purchase",
        amount=amount,
        currency=state.currency,
        if_paid=event,
        grant=UNSET if grant is None else grant,
        notes=tuple([n for n in proposed.before if isinstance(n, e.CreditNoteIssued)]) or UNSET,
    )


def locked_until(state: Account) -> Instant | None:
    """Five attempts declined within less than 24 hours lock further ones until 24 hours after the last
    (R16)."""
    declines = state.declines
    if len(declines) < LOCKING_DECLINES or declines[-1] - declines[-LOCKING_DECLINES] >= LOCK:
        return None
    return declines[-1] + LOCK


def _locked(state: Account, at: Instant) -> Refusal | None:
    free_at = locked_until(state)
    if free_at is None or at >= free_at:
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
    """Only owner and admin give commands (R43), corrections and discounts only staff (R60); the provider's
    facts come from whoever passes them on."""
    command = request.command
    if isinstance(command, _FACTS):
        return None
    roles: tuple[str, ...] = ROLES_THAT_COMMAND
    if isinstance(command, _FINANCE_ALONE):
        roles = ("finance",)
    elif isinstance(command, STAFF_COMMANDS):
        roles = STAFF
    elif isinstance(command, c.SetTaxProfile):
        roles = (*ROLES_THAT_COMMAND, "finance")
    if request.role in roles:
        return None
    return forbidden(request.role, roles)


def command_ref(request: c.Request) -> e.CommandRef:
    """The reference by which the events name the command that they came of."""
    return e.CommandRef(request.role, request.id, request.fingerprint if request.id is not None else None)
