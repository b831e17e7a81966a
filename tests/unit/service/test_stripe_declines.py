"""Why Stripe declined, and whether the method may be asked again."""

import pytest

from domain.events import DeclineReason
from service.gateways.stripe.declines import declined
from service.gateways.stripe.seen import Codes


@pytest.mark.parametrize(
    ("codes", "reason", "final"),
    [
        (Codes("card_declined", "insufficient_funds"), "insufficient_funds", False),
        (Codes("card_declined", "card_velocity_exceeded"), "limit_reached", False),
        (Codes("expired_card"), "expired", False),
        (Codes("incorrect_cvc"), "wrong_details", False),
        (Codes("card_declined", "lost_card"), "lost_or_stolen", True),
        (Codes("card_declined", "stolen_card"), "lost_or_stolen", True),
        (Codes("card_declined", "pickup_card"), "lost_or_stolen", True),
        (Codes("card_declined", "revocation_of_all_authorizations"), "not_permitted", True),
        (Codes("authentication_required", "authentication_required"), "authentication_required", False),
        (Codes("payment_intent_authentication_failure"), "authentication_required", False),
        (Codes("card_declined", "issuer_not_available"), "bank_unavailable", False),
        (Codes("card_declined", "fraudulent"), "suspected_fraud", False),
        (Codes("no_account"), "method_gone", True),
        (Codes("card_declined", "generic_decline"), None, False),
        (Codes("card_declined", "a_code_of_tomorrow"), None, False),
        (Codes(), None, False),
    ],
)
def test_a_decline_code_has_a_reason_and_says_whether_it_is_for_good(
    codes: Codes, reason: DeclineReason | None, *, final: bool
) -> None:
    found = declined(codes)
    assert (found.reason, found.answer) == (reason, "declined_final" if final else "declined")


def test_the_card_networks_advice_decides_where_there_is_one() -> None:
    generic = declined(Codes("card_declined", "do_not_honor", "do_not_try_again"))
    lost = declined(Codes("card_declined", "lost_card", "try_again_later"))
    wrong = declined(Codes("card_declined", "incorrect_number", "confirm_card_data"))

    assert (generic.answer, generic.reason) == ("declined_final", None)
    assert (lost.answer, lost.reason) == ("declined", "lost_or_stolen")
    assert (wrong.answer, wrong.reason) == ("declined", "wrong_details")
