"""Messages of a payment provider, in no provider's terms, become what they mean here: a late payment ended
(R98), a payment that waited for the customer ended (R96), a charge is disputed (R58).

    outcome = await take_signed(gateway, service, body, signature)

A message is a hint to ask. It may come late, twice, before one that was sent earlier, or while another
process takes it too: what is recorded is how the provider says that it stands now, and each fact is recorded
once. Where the answer is not known an error says so, and the provider sends the message again.
"""

from __future__ import annotations

from typing import Literal, TypeAlias
from uuid import UUID

from domain import commands as c
from domain.charges import Charge, charge_of_invoice, charges_of
from eventlog.codec import domain_codec
from service.conversing import Ports
from service.errors import PaymentUnanswered
from service.gateways.port import ChargeMessage, DisputeMessage, MessageReader, ProviderMessage
from service.service import BillingService

MessageOutcome: TypeAlias = Literal["recorded", "known", "open", "not_ours"]
"""What came of a message. `known`: all that it says is recorded already. `open`: the provider does not know
the end of it either. `not_ours`: no account here has such a charge."""

_FACTS: dict[str, type[c.DisputeFact]] = {"opened": c.OpenDispute, "won": c.WinDispute, "lost": c.LoseDispute}
_READS = 5
"""How often a message is looked up again because what it led to was recorded."""

_codec = domain_codec()


async def take_signed(
    reader: MessageReader, service: BillingService, body: bytes, signature: str
) -> MessageOutcome:
    """Take a message as it came. Whatever was recorded for it is looked up again, so that of two processes
    with an older and a newer answer the newer one counts in the end.

    Raises InvalidInput `invalid_message`; GatewayUnavailable, PaymentUnanswered and what the log raises: it
    is to be sent again.
    """
    outcome: MessageOutcome = "not_ours"
    for _ in range(_READS):
        message = await reader.read_message(body, signature)
        if message is None:
            break
        taken = await take(service, message)
        if taken != "recorded":
            return outcome if outcome == "recorded" else taken
        outcome = taken
    return outcome


async def take(service: BillingService, message: ProviderMessage) -> MessageOutcome:
    """Record what the message means, if that is not recorded yet."""
    account_id = message.account_id
    state = await service.account(account_id)
    if state is None or state.clock != "wall":
        return "not_ours"
    service.check_clock("wall")
    charge = (await charges_by_key(service.ports, account_id)).get(message.key)
    if charge is None:
        return "not_ours"
    if charge.status in ("unanswered", "action_required", "late"):
        asked = await _ask(service, account_id, charge)
        if isinstance(message, ChargeMessage):
            return asked
        charge = (await charges_by_key(service.ports, account_id))[message.key]
    if isinstance(message, ChargeMessage):
        return "known"
    return await _disputed(service, message, charge)


async def charges_by_key(ports: Ports, account_id: str) -> dict[UUID, Charge]:
    """The charges of the account by the key under which the provider knows each."""
    stored = await ports.log.read_account(account_id)
    charges = charges_of((row.version, _codec.read(row)) for row in stored)
    return {stored[intent - 1].event_id: charge for intent, charge in charges.items()}


async def _ask(service: BillingService, account_id: str, charge: Charge) -> MessageOutcome:
    """How the charge stands that has not ended here, which is recorded.

    Raises PaymentUnanswered while whoever charged it may still be at it.
    """
    if charge.status == "late":
        return "recorded" if await service.ask_late_payment(account_id, charge.intent) else "open"
    if charge.status == "action_required":
        return "recorded" if await service.payment_answered(account_id) else "open"
    if not await service.take_over_payment(account_id):
        raise PaymentUnanswered(account_id)
    return "recorded"


async def _disputed(service: BillingService, message: DisputeMessage, charge: Charge) -> MessageOutcome:
    """The dispute, of each invoice that the charge pays; a late payment that is charged back has failed."""
    account_id = message.account_id
    if charge.status == "late":
        if message.status != "lost":
            return "open"
        ended = await service.ask_late_payment(account_id, charge.intent, charged_back=True)
        return "recorded" if ended else "known"
    recorded = False
    for invoice in await _paid_by(service, account_id, charge):
        recorded = await _tell(service, message, invoice) or recorded
    return "recorded" if recorded else "known"


async def _paid_by(service: BillingService, account_id: str, charge: Charge) -> list[int]:
    """The invoices whose money is this charge's, not one's that was issued anew (R67) or paid otherwise
    since."""
    state = await service.account(account_id)
    assert state is not None
    charges = {one.intent: one for one in (await charges_by_key(service.ports, account_id)).values()}
    return [
        number
        for number in charge.invoices
        if charge_of_invoice(charges, number) == charge and not state.record(number).reissued
    ]


async def _tell(service: BillingService, message: DisputeMessage, invoice: int) -> bool:
    """Whether the fact was new.

    Raises PaymentUnanswered while a payment of that invoice is under way.
    """
    fact = _FACTS[message.status](invoice)
    request = c.Request(fact, message.at, "wall", "finance")
    given = await service.handle(message.account_id, request, actor="provider")
    if given.answer.code == "payment_in_progress":
        raise PaymentUnanswered(message.account_id)
    return given.answer.outcome == "accepted"
