"""An account as another system describes it, before anything of it is checked (docs/importing.md), and what
can be wrong with it."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from domain.calendar import CivilDate
from domain.commands import Amount, Blocks, Name

Count = Annotated[int, Meta(ge=0, le=10**12)]
Method = Annotated[str, Meta(min_length=1, max_length=1000)]


class ProductRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product that is held: a plan, an add-on or a credit pack, as the catalogue says. Which fields it has
    depends on that."""

    product: Name
    family: Name | None = None
    tier: Name | None = None
    price: Amount | None = None
    paid_until: CivilDate | None = None
    paid_from: CivilDate | None = None
    anchor: CivilDate | None = None
    paid: Amount | None = None
    ends: bool = False
    becomes: Name | None = None
    becomes_tier: Name | None = None
    paused_at: str | None = None
    resume_on: CivilDate | None = None
    blocks: Blocks | None = None
    next_blocks: Blocks | None = None
    topped_up: Count = 0
    credits: Count | None = None
    expires_on: CivilDate | None = None


class AccountRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account with everything that it holds, `products` in order of purchase. `pauses`: by family, on
    which dates of the last twelve months its plan was paused. `method`: the provider's reference of the saved
    payment method, which goes to the provider's adapter and into no event."""

    account: Name
    currency: str
    time_zone: str
    products: tuple[ProductRow, ...] = ()
    anchor: CivilDate | None = None
    pauses: dict[Name, tuple[CivilDate, ...]] = {}
    free_used: bool = False
    account_credit: Amount | None = None
    method: Method | None = None

    def __repr__(self) -> str:
        return f"AccountRow({self.account!r}, …)"


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a row: a stable code, the place as a JSON path, a sentence, and what to do."""

    code: str
    place: str
    message: str
    remedy: str


REMEDIES: Final = {
    "account_exists": "give it another id, or leave it out: an account that has a history is not taken over",
    "account_twice": "bring its lines together into one account",
    "already_due": "bill it in the other system and export anew, or import as of a moment before it",
    "anchor_missing": "say on which day of the month it renews, as a date in `anchor`",
    "anchor_without_plan": "leave it out: only a monthly plan that is not paused has an account anchor",
    "family_twice": "leave one out: an account holds one plan of a family",
    "field_missing": "fill it in",
    "field_not_allowed": "leave it empty",
    "free_already_used": "leave `becomes` out: an account moves down to Free once in its life",
    "invalid_amount": "write it in plain digits, with no more after the point than the currency has",
    "invalid_date": "give a date that fits",
    "invalid_moment": "write it as 2026-04-05, 2026-04-05T18:30 or 2026-04-05T16:30:00Z",
    "invalid_row": "correct it as docs/importing.md describes",
    "invalid_text": "leave such characters out",
    "no_price": "load a version of the catalogue with that price first, or the next renewal has none",
    "nonexistent_time": "give another time: the zone's clocks skipped that one",
    "not_a_boundary": "give the anchor from which its renewals are counted, or the date of the next one",
    "not_pausable": "leave `paused_at` out",
    "over_paid": "give what was paid for this cycle alone; what was paid for later ones is `account_credit`",
    "pause_limit": "give the last two pauses only",
    "product_twice": "leave one out: only credit packs add up",
    "unknown_currency": "give a code of ISO 4217, such as EUR",
    "unknown_product": "give an id that the catalogue has, or load the version that has it first",
    "unknown_tier": "give a tier that the plan has, or load the version that has it first",
    "unknown_time_zone": "give an IANA time zone, such as Europe/Paris",
    "wrong_family": "give the family that the catalogue says, or leave it out",
}
"""What to do about each fault."""


def fault(code: str, place: str, message: str) -> Fault:
    """The fault with its remedy."""
    return Fault(code, place, message, REMEDIES[code])
