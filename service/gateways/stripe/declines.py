"""Why Stripe declined, and whether the method will ever be accepted (R54).

Stripe's advice code, which passes on what the card network says, decides where there is one; else the decline
code does. Cards that are lost, stolen or closed, and mandates that were withdrawn, are never tried again: the
networks fine it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from domain.events import DeclineReason
from service.gateways.stripe.seen import Codes

_REASONS: Final[Mapping[DeclineReason, str]] = {
    "insufficient_funds": "insufficient_funds",
    "limit_reached": "card_velocity_exceeded withdrawal_count_limit_exceeded pin_try_exceeded",
    "expired": "expired_card",
    "wrong_details": (
        "incorrect_cvc invalid_cvc incorrect_number invalid_number incorrect_zip incorrect_address "
        "invalid_expiry_month invalid_expiry_year incorrect_pin invalid_pin invalid_account_number"
    ),
    "lost_or_stolen": "lost_card stolen_card pickup_card",
    "not_permitted": (
        "transaction_not_allowed card_not_supported currency_not_supported not_permitted service_not_allowed "
        "restricted_card invalid_amount stop_payment_order revocation_of_authorization "
        "revocation_of_all_authorizations debit_not_authorized bank_account_restricted amount_too_small "
        "amount_too_large testmode_decline live_mode_test_card"
    ),
    "authentication_required": (
        "authentication_required authentication_not_handled mobile_device_authentication_required "
        "payment_intent_authentication_failure setup_intent_authentication_failure"
    ),
    "method_gone": "invalid_account no_account account_closed bank_account_closed bank_ownership_changed",
    "bank_unavailable": "issuer_not_available processing_error try_again_later reenter_transaction",
    "suspected_fraud": "fraudulent merchant_blacklist highest_risk_level security_violation",
}

_REASON: Final[Mapping[str, DeclineReason]] = {
    code: reason for reason, codes in _REASONS.items() for code in codes.split()
}

_FINAL: Final = frozenset(
    "lost_card stolen_card pickup_card invalid_account transaction_not_allowed stop_payment_order "
    "revocation_of_authorization revocation_of_all_authorizations debit_not_authorized no_account "
    "account_closed bank_account_closed bank_ownership_changed".split()
)


class Declined(msgspec.Struct, frozen=True):
    """A decline. None: Stripe does not say why."""

    answer: Literal["declined", "declined_final"]
    reason: DeclineReason | None = None


NO_METHOD: Final = Declined("declined", "no_method")
NOT_PERMITTED: Final = Declined("declined", "not_permitted")
WRONG_DETAILS: Final = Declined("declined", "wrong_details")
METHOD_GONE: Final = Declined("declined_final", "method_gone")
AUTHENTICATION_REQUIRED: Final = Declined("declined", "authentication_required")


def declined(codes: Codes) -> Declined:
    """What the codes of a card error, or of a failed charge, say."""
    given = [known for known in (codes.decline_code, codes.code) if known is not None]
    reason = next((_REASON[known] for known in given if known in _REASON), None)
    final = codes.advice_code == "do_not_try_again" or (
        codes.advice_code is None and any(known in _FINAL for known in given)
    )
    return Declined("declined_final" if final else "declined", reason)
