"""What pages say where something went wrong."""

from __future__ import annotations

from typing import Final

from prorata.wording.language import Wording, message

PROBLEMS: Final[dict[str, str]] = {
    "session_over": message(
        "Your session is over. Go back to where you came from, and open your account again."
    ),
    "form_over": message(
        "This form is too old, or it came from elsewhere: nothing was done. "
        "Open the page again, and send it once more."
    ),
    "link_over": message("This link was used, or its time is over. Go back, and ask for another one."),
    "not_found": message("There is no such page."),
    "unknown_invoice": message("There is no such invoice."),
    "card_data_refused": message(
        "Card numbers and security codes are typed into the payment provider's own field only: "
        "nothing was done."
    ),
    "forbidden": message("You may not do this."),
}
"""By the code of a problem; others are told by their kind."""

BY_KIND: Final = (
    message("This cannot be read: nothing was done. Go back, and try again."),
    message("The system cannot be reached at the moment. Try again in a minute."),
    message("Something is wrong on our side. Please tell us, with the number below."),
)


def problem_said(code: str, status: int, say: Wording) -> str:
    """What the person is told, and what they can do."""
    if code in PROBLEMS:
        return say.say(PROBLEMS[code])
    if status in (408, 429, 503):
        return say.say(BY_KIND[1])
    return say.say(BY_KIND[2] if status >= 500 else BY_KIND[0])


CHANGED_MEANWHILE: Final = message(
    "The account has changed since you were shown this, perhaps in another tab: nothing was done. "
    "Look at it once more."
)

_TITLES: Final[dict[str, str]] = {
    "purchase_plan": message("Purchase {product}"),
    "change_plan": message("Change to {product}"),
    "purchase_addon": message("Purchase {product}"),
    "buy_credits": message("Purchase {product}"),
    "start_transactional": message("Purchase {product}"),
    "change_transactional": message("Change the blocks of {product}"),
    "top_up_transactional": message("Top up {product}"),
    "stop_transactional": message("Stop {product}"),
    "remove_addon": message("Remove {product}"),
    "undo": message("Keep {product}"),
    "cancel_plan": message("Cancel {product}"),
    "pause_plan": message("Pause {product}"),
    "resume_plan": message("Resume {product}"),
    "pay_balance": message("Pay the open balance"),
    "abandon_payment": message("Give up the payment"),
    "set_payment_method": message("Another payment method"),
}
"""Of a window, by the command that it asks about."""


def title_said(do: str, product: str, say: Wording, *, keeps: bool) -> str:
    """The title of a window. `keeps`: what was to end would go on."""
    return say.say(_TITLES["undo" if keeps else do], product=product)


def button_said(do: str, say: Wording, *, pays: bool, keeps: bool) -> str:
    """What is written on the button that does it."""
    if pays:
        return say.say("Pay Now")
    return say.say("Keep") if keeps or do == "undo" else say.say("Confirm")
