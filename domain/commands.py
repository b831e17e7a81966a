"""What can be asked of an account: commands, and the request that carries one.

A command holds only its own fields (docs/scenarios.md, "Steps"); who asks, when, under which key and with
what confirmation is in `Request`.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.calendar import CivilDate, Instant
from domain.catalog_file import AddOnFile, CreditPackFile, FamilyFile, NamedPolicies, PlanFile
from domain.events import Clock

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Blocks = Annotated[int, Meta(ge=1, le=1_000_000)]


class _Command(msgspec.Struct, frozen=True, gc=False, tag_field="do", forbid_unknown_fields=True):
    pass


class OpenAccount(_Command, frozen=True, tag="open_account"):
    """Begin an account's history. Currency, zone and clock are fixed for ever; `catalog` names a catalogue
    of its own (test clock)."""

    currency: str
    time_zone: str
    clock: Clock
    catalog: str | None = None


class PurchasePlan(_Command, frozen=True, tag="purchase_plan"):
    """Buy a plan (R10, R11), or Free (R22). Without a tier: the plan's first."""

    product: Name
    tier: Name | None = None


class ChangePlan(_Command, frozen=True, tag="change_plan"):
    """Move to another plan or tier of the same family (R29)."""

    product: Name
    tier: Name | None = None


class CancelPlan(_Command, frozen=True, tag="cancel_plan"):
    """End the family's plan at its cycle's end (R28)."""

    family: Name


class PausePlan(_Command, frozen=True, tag="pause_plan"):
    """Pause the family's plan now (R31), perhaps until a date (R36)."""

    family: Name
    resume_on: CivilDate | None = None


class ResumePlan(_Command, frozen=True, tag="resume_plan"):
    """Resume the family's paused plan (R34, R35)."""

    family: Name


class PurchaseAddon(_Command, frozen=True, tag="purchase_addon"):
    """Buy an add-on (R12, R13)."""

    product: Name


class RemoveAddon(_Command, frozen=True, tag="remove_addon"):
    """End an add-on at its cycle's end (R26)."""

    product: Name


class Undo(_Command, frozen=True, tag="undo"):
    """Withdraw the product's pending removal, cancellation, stop or downgrade (R27)."""

    product: Name


class BuyCredits(_Command, frozen=True, tag="buy_credits"):
    """Buy a credit pack (R21)."""

    product: Name


class StartTransactional(_Command, frozen=True, tag="start_transactional"):
    """Start Transactional e-mail with so many blocks a cycle (R20)."""

    blocks: Blocks


class ChangeTransactional(_Command, frozen=True, tag="change_transactional"):
    """Set the number of blocks from the next renewal (R20)."""

    blocks: Blocks


class TopUpTransactional(_Command, frozen=True, tag="top_up_transactional"):
    """Add blocks now, until the cycle's end (R20)."""

    blocks: Blocks


class StopTransactional(_Command, frozen=True, tag="stop_transactional"):
    """End Transactional e-mail at its cycle's end (R20)."""


class PayBalance(_Command, frozen=True, tag="pay_balance"):
    """Pay the open invoice (R40)."""


class CloseAccount(_Command, frozen=True, tag="close_account"):
    """End everything now, for good (R42)."""


class OverridePrice(_Command, frozen=True, tag="reprice"):
    """On a test clock: the product's price in the account's currency from now on, for this account alone."""

    product: Name
    price: Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")]
    tier: Name | None = None


class ChangeCatalog(_Command, frozen=True, tag="catalog"):
    """On a test clock: a later version of the account's own catalogue, in force from now on. What is listed
    stands whole, what is not named is as before; `withdrawn`: products no longer sold."""

    families: tuple[FamilyFile, ...] | UnsetType = UNSET
    plans: tuple[PlanFile, ...] | UnsetType = UNSET
    add_ons: tuple[AddOnFile, ...] | UnsetType = UNSET
    credits: tuple[CreditPackFile, ...] | UnsetType = UNSET
    withdrawn: tuple[Name, ...] | UnsetType = UNSET
    policies: NamedPolicies | UnsetType = UNSET


Command = (
    OpenAccount
    | PurchasePlan
    | ChangePlan
    | CancelPlan
    | PausePlan
    | ResumePlan
    | PurchaseAddon
    | RemoveAddon
    | Undo
    | BuyCredits
    | StartTransactional
    | ChangeTransactional
    | TopUpTransactional
    | StopTransactional
    | PayBalance
    | CloseAccount
    | OverridePrice
    | ChangeCatalog
)


class Request(msgspec.Struct, frozen=True):
    """A command as it is given: when, by which role, on which clock, under which idempotency key, with
    what confirmation.

    `cvv` and `billing` say that the confirmation was given (R15); the provider's token itself never comes
    here.
    """

    command: Command
    at: Instant
    clock: Clock
    role: str = "owner"
    id: str | None = None
    cvv: bool = False
    billing: bool = False
    expected_total: Decimal | None = None

    @property
    def fingerprint(self) -> str:
        """What "the same contents" means for a repeated key: the command, its fields, the role and the
        quoted total (section 10)."""
        total = None if self.expected_total is None else str(self.expected_total.normalize())
        contents = msgspec.json.encode((self.command, self.role, total), order="deterministic")
        return hashlib.sha256(contents).hexdigest()[:32]
