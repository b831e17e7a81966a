"""`conclude`: what the answer to a payment makes of its intent (R16, R38, R41, R52, R96, R98)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal
from typing import Literal, TypeAlias, assert_never

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues
from domain.collection import credit_follows, reminder, tries_of
from domain.evolve import evolve, evolve_all
from domain.notes import restorable
from domain.state import Account, PendingPayment

PaymentAnswer = Literal["paid", "declined", "declined_final", "cancelled", "action_required", "pending"]
"""`declined_final`: this method will never be accepted (R54). `cancelled`: it was never made, and never
will be under this key. `action_required`: the customer's consent is asked for (R96). `pending`: of a
renewal, the answer comes later (R98)."""


class AnsweredPayment(msgspec.Struct, frozen=True):
    """An answer with what the provider says of it: why it declined, or by which date it will know (R98)."""

    answer: PaymentAnswer
    decline_reason: e.DeclineReason | None = None
    answer_by: CivilDate | None = None


PaymentReply: TypeAlias = PaymentAnswer | AnsweredPayment
"""A bare answer says no more than itself."""

CONSENT = timedelta(minutes=30)
"""How long the customer's consent is waited for (R96)."""


def conclude(state: Account, reply: PaymentReply, catalogues: Catalogues) -> tuple[e.Event, ...]:
    """The events that follow the answer to the account's pending payment: effective at the instant of its
    intent."""
    payment = state.payment
    if payment is None:
        raise ValueError("no payment of this account waits for an answer")
    told = reply if isinstance(reply, AnsweredPayment) else AnsweredPayment(reply)
    match told.answer:
        case "cancelled":
            return (e.PaymentCancelled(at=payment.at, command=_command(payment), purpose=payment.purpose),)
        case "paid":
            return _paid(state, payment)
        case "action_required" if payment.purpose in ("purchase", "balance"):
            until = payment.at + CONSENT
            return (e.PaymentActionRequired(at=payment.at, command=_command(payment), until=until),)
        case "pending" if payment.purpose == "renewal":
            assert payment.invoice_number is not None
            answer_by = UNSET if told.answer_by is None else told.answer_by
            return (e.PaymentLate(at=payment.at, number=payment.invoice_number, answer_by=answer_by),)
        case "declined" | "declined_final" | "action_required" | "pending":
            return _Declined(state, payment, told, catalogues).events()
        case _:
            assert_never(told.answer)


def ended_unpaid(state: Account, items: tuple[str, ...], at: Instant) -> e.ItemsLapsed:
    """Items that would have renewed end, since the balance was not paid (R41)."""
    return e.ItemsLapsed(
        at=at,
        number=state.past_due_invoices[0].number,
        items=items,
        written_off=False,
        account_anchor=state.anchor_without(items),
    )


def _paid(state: Account, payment: PendingPayment) -> tuple[e.Event, ...]:
    match payment.purpose:
        case "purchase" | "scheduled_resume":
            assert payment.if_paid is not None
            grant = () if payment.grant is None else (payment.grant,)
            return (*grant, *_notes(state, payment), _activation(state, payment.if_paid))
        case "renewal" | "balance" | "balance_retry":
            assert payment.invoice_number is not None
            if not payment.invoices:
                return (_invoice_paid(state, payment, payment.invoice_number, payment.amount),)
            numbers = [share.invoice for share in payment.invoices]
            return tuple(
                [
                    _invoice_paid(state, payment, share.invoice, share.amount, numbers[:place])
                    for place, share in enumerate(payment.invoices)
                ]
            )
        case _:
            assert_never(payment.purpose)


def _notes(state: Account, payment: PendingPayment) -> tuple[e.CreditNoteIssued, ...]:
    """The credit notes of an upgrade. Others may have been issued while it waited: these have the numbers
    that follow (R61)."""
    if not payment.notes:
        return ()
    following = state.standing.next_credit_note
    return tuple([replace(note, number=n) for n, note in enumerate(payment.notes, following)])


def _activation(state: Account, event: e.Activation) -> e.Activation:
    """What was bought. An invoice may have been issued anew while it waited: its own has the next number
    (R47)."""
    invoice = event.invoice
    if invoice is None or invoice.number == state.next_invoice:
        return event
    numbered: e.Activation = replace(event, invoice=replace(invoice, number=state.next_invoice))
    return numbered


def _invoice_paid(
    state: Account, payment: PendingPayment, number: int, amount: Decimal, before: Collection[int] = ()
) -> e.InvoicePaid:
    """`before`: the invoices that the same charge has paid already."""
    record = state.records[number]
    return e.InvoicePaid(
        at=payment.at,
        command=_command(payment),
        number=number,
        amount=amount,
        restored=restorable(state, record, before),
    )


class _Declined:
    """What follows a declined payment."""

    def __init__(
        self, state: Account, payment: PendingPayment, told: AnsweredPayment, catalogues: Catalogues
    ) -> None:
        self.state = state
        self.payment = payment
        self.final = True if told.answer == "declined_final" else UNSET
        self.asked = told.answer == "action_required"
        reason = "authentication_required" if self.asked else told.decline_reason
        self.reason: e.DeclineReason | UnsetType = UNSET if reason is None else reason
        self.policy = catalogues.at(payment.at).policies.collection

    def events(self) -> tuple[e.Event, ...]:
        """The events, in order."""
        payment = self.payment
        match payment.purpose:
            case "purchase" | "balance":
                return (
                    e.PaymentDeclined(
                        at=payment.at,
                        command=_command(payment),
                        amount=payment.amount,
                        final=self.final,
                        decline_reason=self.reason,
                    ),
                )
            case "renewal":
                return self._renewal()
            case "balance_retry":
                return self._try()
            case "scheduled_resume":
                assert isinstance(payment.if_paid, e.PlanResumed)
                resume = payment.if_paid
                return (
                    e.ResumeDropped(
                        at=payment.at,
                        family=resume.family,
                        product=resume.product,
                        reason="payment_declined",
                        final=self.final,
                        decline_reason=self.reason,
                    ),
                )
            case _:
                assert_never(payment.purpose)

    def _renewal(self) -> tuple[e.Event, ...]:
        """The items of the invoice are suspended; where there is a policy, with the dates of the tries and
        a first reminder (R52, R55)."""
        assert self.payment.invoice_number is not None
        record = self.state.record(self.payment.invoice_number)
        at, policy = self.payment.at, self.policy
        if policy is None:
            return (
                e.RenewalDeclined(
                    at=at,
                    number=record.number,
                    suspended=record.items,
                    final=self.final,
                    decline_reason=self.reason,
                ),
            )
        tries = tries_of(self.state, record, policy)
        declined = e.RenewalDeclined(
            at=at,
            number=record.number,
            suspended=record.items,
            tries=tries,
            remind_before=policy.remind_before_lapse,
            final=self.final,
            decline_reason=self.reason,
        )
        after, paid = _paid_by_credit(evolve(self.state, declined), at)
        left = after.record(record.number)
        if left.status != "open":
            return declined, *paid
        told = reminder(after, left, "declined", at, authentication_required=self.asked)
        return declined, *paid, told

    def _try(self) -> tuple[e.Event, ...]:
        """A declined try; of R41's, the items that would have renewed end. Reminded of for every open
        invoice."""
        payment, at = self.payment, self.payment.at
        ended = (ended_unpaid(self.state, payment.items, at),) if payment.items else ()
        dated = any(record.tries for record in self.state.past_due_invoices)
        if self.policy is None and not dated and not self.final:
            return ended
        declined = e.TryDeclined(at=at, amount=payment.amount, final=self.final, decline_reason=self.reason)
        if self.policy is None and not dated:
            return (declined, *ended)
        standing = replace(self.state.standing, method_refused=bool(self.final))
        after, paid = _paid_by_credit(replace(self.state, standing=standing, payment=None), at)
        told = [
            reminder(after, record, "try_declined", at, authentication_required=self.asked)
            for record in after.past_due_invoices
        ]
        return (declined, *ended, *paid, *told)


def _paid_by_credit(state: Account, at: Instant) -> tuple[Account, tuple[e.Event, ...]]:
    """Account credit that arose while the payment had no answer pays what is due now; the state then
    (R63)."""
    paid = credit_follows(state, max(at, state.last_at))
    return evolve_all(state, paid) or state, paid


def _command(payment: PendingPayment) -> e.CommandRef | None:
    if payment.role is None:
        return None
    return e.CommandRef(payment.role, payment.command_id, payment.fingerprint)
