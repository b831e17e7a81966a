"""What happens to plans: bought, changed, cancelled, paused, resumed (R10, R11, R22, R28, R29, R31 to R37).
Events like the others, which `domain.events` joins with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import UNSET, UnsetType

from domain.calendar import CivilDate, Cycle, Instant
from domain.event_parts import DeclineReason, Ending, EndReason, EventBase, Invoice, Upcoming


class PlanPurchased(EventBase, frozen=True, kw_only=True, tag="plan_purchased"):
    """A monthly plan was bought and is active (R10, R11). `replaces`: the Free plan that it ended (R22)."""

    family: str
    product: str
    tier: str
    price: Decimal
    cycle: Cycle
    account_anchor: CivilDate
    replaces: str | None
    invoice: Invoice


class FreePlanStarted(EventBase, frozen=True, kw_only=True, tag="free_plan_started"):
    """The Free plan is active: bought (R22), or moved down to at the end of the cycle of the plan that it
    `replaces` (R29)."""

    family: str
    product: str
    tier: str
    replaces: str | None
    account_anchor: CivilDate | None


class PlanChanged(EventBase, frozen=True, kw_only=True, tag="plan_changed"):
    """An upgrade, or a change at the same price: at once, in the same cycle (R29). Without an invoice
    nothing was charged."""

    family: str
    from_product: str
    from_tier: str
    product: str
    tier: str
    price: Decimal
    cycle: Cycle | None
    invoice: Invoice | None


class DowngradeScheduled(EventBase, frozen=True, kw_only=True, tag="downgrade_scheduled"):
    """At the cycle's end the plan moves down to another plan or tier (R29); `to_free`: the one such move
    of an account's life (R22)."""

    family: str
    product: str
    tier: str
    to_product: str
    to_tier: str
    to_free: bool
    on: CivilDate
    ending_addons: tuple[Ending, ...]


class DowngradeWithdrawn(EventBase, frozen=True, kw_only=True, tag="downgrade_withdrawn"):
    """The pending downgrade is as if never asked for (R27, R29)."""

    family: str
    product: str


class PlanCancelled(EventBase, frozen=True, kw_only=True, tag="plan_cancelled"):
    """The plan ends at its cycle's end (R28). `ending_addons`: those that end with it."""

    family: str
    product: str
    on: CivilDate
    ending_addons: tuple[Ending, ...]


class PlanCancellationWithdrawn(EventBase, frozen=True, kw_only=True, tag="plan_cancellation_withdrawn"):
    """The pending cancellation is as if never asked for (R27). `resume_on`, `resume_at`: of a paused plan,
    when it resumes by itself after all (R36)."""

    family: str
    product: str
    resume_on: CivilDate | None = None
    resume_at: Instant | None = None


class PlanEnded(EventBase, frozen=True, kw_only=True, tag="plan_ended"):
    """The plan is no longer held (R28, R37)."""

    family: str
    product: str
    reason: EndReason
    account_anchor: CivilDate | None


class PlanPaused(EventBase, frozen=True, kw_only=True, tag="plan_paused"):
    """Access to the plan ended (R31). `still_billed`: everything that goes on being billed, with date and
    amount (R32)."""

    family: str
    product: str
    account_anchor: CivilDate | None
    resume_on: CivilDate | None
    resume_at: Instant | None
    still_billed: tuple[Upcoming, ...]


class PlanResumed(EventBase, frozen=True, kw_only=True, tag="plan_resumed"):
    """The plan is active again: in its paid cycle without an invoice (R35), or as a purchase (R34);
    `scheduled`: by R36."""

    family: str
    product: str
    tier: str
    price: Decimal
    cycle: Cycle
    account_anchor: CivilDate
    scheduled: bool
    invoice: Invoice | None


class ResumeDropped(EventBase, frozen=True, kw_only=True, tag="resume_dropped"):
    """A scheduled resume did not happen, or its date passed while the plan was cancelled; the plan stays
    paused (R36)."""

    family: str
    product: str
    reason: Literal["past_due", "payment_declined", "date_passed"]
    final: bool | UnsetType = UNSET
    """Of a declined payment: the method will never be accepted (R54)."""
    decline_reason: DeclineReason | UnsetType = UNSET
