"""What taking over an account from another system records: one event that opens it, with everything held
there."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain.calendar import CivilDate, Cycle, Instant
from domain.catalog import BlockPrice
from domain.event_parts import Clock, EventBase


class ImportedDowngrade(msgspec.Struct, frozen=True, gc=False):
    """What the plan becomes at its cycle's end (R29)."""

    product: str
    tier: str
    to_free: bool


class ImportedItem(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A plan or an add-on as it was held elsewhere. `family` and `tier`: of a plan. `price`: the monthly
    price held for the present cycle (R8); None of what is sold in blocks. `cycle`: None of Free.

    `paid`: what was paid elsewhere for that cycle, before tax. `ends`: it was cancelled or removed, and ends
    with the cycle; `becomes`: the downgrade that is pending. `paused_at`: since when a plan is paused, and
    when it resumes by itself (R36); with `ends` that date is set aside.
    """

    product: str
    family: str | None
    tier: str | None
    price: Decimal | None
    cycle: Cycle | None
    paid: Decimal
    ends: bool = False
    becomes: ImportedDowngrade | None = None
    paused_at: Instant | None = None
    resume_on: CivilDate | None = None
    resume_at: Instant | None = None
    requires: tuple[str, ...] = ()
    blocks: int | None = None
    next_blocks: int | None = None
    e_mails_per_block: int | None = None
    topped_up: int = 0
    """E-mails that were added until the cycle's end (R20)."""
    block_prices: tuple[BlockPrice, ...] = ()


class ImportedPack(msgspec.Struct, frozen=True, gc=False):
    """Credits bought elsewhere that have not expired (R21). `paid`: what was paid for them, before tax."""

    product: str
    credits: int
    expires_on: CivilDate
    expires_at: Instant
    paid: Decimal


class ImportedPauses(msgspec.Struct, frozen=True, gc=False):
    """On which dates of the last twelve months the family's plan was paused (R33)."""

    family: str
    began_on: tuple[CivilDate, ...]


class AccountImported(EventBase, frozen=True, kw_only=True, tag="account_imported"):
    """The account's history begins: taken over from another system, where it was paid for until now.

    `items` in order of purchase. What was billed elsewhere has no invoice here: the account's first one is
    number 1. `clock` and `catalog` as of `AccountOpened`. `credit`: account credit (R63).
    """

    currency: str
    time_zone: str
    clock: Clock
    catalog: str | None = None
    account_anchor: CivilDate | None
    items: tuple[ImportedItem, ...]
    packs: tuple[ImportedPack, ...]
    pauses: tuple[ImportedPauses, ...]
    free_used: bool
    credit: Decimal
