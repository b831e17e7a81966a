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
