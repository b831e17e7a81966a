"""Why a payment was declined, and whether its method may be asked again (R16, R54)."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType

from domain.events import DeclineReason
from prorata.wording.language import Wording, message

DECLINE_REASONS: Final[dict[DeclineReason, str]] = {
    "insufficient_funds": message("not enough money on the account"),
    "limit_reached": message("a limit of the payment method is reached"),
    "expired": message("the card has expired"),
    "wrong_details": message("the details of the payment method are wrong"),
    "lost_or_stolen": message("the card is blocked"),
    "not_permitted": message("the bank does not permit the payment"),
    "authentication_required": message("the bank asks for the customer's consent"),
    "method_gone": message("the payment method no longer exists"),
    "no_method": message("no payment method is saved"),
    "bank_unavailable": message("the bank could not be reached"),
    "suspected_fraud": message("the payment looked unsafe"),
}


def declined_said(told: str, reason: DeclineReason | UnsetType, final: object, say: Wording) -> str:
    """The sentence, followed by why, and that the method is not asked again by itself."""
    said = [told]
    if reason is not UNSET:
        said.append(say.say("Reason: {decline_reason}.", decline_reason=say.say(DECLINE_REASONS[reason])))
    if final is True:
        said.append(say.say("This payment method was declined for good."))
    return " ".join(said)
