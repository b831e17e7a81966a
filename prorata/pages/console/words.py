"""The words that the console's templates have at hand, beside `say` and the forms of amounts and dates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from domain.money import zero
from projections.history.past import Past
from prorata.wording import calculation_said, event_said
from prorata.wording.console import (
    BARS,
    COMMANDS,
    FIELDS,
    KINDS,
    LINKS,
    MOVEMENTS,
    PARTS,
    RECURRING,
    ROLES,
    WHY,
)
from prorata.wording.labels import ACCOUNT_STATUSES, INVOICES, OUTCOMES, STATUSES, UNSETTLED
from prorata.wording.language import amount_written
from prorata.wording.second_part import CREDIT_REASONS


def due_of(look: Past) -> Decimal:
    """What is due of all invoices at that look."""
    return sum([record.due for record in look.state.open_invoices], zero(look.state.currency))


WORDS: Final[dict[str, Any]] = {
    "ACCOUNT_STATUSES": ACCOUNT_STATUSES,
    "BARS": BARS,
    "COMMANDS": COMMANDS,
    "CREDIT_REASONS": CREDIT_REASONS,
    "FIELDS": FIELDS,
    "INVOICES": INVOICES,
    "KINDS": KINDS,
    "LINKS": LINKS,
    "MOVEMENTS": MOVEMENTS,
    "OUTCOMES": OUTCOMES,
    "PARTS": PARTS,
    "RECURRING": RECURRING,
    "ROLES": ROLES,
    "STATUSES": STATUSES,
    "UNSETTLED": UNSETTLED,
    "WHY": WHY,
    "amount_written": amount_written,
    "calculation_said": calculation_said,
    "due_of": due_of,
    "event_said": event_said,
}
